// Runs golden training files (test/golden/README.md) on the tape and compiled: one JSON line a file.
import { FormatError, readGolden } from './golden/file.js';
import { failures, runGolden } from './golden/run.js';

const paths = process.argv.slice(2);
if (paths.length === 0) {
  console.error('usage: npm run -s golden -- FILE...');
  process.exit(2);
}

for (const path of paths) {
  const complain = (message: string) => {
    console.error(`${path}: ${message.replace(/\s+/g, ' ')}`);
    process.exitCode = 1;
  };
  let name = path;
  try {
    const file = readGolden(path);
    name = file.name;
    const result = await runGolden(file);
    console.log(JSON.stringify(result));
    const failed = failures(result, file.config);
    if (failed.length) complain(failed.join('; '));
  } catch (error) {
    const { message } = error as Error;
    if (!(error instanceof FormatError)) console.log(JSON.stringify({ name, error: message }));
    complain(message);
    process.exitCode = 1;
  }
}

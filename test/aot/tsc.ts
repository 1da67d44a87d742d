import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const COMPILER = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url));
const OPTIONS = '--noEmit --strict --module NodeNext --target ES2022 --lib ES2022,DOM'.split(' ');

/** What TypeScript's strict checks say of files in a folder; nothing if all is right. */
export function tsc(folder: string, ...files: string[]): string {
  try {
    return execFileSync(process.execPath, [COMPILER, ...OPTIONS, ...files], {
      cwd: folder,
      encoding: 'utf8',
    });
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const readme = readFileSync(`${root}README.md`, 'utf8');
const example = readFileSync(`${root}examples/quickstart/main.ts`, 'utf8');

it('the example in the README is the one in examples/quickstart', () => {
  expect(readme).toContain(`\`\`\`ts\n${example}\`\`\``);
});

it('the example prints, digit for digit, what the README says', () => {
  const printed = execFileSync(process.execPath, ['--import', 'tsx', 'examples/quickstart/main.ts'], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(printed.trim().split('\n')).toHaveLength(5);
  expect(readme).toContain(`prints\n\n\`\`\`\n${printed}\`\`\``);
});

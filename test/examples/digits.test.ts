import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { blocksOf, refusesInOneLine, runExample } from './run.js';

const home = fileURLToPath(new URL('../../examples/digits', import.meta.url));
const readme = readFileSync(join(home, 'README.md'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'example-digits-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const pictures = (where: string) => readdirSync(where).filter((file) => file.endsWith('.svg'));

it('a short run of examples/digits prints, digit for digit, what its README shows, and draws its pictures', async () => {
  const { stdout } = await runExample('digits', '--steps', '20', '--out', folder);
  expect(blocksOf('digits')).toContain(stdout);
  expect(pictures(folder).sort()).toEqual(pictures(home).sort());
  for (const file of pictures(home)) expect(readme).toContain(`](${file})`);
  // These do not depend on training.
  expect(readFileSync(join(folder, 'digits.svg'), 'utf8')).toBe(
    readFileSync(join(home, 'digits.svg'), 'utf8'),
  );
});

it('the full run in the README tells at least 98.5 % right, and its pictures are of that run', () => {
  const [full] = blocksOf('digits');
  const [, right, all] = /(\d+) of (\d+) held-out digits are told right/.exec(full)!.map(Number);
  expect(right / all).toBeGreaterThanOrEqual(0.985);
  expect(readFileSync(join(home, 'confusion.svg'), 'utf8')).toContain(`right: ${right} of ${all}`);
  const mistakes = readFileSync(join(home, 'mistakes.svg'), 'utf8');
  expect(mistakes).toContain(`all ${all - right}: what it is`);
  expect(mistakes.match(/>\d as \d</g)).toHaveLength(all - right);
});

refusesInOneLine('digits', [
  [['--steps', '0'], '--steps: expected a whole number from 1, got 0'],
  [['--threads', 'all'], '--threads: expected a whole number from 1, got all'],
  [['--data', '/nowhere'], 'cannot read the folder "/nowhere": it does not exist'],
]);

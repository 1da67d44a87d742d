import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'example-ngrams-'));
afterAll(() => rm(folder, { recursive: true }));

const run = (...args: string[]) =>
  promisify(execFile)(process.execPath, ['--import', 'tsx', 'examples/ngrams/main.ts', ...args], {
    cwd: root,
    encoding: 'utf8',
  });

/** Names, orders and perplexities of a table; seconds, which no two runs share, are left out. */
const table = (text: string) =>
  text.split('\n').flatMap((line) => {
    const match = /^(.+?) +(\d) \| +([\d.]+) +([\d.]+) \| +[\d.]+$/.exec(line);
    return match ? [match.slice(1)] : [];
  });

it('prints for bigrams of the Brown corpus what its README shows', async () => {
  const readme = readFileSync(join(root, 'examples/ngrams/README.md'), 'utf8');
  const { stdout } = await run('--order', '2');
  expect(table(stdout)).toHaveLength(5);
  expect(table(stdout)).toEqual(table(readme).slice(0, 5));
});

it('takes another text, and says what it cannot take', async () => {
  const file = join(folder, 'text');
  await writeFile(file, 'the cat sat on the mat . a dog saw the cat , and the dog ran . '.repeat(40));
  const { stdout } = await run('--data', file, '--order', '3');
  const rows = table(stdout);
  expect(rows).toHaveLength(10);
  // After two words this text leaves hardly a choice.
  expect(Number(rows[7][2])).toBeLessThan(1.5);
  await expect(run('--order', '1')).rejects.toThrow('--order must be a whole number from 2 to 10, not 1');
  await expect(run('--data', join(folder, 'none'))).rejects.toThrow('cannot read the text');
});

import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { loadWords } from '../../src/data/names.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const example = join(root, 'examples', 'names');
const readme = readFileSync(join(example, 'README.md'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), '2headgrad-names-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('compiled into a folder, trains in Node without the package, digit for digit as its README shows', () => {
  const main = join(root, 'dist/cli/main.js');
  execFileSync(process.execPath, [
    main,
    'compile',
    join(example, 'model.ts'),
    '--out',
    join(folder, 'compiled'),
  ]);
  for (const name of ['train.mjs', 'names.txt']) cpSync(join(example, name), join(folder, name));
  const checkpoint = join(folder, 'names.safetensors');
  const printed = execFileSync(process.execPath, ['train.mjs', checkpoint], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect(readme).toContain(`\`\`\`\n${printed}\`\`\``);
  expect(statSync(checkpoint).size).toBeGreaterThan(4 * 11_897);
});

it('its script and its page have twenty lines or so', () => {
  for (const name of ['train.mjs', 'index.html'])
    expect(readFileSync(join(example, name), 'utf8').trim().split('\n').length).toBeLessThan(25);
});

it('its names are every fourth of those that come with the package', async () => {
  const { words } = await loadWords();
  const names = readFileSync(join(example, 'names.txt'), 'utf8').trim().split('\n');
  expect(names).toEqual(words.filter((_, i) => i % 4 === 0));
});

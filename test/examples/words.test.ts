import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { runFile } from './run.js';

const folder = mkdtempSync(join(tmpdir(), 'example-words-'));
afterAll(() => rmSync(folder, { recursive: true }));
const data = join(folder, 'text.txt');
writeFileSync(data, 'the cat sat on the mat . a dog saw the cat , and the dog ran . '.repeat(40));
const table = (...more: string[]) =>
  runFile('words/table.ts', '--out', folder, '--only', 'MLP3,MLP9', ...more, '--', '--data', data, ...TINY);
const TINY = ['--engine', 'tape', '--epochs', '1', '--batch', '32', '--lr', '0.2'];

it('examples/words trains the rows of the table one after the other, each once, and reads one of them', async () => {
  const { stdout } = await table();
  expect(stdout.trimEnd()).toBe(readFileSync(join(folder, 'table.md'), 'utf8').trimEnd());
  const rows = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()));
  expect(rows.map(([, name]) => name)).toEqual([
    ...['', '---', 'MLP3', 'MLP4', 'MLP3 with all n-grams, fitted'],
    ...['MLP9', 'MLP10', 'MLP9 with all n-grams, fitted'],
    ...['interpolated', 'back-off', 'modified Kneser-Ney', 'modified Kneser-Ney', 'modified Kneser-Ney'],
    'class-based (4)',
  ]);
  expect(rows[2].slice(2, 7)).toEqual(['5', '0', '60', 'yes', 'no']);
  expect(rows[2][9]).toMatch(/^\d+\.\d \(310\)$/);
  expect(rows[6][9]).toMatch(/^\d+\.\d \(252\)$/);
  expect(rows[8][9]).toMatch(/^\d+\.\d \(336\)$/);

  const before = statSync(join(folder, 'MLP9', 'model.safetensors')).mtimeMs;
  expect((await table()).stdout).toBe(stdout);
  expect(statSync(join(folder, 'MLP9', 'model.safetensors')).mtimeMs).toBe(before);
  // Of a row that was trained and not written down nothing is trained again.
  rmSync(join(folder, 'MLP9.json'));
  const again = (await table()).stdout;
  const withoutTime = (text: string) => text.replace(/\| [\d.]* ?h? \|\n/g, '|\n');
  expect(withoutTime(again)).toBe(withoutTime(stdout));

  const read = await runFile('words/main.ts', '--from', join(folder, 'MLP9'), '--words', 'cat,the,unknown');
  expect(read.stdout).toMatch(/^cat {10}\S+( \S+)+\nthe {10}\S+/);
  expect(read.stdout).toContain('unknown: the model does not know it');
  const svg = readFileSync(join(folder, 'MLP9', 'words.svg'), 'utf8');
  for (const word of ['cat', 'mat', 'first principal component']) expect(svg).toContain(word);
});

it('a row that does not exist, and a folder without a run, are refused in one line', async () => {
  await expect(table('--only', 'MLP11')).rejects.toThrow(
    '--only: there is no row MLP11; there are MLP1, MLP3',
  );
  await expect(runFile('words/main.ts', '--from', join(folder, 'none'))).rejects.toThrow('it does not exist');
});

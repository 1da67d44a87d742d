import { writeFile } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import { run, workspace } from './command.js';

const { path } = workspace();
const MODEL = ['--layers', '2', '--heads', '2', '--dim', '16', '--context', '16', '--batch', '8'];
const data = () => ['--data', path('fox.txt'), ...MODEL];

beforeAll(() => writeFile(path('fox.txt'), 'the quick brown fox jumps over the lazy dog. '.repeat(60)));

test('a budget that is too small says what would be enough, and what is largest', async () => {
  const { code, stderr } = await run('inspect', 'text', ...data(), '--memory', '100kB');
  expect(code).toBe(2);
  expect(stderr).toMatch(
    /^2headgrad: memory: 100,000 bytes \(100 kB\) are too few: the program needs [\d,]+ bytes \([\d.]+ kB\) at the least, and [\d,]+ bytes .* where nothing is made again\..* The largest: train: intermediate \w+ f32\[\d+,/,
  );
});

test('training within a budget says what it makes again', async () => {
  const { code, stdout } = await run(
    ...['train', 'text', ...data(), '--steps', '2', '--memory', '400kB', '--out', path('run')],
  );
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /\nMemory: 0\.\d\d MB before the data, of 0\.40 MB\n {2}train: values of 0\.\d\d MB are not kept: \d+ kernels make them again, \d\.\d\d MFLOP, about \d+\.\d % more work\n/,
  );
});

test('the memory map of a step within a budget tells what is made again', async () => {
  const { stdout } = await run('inspect', 'text', ...data(), '--memory', '400kB', '--stage', 'memory');
  expect(stdout).toMatch(/^memory: [1-3]\d{5} bytes before the dataset\n/);
  expect(stdout).toMatch(/in values that are not kept: \d+ kernels make them again/);
});

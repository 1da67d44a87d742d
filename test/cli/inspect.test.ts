import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { quickly, start, workspace } from './command.js';

const { path, list } = workspace();
const quick = quickly();
const MODEL = ['--hidden', '8', '--embed', '4', '--batch', '4'];
const inspect = (...args: string[]) =>
  quick('inspect', 'names', '--data', path('words.txt'), ...MODEL, ...args);

test.each([
  ['graph', /^graph names\.train\(x: i32\[4,3\], y: i32\[4\], .*\) \{\n {2}%0 = /],
  ['schedule', /names\.train[\s\S]*gather/],
  ['loops', /^loops train: \d+ kernels\n {2}0 [\s\S]* {4}buffer0 is [\s\S]* = tanh\(/],
  ['memory', /hidden\.weight/],
  ['assemblyscript', /export function/],
  ['wat', /^\(module/],
])('the stage %s is printed', async (stage, expected) => {
  const { code, stdout, stderr } = await inspect('--stage', stage);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(expected);
});

test('the options of the model change what is printed', async () => {
  const { stdout } = await inspect('--stage', 'graph', '--norm', 'batch', '--direct', '--context', '5');
  for (const part of ['x: i32[4,5]', '"norm.gain" : f32[8]', '"direct.weight" : f32[20,'])
    expect(stdout).toContain(part);
});

test('--svg draws the graph into a file, and alone prints nothing', async () => {
  const { code, stdout, stderr } = await inspect('--svg', path('graph.svg'));
  expect([code, stdout, stderr]).toEqual([0, '', `Drawn: ${path('graph.svg')}\n`]);
  const svg = await readFile(path('graph.svg'), 'utf8');
  expect(svg).toMatch(/^<svg[\s\S]*hidden\.weight[\s\S]*<\/svg>$/);
});

test('a picture that cannot be written is an error that names the place', async () => {
  const { code, stderr } = await inspect('--svg', path('no', 'graph.svg'));
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^2headgrad: cannot write ".*graph\.svg": the folder .* does not exist; create it first\n$/,
  );
  expect(await list()).not.toContain('no');
});

test('a reader that leaves early is no error', async () => {
  const { child, ended } = start([
    'inspect',
    'names',
    '--data',
    path('words.txt'),
    ...MODEL,
    '--stage',
    'wat',
  ]);
  child.stdout!.once('data', () => child.stdout!.destroy());
  const { code, stderr } = await ended;
  expect([code, stderr]).toEqual([0, '']);
});

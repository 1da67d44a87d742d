import { cp, readFile, truncate, writeFile } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import { decodeSafetensors, encodeSafetensors } from '../../src/data/safetensors.js';
import { lastJson, quickly, run, SMALL, workspace } from './command.js';

const { path } = workspace();
const quick = quickly();
let samples: string[];

beforeAll(async () => {
  const ended = await quick(
    'train',
    'names',
    ...SMALL,
    '--data',
    path('words.txt'),
    '--out',
    path('run'),
    '--steps',
    '200',
    '--json',
  );
  samples = lastJson(ended).samples;
});

const lines = (stdout: string) => stdout.trimEnd().split('\n');

test('sample prints the names that train printed, and the same again', async () => {
  const first = await run('sample', path('run'));
  expect([first.code, first.stderr]).toEqual([0, '']);
  expect(first.stdout.split('\n').slice(0, -1)).toEqual(samples);
  expect((await quick('sample', path('run'))).stdout).toBe(first.stdout);
});

test('names are words of the characters trained on, shorter than a line', () => {
  for (const name of samples) expect(name).toMatch(/^[anbecodielfaguho]{0,100}$/);
});

test('another seed gives other names, and a count gives as many', async () => {
  const { stdout } = await quick('sample', path('run'), '--seed', '1', '--count', '7');
  expect(stdout.split('\n')).toHaveLength(8);
  expect(stdout.split('\n').slice(0, 7)).not.toEqual(samples.slice(0, 7));
  const more = await quick('sample', path('run'), '--seed', '1', '--count', '9');
  expect(more.stdout.startsWith(stdout)).toBe(true);
});

test('names begin with a prompt, and end where the model ends them', async () => {
  const { stdout } = await quick(
    'sample',
    path('run'),
    '--prompt',
    'be',
    '--count',
    '5',
    '--temperature',
    '0.5',
  );
  for (const name of lines(stdout)) expect(name).toMatch(/^be/);
  expect(new Set(lines(stdout)).size).toBeGreaterThan(1);
  for (const [args, message] of [
    [['--length', '5'], '--length: names end where the model ends them'],
    [['--prompt', 'Be'], '--prompt: "B" (U+0042) in "Be" is not one of the 13 characters'],
  ] as const) {
    const { code, stdout, stderr } = await quick('sample', path('run'), ...args);
    expect([code, stdout, stderr]).toEqual([2, '', expect.stringContaining(message)]);
  }
});

test('--json gives one object; a count of zero gives no names', async () => {
  const ended = await quick('sample', path('run'), '--count', '3', '--json');
  expect(lines(ended.stdout)).toHaveLength(1);
  expect(lastJson(ended)).toEqual({ samples: samples.slice(0, 3), seed: 42, steps: 200, dir: path('run') });
  expect(await quick('sample', path('run'), '--count', '0')).toEqual({ code: 0, stdout: '', stderr: '' });
});

test.each([
  ['nowhere', 'cannot read the folder ".*nowhere": it does not exist'],
  ['words.txt', 'words.txt" is a file; give the folder of a trained model'],
  ['.', 'config.json": it does not exist'],
])('%s is not a trained folder', async (name, message) => {
  const { code, stdout, stderr } = await quick('sample', path(name));
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(new RegExp(`^2headgrad: .*${message}.*\n$`));
});

test('a damaged checkpoint is named', async () => {
  await cp(path('run'), path('damaged'), { recursive: true });
  await truncate(path('damaged', 'model.safetensors'), 1000);
  const { code, stderr } = await quick('sample', path('damaged'));
  expect([code, stderr]).toEqual([1, expect.stringMatching(/^2headgrad: ".*model\.safetensors": .*\n$/)]);
});

test('parameters that are not numbers are named', async () => {
  await cp(path('run'), path('nan'), { recursive: true });
  const file = path('nan', 'model.safetensors');
  const { tensors, metadata } = decodeSafetensors(await readFile(file));
  tensors.get('hidden.weight')!.data.fill(Number.NaN);
  await writeFile(file, encodeSafetensors(tensors, metadata));
  const { code, stderr } = await quick('sample', path('nan'));
  expect([code, stderr]).toEqual([1, expect.stringMatching(/^2headgrad: .*hidden\.weight: NaN.*\n$/)]);
});

import { readFile } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import { type Ended, lastJson, run, start, training, workspace } from './command.js';

const { path, list } = workspace();
const MODEL = ['--hidden', '16', '--embed', '4', '--batch', '8', '--lr-decay-at', '150'];
const args = (out: string, ...more: string[]) => [
  'train',
  'names',
  ...MODEL,
  '--data',
  path('words.txt'),
  '--out',
  path(out),
  ...more,
];
const model = (out: string) => readFile(path(out, 'model.safetensors'));
let one: Ended;

beforeAll(async () => {
  one = await run(...args('one', '--steps', '200', '--json'));
});

test('the compiled engine trains as the tape does, and writes its module', async () => {
  expect(one.code).toBe(0);
  const result = lastJson(one);
  expect(result).toMatchObject({ engine: 'compiled', threads: 1, steps: 200 });
  expect(result.compile_ms).toBeGreaterThan(0);
  expect(await list('one')).toContain('model.wasm');
  expect(WebAssembly.validate(new Uint8Array(await readFile(path('one', 'model.wasm'))))).toBe(true);
  const tape = lastJson(await run(...args('tape', '--steps', '200', '--engine', 'tape', '--json')));
  for (const loss of ['train_loss', 'dev_loss', 'test_loss']) expect(result[loss]).toBeCloseTo(tape[loss], 4);
});

test('a second run takes the module from the cache', async () => {
  expect(lastJson(await run(...args('again', '--steps', '1', '--json'))).compile_cached).toBe(true);
});

test('two threads give the same bits as one, and the process ends', async () => {
  const ended = await run(...args('two', '--steps', '200', '--threads', '2', '--json'));
  expect([ended.code, lastJson(ended).threads]).toEqual([0, 2]);
  expect((await model('two')).equals(await model('one'))).toBe(true);
});

test('a resumed run ends with the same bits', async () => {
  await run(...args('resumed', '--steps', '70'));
  expect((await run('train', 'names', '--resume', '--out', path('resumed'), '--steps', '200')).code).toBe(0);
  expect((await model('resumed')).equals(await model('one'))).toBe(true);
});

test('Ctrl-C ends all threads and leaves a checkpoint', async () => {
  const started = start(args('stopped', '--steps', '10000000', '--threads', '2'));
  await training(started);
  started.child.kill('SIGINT');
  const { code, stdout } = await started.ended;
  expect(code).toBe(130);
  expect(stdout).toContain('saved. Go on with');
  expect(await list('stopped')).toEqual(['config.json', 'losses.json', 'model.safetensors']);
});

test('a loss that is no number stops the compiled engine too', async () => {
  const { code, stderr } = await run(...args('nan', '--steps', '100', '--lr', '1e38'));
  expect([code, stderr]).toEqual([1, expect.stringMatching(/the loss became (NaN|-?Infinity) at step \d+/)]);
});

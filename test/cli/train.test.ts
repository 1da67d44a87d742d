import { readFile, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { decodeSafetensors } from '../../src/data/safetensors.js';
import { json, lastJson, quickly, run, SMALL, workspace } from './command.js';

const { path, list } = workspace();
const quick = quickly();
const command = (out: string, ...args: string[]) => [
  ...['train', 'names', ...SMALL, '--data', path('words.txt'), '--out', path(out), ...args],
];
const train = (out: string, ...args: string[]) => quick(...command(out, ...args));

test('train learns, tells losses and samples as JSON, and writes the folder', async () => {
  const ended = await run(...command('a', '--steps', '300', '--json'));
  expect(ended.code).toBe(0);
  expect(ended.stdout.trimEnd()).not.toContain('\n');
  const result = lastJson(ended);
  expect(result).toMatchObject({
    task: 'names',
    steps: 300,
    compile_ms: 0,
    engine: 'tape',
    threads: 1,
    words: 64,
    out: path('a'),
  });
  // The 16 letters of the syllables without repetition, and the boundary.
  const vocabulary = new Set('anbecodielfaguho').size + 1;
  expect(result.vocabulary).toBe(vocabulary);
  expect(result.baseline).toBeCloseTo(Math.log(vocabulary), 12);
  // embedding, hidden with bias, output with bias
  expect(result.parameters).toBe(vocabulary * 4 + (12 * 16 + 16) + (16 * vocabulary + vocabulary));
  expect(result.train_loss).toBeLessThan(result.baseline - 0.5);
  expect(result.dev_loss).toBeLessThan(result.baseline);
  expect(result.test_loss).toBeLessThan(result.baseline);
  expect(result.steps_per_second).toBeGreaterThan(0);
  expect(result.samples).toHaveLength(20);
  expect(await list('a')).toEqual([
    'config.json',
    'loss.svg',
    'losses.json',
    'model.safetensors',
    'report.html',
  ]);
  expect((await json(path('a', 'losses.json'))).train).toHaveLength(300);
  const page = await readFile(path('a', 'report.html'), 'utf8');
  for (const part of [result.dev_loss.toFixed(4), result.baseline.toFixed(4), ...result.samples]) {
    expect(page).toContain(part);
  }
  expect(page).toContain('hidden.weight');
  const { tensors, metadata } = decodeSafetensors(await readFile(path('a', 'model.safetensors')));
  expect(metadata).toMatchObject({ step: '300', seed: '42' });
  expect([...tensors.keys()].sort()).toEqual([
    'embedding.weight',
    'hidden.bias',
    'hidden.weight',
    'output.bias',
    'output.weight',
  ]);
});

test('without --json people read losses beside the baseline, and few lines of progress', async () => {
  const { code, stdout, stderr } = await run(...command('people', '--steps', '100'));
  expect(code).toBe(0);
  expect(stdout).toMatch(/64 words, .* characters and the boundary/);
  expect(stdout).toMatch(
    /train {4}\d\.\d{4}\n {2}dev {6}\d\.\d{4}\n {2}test {5}\d\.\d{4}\n {2}uniform {2}\d\.\d{4}/,
  );
  const lines = stderr.trimEnd().split('\n');
  expect(lines.at(-1)).toMatch(/^step 100 of 100 {2}loss \d\.\d{4} {2}[\d,.]+ steps\/s$/);
  expect(lines.length).toBeLessThanOrEqual(10);
});

test('the same seed gives the same bytes, another seed does not', async () => {
  const [a, b, c] = [
    await train('s1', '--steps', '30', '--json'),
    await train('s2', '--steps', '30', '--json'),
    await train('s3', '--steps', '30', '--seed', '7', '--json'),
  ];
  expect(lastJson(a).samples).toEqual(lastJson(b).samples);
  expect(lastJson(a).dev_loss).toBe(lastJson(b).dev_loss);
  const model = (folder: string) => readFile(path(folder, 'model.safetensors'));
  expect((await model('s1')).equals(await model('s2'))).toBe(true);
  expect((await model('s1')).equals(await model('s3'))).toBe(false);
  expect(lastJson(c).samples).not.toEqual(lastJson(a).samples);
});

test('no steps at all: the untrained model is as good as a uniform guess, and is written', async () => {
  const ended = await train('zero', '--steps', '0', '--json');
  expect(ended.code).toBe(0);
  const { steps, steps_per_second, train_loss, baseline } = lastJson(ended);
  expect([steps, steps_per_second]).toEqual([0, 0]);
  expect(Math.abs(train_loss - baseline)).toBeLessThan(0.02);
  expect(await list('zero')).toContain('loss.svg');
});

test.each([
  ['batch norm', ['--norm', 'batch'], ['norm.gain', 'norm.runningMean'], ['hidden.bias']],
  [
    'layer norm and direct connections',
    ['--norm', 'layer', '--direct'],
    ['norm.bias', 'direct.weight', 'hidden.bias'],
    ['direct.bias'],
  ],
])('%s can be trained', async (_, args, present, absent) => {
  const out = `variant${args.length}`;
  const ended = await train(out, '--steps', '20', '--json', ...args);
  expect(ended.stderr).not.toContain('2headgrad:');
  expect(lastJson(ended).train_loss).toBeLessThan(3);
  const names = [...decodeSafetensors(await readFile(path(out, 'model.safetensors'))).tensors.keys()];
  expect(names).toEqual(expect.arrayContaining(present));
  for (const name of absent) expect(names).not.toContain(name);
});

test('Windows line ends, a byte order mark, capitals and any script are taken as they are', async () => {
  await writeFile(path('odd.txt'), '\ufeffÄnne\r\nBob\r\n\r\n  Иван\r\n李小龙\r\nZoë');
  const ended = await train('odd', '--data', path('odd.txt'), '--steps', '5', '--batch', '4', '--json');
  expect(ended.code).toBe(0);
  const { vocabulary } = await json(path('odd', 'config.json'));
  expect(vocabulary.characters.join('')).toBe('BZbenoÄëИавн小李龙');
  expect(lastJson(ended).words).toBe(5);
});

test('the learning rate falls to a tenth where --lr-decay-at says', async () => {
  await train('d1', '--steps', '20', '--lr', '0.2', '--lr-decay-at', '0');
  await train('d2', '--steps', '20', '--lr', '0.02', '--lr-decay-at', '20');
  const [a, b] = [await json(path('d1', 'losses.json')), await json(path('d2', 'losses.json'))];
  expect(a.train).toEqual(b.train);
});

test('a new run in the same folder leaves nothing that describes the run before', async () => {
  await train('again', '--steps', '5');
  await writeFile(path('again', 'model.wasm'), 'of an earlier, compiled run');
  await train('again', '--steps', '6');
  expect(await list('again')).toEqual([
    'config.json',
    'loss.svg',
    'losses.json',
    'model.safetensors',
    'report.html',
  ]);
  expect((await json(path('again', 'losses.json'))).train).toHaveLength(6);
});

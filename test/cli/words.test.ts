import { createHash } from 'node:crypto';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { beforeAll, expect, test, vi } from 'vitest';
import { decodeSafetensors, encodeSafetensors } from '../../src/data/safetensors.js';
import { randomIndex, STREAMS } from '../../src/random/philox.js';
import { json, lastJson, quickly, run, start, training, workspace } from './command.js';

const { path, list } = workspace();
const MODEL = ['--engine', 'tape', '--order', '3', '--embed', '6', '--hidden', '8', '--batch', '8'];
const quick = quickly();
const command = (out: string, ...args: string[]) => [
  ...['train', 'words', ...MODEL, '--data', path('text.txt'), '--out', path(out), ...args],
];
const train = (out: string, ...args: string[]) => quick(...command(out, ...args));
const file = (out: string, name = 'model.safetensors') => readFile(path(out, name));

const WORDS = [
  ['The', 'A', 'This', 'Every'],
  ['cat', 'dog', 'bird', 'horse'],
  ['sees', 'likes', 'follows', 'hears'],
  ['the', 'a', 'this', 'every'],
  ['mouse', 'child', 'stone', 'river'],
];
/** Sentences of a grammar: what follows what is known, and which of the four is not. */
const text = (sentences: number, seed = 1) => {
  const draw = (i: number, n: number) => randomIndex(seed, STREAMS.sample, 0, i, n);
  return Array.from({ length: sentences }, (_, s) =>
    WORDS.map((choices, i) => choices[draw(5 * s + i, choices.length)]).join(' '),
  ).join('. ');
};

/** Half of the steps of a whole run, which is looked at every ten. */
const RATES = ['--lr', '0.3', '--every', '10', '--dropout', '0.1'];

beforeAll(async () => {
  await writeFile(path('text.txt'), text(120));
  await writeFile(path('short.txt'), 'to be or not to be');
  await Promise.all([
    train('whole', '--steps', '60', ...RATES, '--json'),
    train('half', '--steps', '30', ...RATES),
  ]);
});

test('train words learns, keeps its best model, and stands beside n-grams of the same words', async () => {
  const ended = await run(...command('a', '--epochs', '12', '--lr', '0.5', '--patience', '99', '--json'));
  expect([ended.code, ended.stderr.includes('2headgrad:')]).toEqual([0, false]);
  const result = lastJson(ended);
  expect(result).toMatchObject({ task: 'words', words: 719, vocabulary: 22 });
  expect(result.steps).toBe(12 * 72);
  expect(result.baseline).toBeCloseTo(Math.log(22), 12);
  expect(await list('a')).toEqual([
    ...['best.safetensors', 'config.json', 'loss.svg', 'losses.json', 'model.safetensors', 'report.html'],
  ]);
  const rows: { model: string; order: number; train: number | null; dev: number; test: number }[] =
    result.perplexity;
  expect(rows.map(({ model, order }) => [model.split(',')[0], order])).toEqual([
    ['network', 3],
    ['interpolated', 3],
    ['back-off', 3],
    ['modified Kneser-Ney', 3],
    ['modified Kneser-Ney', 4],
    ['modified Kneser-Ney', 5],
    ['class-based (6)', 3],
    ...['network + interpolated 3', 'network + interpolated 3'].map((name) => [name, null]),
    ...(rows.length === 11 ? [[rows[9].model.split(',')[0], null]] : []),
    ['all of these', null],
  ]);
  const [network, interpolated] = rows;
  for (const part of ['train', 'dev', 'test'] as const)
    expect(network[part]).toBeCloseTo(Math.exp(result[`${part}_loss`]), 8);
  // One of four, but for the marks, which are certain.
  expect(network.dev).toBeLessThan(6);
  const all = rows.at(-1)!;
  for (const row of rows) expect(all.dev).toBeLessThan(row.dev * 1.001);
  const half = rows.find(({ model }) => model.endsWith(', 0.50 0.50'))!;
  expect(half.test).toBeLessThan(Math.max(network.test, interpolated.test));
  const page = await readFile(path('a', 'report.html'), 'utf8');
  for (const part of [
    'Perplexity',
    'modified Kneser-Ney',
    network.test.toFixed(1),
    'all of these',
    'best model',
  ])
    expect(page).toContain(part);
  expect(ended.stderr).toMatch(/step 72 of 864 {2}loss .* {2}held out \d\.\d+, the best so far, .* left/);
});

test('the best model is that of the lowest loss on what is held out, to the bit', async () => {
  const curve: { dev: [number, number][] } = await json(path('whole', 'losses.json'));
  expect(curve.dev.map(([step]) => step)).toEqual([10, 20, 30, 40, 50, 60]);
  const [best] = curve.dev.toSorted((a, b) => a[1] - b[1]);
  const { metadata } = decodeSafetensors(await file('whole', 'best.safetensors'));
  expect(Number(metadata.step)).toBe(best[0]);
  expect(Number(Number(metadata.best).toPrecision(6))).toBe(best[1]);
});

test('a resumed run ends with the bits of one in a single go, its best model too', async () => {
  const ended = await run('train', 'words', '--resume', '--out', path('half'), '--steps', '60', '--json');
  expect([ended.code, ended.stderr]).toEqual([0, expect.stringContaining('Going on from step 30 of 60')]);
  for (const name of ['model.safetensors', 'losses.json'])
    expect((await file('half', name)).equals(await file('whole', name))).toBe(true);
  const [a, b] = await Promise.all(['half', 'whole'].map((out) => file(out, 'best.safetensors')));
  expect(decodeSafetensors(a).tensors).toEqual(decodeSafetensors(b).tensors);
});

test('a run that is killed loses the last interval at most, and goes on to the same bits', async () => {
  const args = ['--steps', '400', ...RATES, '--patience', '1000'];
  const going = (...more: string[]) =>
    start([
      'train',
      'words',
      ...MODEL,
      '--data',
      path('text.txt'),
      '--out',
      path('killed'),
      ...args,
      ...more,
    ]);
  await train('unkilled', ...args);
  const first = going('--save-every', '0.02');
  await training(first);
  for (let i = 0; i < 3; i++) {
    const child = i === 0 ? first : going('--save-every', '0.02', '--resume');
    if (i > 0) await training(child);
    await vi.waitFor(() => file('killed'), { timeout: 60_000 });
    await new Promise((resolve) => setTimeout(resolve, 50 + 70 * i));
    child.child.kill('SIGKILL');
    await child.ended;
  }
  const ended = await going('--resume').ended;
  expect([ended.code, ended.stdout]).toEqual([0, expect.stringMatching(/Going on from step \d+ of 400/)]);
  for (const name of ['model.safetensors', 'best.safetensors'])
    expect((await file('killed', name)).equals(await file('unkilled', name))).toBe(true);
});

test('a run ends early where held-out data show nothing better any more, and again where it is resumed', async () => {
  const stop = ['--lr', '0', '--every', '5', '--patience', '2'];
  const ended = await train('early', '--steps', '100', ...stop, '--json');
  expect(lastJson(ended)).toMatchObject({ steps: 15, best_step: 5, stopped_early: true });
  expect(ended.stderr).toContain('Stopped, since held-out data showed no better model any more.');
  const again = await quick('train', 'words', '--resume', '--out', path('early'), '--json');
  expect(lastJson(again)).toMatchObject({
    steps: 15,
    best_step: 5,
    stopped_early: true,
    steps_per_second: 0,
  });
});

test('a look that a kill came before is made up for', async () => {
  await cp(path('whole'), path('unlooked'), { recursive: true });
  const curve = await json(path('unlooked', 'losses.json'));
  curve.dev.pop();
  await writeFile(path('unlooked', 'losses.json'), JSON.stringify(curve));
  await rm(path('unlooked', 'best.safetensors'));
  const ended = await quick('train', 'words', '--resume', '--out', path('unlooked'), '--json');
  expect(lastJson(ended)).toMatchObject({ steps: 60, best_step: 60 });
});

test('the last model is looked at too, wherever the last look was', async () => {
  const ended = await train('last', '--steps', '17', '--lr', '0.3', '--every', '10', '--json');
  expect(lastJson(ended)).toMatchObject({ steps: 17, best_step: 17 });
  expect((await json(path('last', 'losses.json'))).dev).toHaveLength(2);
});

test('Adam with a cosine, and no hidden units, are other ways', async () => {
  const ended = await train(
    'adam',
    '--optimizer',
    'adam',
    '--hidden',
    '0',
    '--direct',
    '--epochs',
    '1',
    '--json',
  );
  expect(ended.stderr).toMatch(/rising to 0\.001 in 4 steps, by a cosine to 0 at step 72/);
  expect(lastJson(ended)).toMatchObject({ steps: 72 });
  const names = [...decodeSafetensors(await file('adam')).tensors.keys()];
  expect(names).toContain('optimizer.m.direct.weight');
  expect(names.some((name) => name.startsWith('hidden'))).toBe(false);
});

test('sample goes on a sentence, the same for the same seed, and says what it does not know', async () => {
  const sample = async (...args: string[]) =>
    lastJson(await quick('sample', path('a'), '--json', ...args)).samples;
  const [first] = await sample('--prompt', 'The cat', '--length', '12');
  expect(first).toMatch(/^The cat \S/);
  expect(first).not.toContain('<rare>');
  expect(await sample('--prompt', 'The cat', '--length', '12')).toEqual([first]);
  expect(await sample('--prompt', 'The cat', '--length', '3')).toEqual([
    first
      .split(/ |(?=\.)/)
      .slice(0, 5)
      .join(' ')
      .replaceAll(' .', '.'),
  ]);
  const strange = await quick('sample', path('a'), '--prompt', 'The yeti, the', '--length', '1', '--json');
  expect(lastJson(strange).samples[0]).toMatch(/^The yeti, the /);
  expect(strange.stderr).toContain('does not know "yeti", ","');
  const empty = await quick('sample', path('a'), '--prompt', ' ');
  expect([empty.code, empty.stderr]).toEqual([2, expect.stringContaining('--prompt has no word')]);
});

test('neighbours are words of the same kind', async () => {
  const ended = await run('neighbours', 'cat', 'the', '--from', path('a'), '--count', '3', '--json');
  const [cat, the] = lastJson(ended).words;
  expect(WORDS[1]).toEqual(expect.arrayContaining(cat.neighbours.map(({ word }: { word: string }) => word)));
  expect(the).toMatchObject({ word: 'the' });
  expect(cat.neighbours[0].cosine).toBeGreaterThan(cat.neighbours[2].cosine - 1e-12);
  const shown = await quick('neighbours', 'cat', '--from', path('a'));
  expect(shown.stdout).toMatch(/^cat\n {2} +cosine\n {2}\S+ +-?\d\.\d{3}\n/);
  const wrong = await quick('neighbours', 'THE', '--from', path('a'));
  expect([wrong.code, wrong.stderr]).toEqual([
    2,
    expect.stringContaining('"THE" is none of the 21 words that the model in'),
  ]);
  expect(wrong.stderr).toContain('did you mean "the" or "The"?');
});

test('a text that cannot be trained on is named in one line', async () => {
  const { code, stderr } = await train('bad', '--data', path('short.txt'), '--order', '7');
  expect([code, stderr]).toEqual([
    1,
    expect.stringContaining('short.txt": a text of 6 words is too short for --order 7'),
  ]);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
});

test('a model that memory cannot hold is refused before any is made, with what it would take', async () => {
  const { code, stderr } = await train('large', '--embed', '100000', '--hidden', '1000000');
  expect([code, stderr]).toEqual([
    2,
    expect.stringMatching(
      /a vocabulary of 22 words makes a model of 200,[\d,]+ parameters, .* GB in one WebAssembly memory, .*: give a smaller/,
    ),
  ]);
});

test('a run of before there was --counted and --marks is read, and goes on', async () => {
  await cp(path('half'), path('old'), { recursive: true });
  const { counted, marks, ...config } = await json(path('old', 'config.json'));
  expect([counted, marks]).toEqual(['all', false]);
  await writeFile(path('old', 'config.json'), JSON.stringify(config));
  // Of all that weights depend on, in the order of the file.
  const { format, version, data, vocabulary, before, shards, threads, engine, ...settings } = config;
  const said = JSON.stringify(['words', ...Object.entries(settings)]);
  const digest = createHash('sha256').update(said).digest('hex');
  for (const name of ['model.safetensors', 'best.safetensors']) {
    const { tensors, metadata } = decodeSafetensors(await file('old', name));
    await writeFile(path('old', name), encodeSafetensors(tensors, { ...metadata, settings: digest }));
  }
  const read = await quick('neighbours', 'cat', '--from', path('old'));
  expect([read.code, read.stderr]).toEqual([0, '']);
  const { code, stderr } = await quick('train', 'words', '--resume', '--steps', '61', '--out', path('old'));
  expect([code, stderr.includes('2headgrad:')]).toEqual([0, false]);
  expect(await json(path('old', 'config.json'))).toMatchObject({ counted, marks, steps: 61 });
});

test('a checkpoint of another vocabulary is refused, by whoever reads it', async () => {
  const commands = (out: string) => [
    quick('train', 'words', '--resume', '--out', path(out)),
    quick('neighbours', 'cat', '--from', path(out)),
  ];
  // As many words, one of them another.
  await cp(path('whole'), path('other'), { recursive: true });
  const config = await json(path('other', 'config.json'));
  config.vocabulary.words[3] = 'changed';
  await writeFile(path('other', 'config.json'), JSON.stringify(config));
  for (const { code, stderr } of await Promise.all(commands('other')))
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining('it is of another vocabulary than config.json says'),
    ]);
  // The best model alone.
  await cp(path('whole'), path('mixed'), { recursive: true });
  const { tensors, metadata } = decodeSafetensors(await file('mixed', 'best.safetensors'));
  await writeFile(path('mixed', 'best.safetensors'), encodeSafetensors(tensors, { ...metadata, model: 'x' }));
  for (const { code, stderr } of await Promise.all(commands('mixed')))
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining('best.safetensors": it is of another vocabulary'),
    ]);
});

test('a new run in the folder of another takes nothing over of it', async () => {
  await cp(path('whole'), path('replaced'), { recursive: true });
  await train('replaced', '--steps', '0');
  expect(await list('replaced')).not.toContain('best.safetensors');
});

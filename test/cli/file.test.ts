import { readFile, writeFile } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import { type Ended, json, lastJson, run, workspace } from './command.js';

// Models of the user's own: what names does, a file does.

const { path, list } = workspace();

/** A classifier of points; `{width}` and the like are what a test changes of it. */
const SOURCE = `import { accuracy, confusionMatrix, crossEntropy, f32, i32, nn, optim, trainStep } from '2headgrad';

const model = nn.sequential(nn.linear(2, 8), nn.tanh(), nn.linear(8, 3));
export const step = trainStep({
  model,
  batch: { x: f32(8, 2), y: i32(8) },
  loss: (model, { x, y }) => crossEntropy(model(x), y),
  optimizer: optim.adam(),
  evaluate: {
    accuracy: (model, { x, y }) => accuracy(model(x), y),
    confusion: { sum: (model, { x, y }) => confusionMatrix(model(x), y) },
  },
});
export const training = { steps: 60, lr: 0.02, schedule: 'cosine', every: 20, title: 'Points' };

const points = (n: number, from: number) => {
  const x = Array.from({ length: n }, (_, i) => [Math.sin(3 * i + from), Math.cos(5 * i + from)]);
  return { x, y: x.map(([a, b]) => (a * b > 0.2 ? 2 : a > b ? 1 : 0)) };
};
export const data = async () => ({ train: points(50, 0), validation: points(13, 1), test: points(9, 2) });
`;

const train = (...args: string[]) => run('train', path('points.ts'), '--engine', 'tape', '--json', ...args);
const model = (out: string) => readFile(path(out, 'model.safetensors'));
let whole: Ended;

beforeAll(async () => {
  await writeFile(path('points.ts'), SOURCE);
  [whole] = await Promise.all([
    train('--out', path('whole')),
    train('--out', path('half'), '--steps', '30', '--lr', '0.01', '--schedule', 'constant'),
  ]);
});

test('a file trains as it says: progress, a folder, the losses on what it holds out', async () => {
  expect(whole.code).toBe(0);
  expect(whole.stderr).toContain('train 50 rows, validation 13 rows, test 9 rows');
  expect(whole.stderr).toMatch(/60 steps of batch 8, learning rate 0\.02, by a cosine to 0, on the tape/);
  expect(whole.stderr).toMatch(/step 60 of 60 {2}loss \d\.\d{4}/);
  const result = lastJson(whole);
  expect(result).toMatchObject({
    ...{ task: path('points.ts'), export: 'step', optimizer: 'adam', steps: 60, rows: 72 },
    ...{ parameters: 2 * 8 + 8 + 8 * 3 + 3, baseline: Math.log(3) },
  });
  for (const part of ['train', 'dev', 'test']) expect(result[`${part}_loss`]).toBeLessThan(1);
  const expected = ['config.json', 'loss.svg', 'losses.json', 'model.safetensors', 'report.html'];
  expect(await list('whole')).toEqual(expected);
  const { train, dev } = await json(path('whole', 'losses.json'));
  expect([train.length, dev.map(([at]: [number]) => at)]).toEqual([60, [20, 40, 60]]);
  const page = await readFile(path('whole', 'report.html'), 'utf8');
  for (const part of ['<h1>Points</h1>', 'validation', result.test_loss.toFixed(4), 'layers.0.weight'])
    expect(page).toContain(part);
});

test('what the step measures beside its loss is told on the way, at the end and in the report', async () => {
  const { metrics } = lastJson(whole);
  for (const [part, rows] of Object.entries({ train: 50, validation: 13, test: 9 })) {
    const { accuracy, confusion } = metrics[part];
    const sum = (list: number[]) => list.reduce((a, b) => a + b, 0);
    expect([confusion.length, sum(confusion)]).toEqual([9, rows]);
    expect(accuracy).toBeCloseTo((confusion[0] + confusion[4] + confusion[8]) / rows, 6);
  }
  expect(whole.stderr).toMatch(/steps\/s {2}(.* left {2})?held out \d\.\d{4}, accuracy [\d.]+\n/);
  expect(whole.stderr).toMatch(
    /Metrics\n +train {2}validation +test\n {2}accuracy +[\d.]+ +[\d.]+ +[\d.]+\n\nconfusion on test\n +0 +1 +2\n/,
  );
  const page = await readFile(path('whole', 'report.html'), 'utf8');
  expect(page).toContain('confusion on test');
});

test('a run that goes on ends with the bits of one in a single go', async () => {
  const same = ['--steps', '60', '--lr', '0.01', '--schedule', 'constant'];
  const [gone, single] = await Promise.all([
    train('--out', path('half'), '--resume', '--steps', '60'),
    train('--out', path('single'), ...same),
  ]);
  expect([gone.code, single.code]).toEqual([0, 0]);
  expect(gone.stderr).toContain('Going on from step 30 of 60');
  expect((await model('half')).equals(await model('single'))).toBe(true);
  const losses = async (out: string) => (await json(path(out, 'losses.json'))).train;
  expect(await losses('half')).toEqual(await losses('single'));
});

test('no run goes on with another model or other data than it was begun with', async () => {
  const changes: [string, string, RegExp][] = [
    [
      'nn.linear(2, 8)',
      'nn.linear(2, 8, { bias: false })',
      /with another model than .*changed0\.ts has now: layers\.0\.bias, f32\[8\], is not there any more/,
    ],
    ['Math.cos(5', 'Math.cos(6', /was trained on other rows: .*data gives others now; it must give the same/],
  ];
  for (const [i, [from, to, message]] of changes.entries()) {
    const file = path(`changed${i}.ts`);
    await writeFile(file, SOURCE.replace(from, to));
    const ended = await run('train', file, '--resume', '--engine', 'tape', '--out', path('whole'));
    expect([ended.code, ended.stderr]).toEqual([1, expect.stringMatching(message)]);
    expect(ended.stderr.trimEnd().split('\n')).toHaveLength(1);
  }
});

test('the folder of a file is not run by other commands, and that of names not by a file', async () => {
  const [names, sample] = await Promise.all([
    run('train', 'names', '--resume', '--out', path('whole')),
    run('sample', path('whole')),
  ]);
  for (const { code, stderr } of [names, sample])
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(
        /is one of a model file, and not of names or text or words: .*2headgrad (train|sample .*--model) .*points\.ts/,
      ),
    ]);
});

test('inspect, lr-find and doctor take the same file, and train takes columns from JSON', async () => {
  const file = path('points.ts');
  const columns = {
    x: [0, 1, 2, 3].flatMap(() => [
      [0.5, 0.1],
      [-1, 1],
    ]),
    y: [0, 1, 2, 0, 1, 2, 0, 1],
  };
  await writeFile(path('rows.json'), JSON.stringify({ train: columns, test: columns }));
  const [graph, found, healthy, fromJson] = await Promise.all([
    run('inspect', file),
    run('lr-find', file, '--engine', 'tape', '--steps', '50', '--out', path('lr'), '--json'),
    run('doctor', file, '--json'),
    train('--data', path('rows.json'), '--steps', '2', '--out', path('json')),
  ]);
  expect([graph.code, graph.stdout]).toEqual([0, expect.stringContaining('graph step.train(x: f32[8,2]')]);
  expect(lastJson(found).command).toMatch(/^2headgrad train .*points\.ts --lr /);
  expect(lastJson(healthy)).toMatchObject({ model: file, notChecked: [] });
  expect(lastJson(fromJson)).toMatchObject({ rows: 16, steps: 2 });
  expect(lastJson(fromJson)).not.toHaveProperty('dev_loss');
});

test('a file may have its rows taken in order', async () => {
  const source = `import { f32, nn, optim, trainStep } from '2headgrad';
export const step = trainStep({ model: nn.linear(1, 1), batch: { x: f32(2, 1) },
  loss: (model, { x }) => model(x).mul(0).add(x).mean(), optimizer: optim.sgd() });
export const data = { x: [0, 1, 2, 3, 4, 5, 6, 7] };
export const training = { steps: 5, order: 'given' };
`;
  await writeFile(path('order.ts'), source);
  const ended = await run('train', path('order.ts'), '--engine', 'tape', '--out', path('order'));
  expect([ended.code, ended.stdout]).toEqual([0, expect.stringContaining('train    3.5000')]);
  expect((await json(path('order', 'losses.json'))).train).toEqual([0.5, 2.5, 4.5, 6.5, 0.5]);
});

test('-h and -V are the short forms', async () => {
  const [help, version, long] = await Promise.all([run('train', '-h'), run('-V'), run('--version')]);
  expect(help.stdout).toContain('Options of text and words and a model file:');
  expect(help.stdout).toContain('--schedule');
  expect(version).toEqual(long);
});

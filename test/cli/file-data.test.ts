import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

// What a model file says of its data and its training. Files are loaded in one process of their own, as the command line does.

const KINDS = fileURLToPath(new URL('../../dist/cli/kinds/index.js', import.meta.url));
const SETTINGS = fileURLToPath(new URL('../../dist/cli/kinds/kind.js', import.meta.url));

const HEAD = `import { crossEntropy, f32, i32, nn, optim, trainStep } from '2headgrad';
const make = (optimizer) => trainStep({ model: nn.linear(2, 3), batch: { x: f32(2, 2), y: i32(2) },
  loss: (model, { x, y }) => crossEntropy(model(x), y), optimizer });
`;
const STEP = `${HEAD}export const step = make(optim.adam());\n`;
const ROWS = '{ x: [[1, 2], [3, 4], [5, 6]], y: [0, 1, 2] }';

const FILES: Record<string, string> = {
  'flat.js': `${STEP}export const data = { x: new Float32Array(6), y: new Uint8Array([0, 1, 2]) };`,
  'nested.js': `${STEP}export const data = ${ROWS};`,
  'typed-rows.js': `${STEP}export const data = { x: [new Float32Array(2), new Float32Array(2)], y: [0, 1] };`,
  'promise.js': `${STEP}export const data = Promise.resolve(${ROWS});`,
  'parts.js': `${STEP}export function data() { return { train: ${ROWS}, val: ${ROWS}, test: undefined }; }`,
  'one-of-two.js': `${HEAD}export const a = make(optim.sgd());\nexport const b = make(optim.adam());\nexport const data = { b: { train: ${ROWS}, dev: ${ROWS} } };`,
  'notes.js': `${STEP}export const data = { source: 'a book', train: { ...${ROWS}, rows: 3, shape: [2] }, test: ${ROWS} };`,
  'part.js': `${STEP}export const data = { train: ${ROWS}, valdation: ${ROWS} };`,
  'alone.js': STEP,
  'twice.js': `${STEP}export const data = { train: ${ROWS}, dev: ${ROWS}, validation: ${ROWS} };`,
  'sizes.js': `${STEP}export const data = {\n  x: [1, 2, 3, 4],\n  y: [0, 1, 2],\n};`,
  'ragged.js': `${STEP}export const data = { x: [[1, 2], [3]], y: [0, 1] };`,
  'mixed.js': `${STEP}export const data = { x: [[1, 2], 3], y: [0, 1] };`,
  'classes.js': `${STEP}const y = [0, 1, 3];\nexport const data = { train: ${ROWS}, validation: { ...${ROWS}, y } };`,
  'missing.js': `${STEP}export const data = { x: [1, 2] };`,
  'extra.js': `${STEP}export const data = { ...${ROWS}, z: [1, 2, 3] };`,
  'nan.js': `${STEP}export const data = { train: ${ROWS}, test: { x: [1, NaN], y: [0] } };`,
  'map.js': `${STEP}export const data = () => new Map();`,
  'throws.js': `${STEP}export const data = () => {\n  throw new RangeError('no such year');\n};`,
  'few.js': `${STEP}export const data = { x: [1, 2], y: [0] };`,
  'trained.js': `${STEP}export const data = ${ROWS};\nexport const training = { steps: 7, lr: 0.5, seed: 3, threads: 2, warmup: 2, schedule: 'cosine', every: 4, title: 'T' };`,
  'function.js': `${STEP}export const data = ${ROWS};\nexport const training = { lr: (step) => 1 / (step + 1) };`,
  'typo.js': `${STEP}\nexport const training = { stepps: 7 };`,
  'wrong.js': `${STEP}export const training = { steps: -7 };`,
  'epochs.js': `${STEP}export const training = { epochs: 7 };`,
  'both.js': `${STEP}export const data = ${ROWS};\nexport const training = { lr: (step) => 1, schedule: 'cosine' };`,
  'shape.js': `import { f32, mean, nn, optim, trainStep } from '2headgrad';\nexport const step = trainStep({ model: nn.linear(2, 3), batch: { x: f32(2, 5) },\n  loss: (model, { x }) => mean(model(x)), optimizer: optim.sgd() });\nexport const data = { x: [1, 2, 3, 4, 5] };`,
};

interface Outcome {
  settings?: Record<string, unknown>;
  rates?: number[];
  rows?: Record<string, number>;
  x?: number[];
  folder?: string;
  error?: [string, string];
}

let folder = '';
let outcomes: Record<string, Outcome> = {};

const SCRIPT = `
const { kindOf } = await import(${JSON.stringify(KINDS)});
const { settingsFrom } = await import(${JSON.stringify(SETTINGS)});
const { loadTask } = await import(${JSON.stringify(new URL('task.js', `file://${KINDS}/../../`).pathname)});
const all = {};
for (const given of process.argv.slice(2)) {
  const [path, name] = given.split('#');
  const outcome = (all[given] = {});
  try {
    const kind = await kindOf(path, name);
    outcome.folder = kind.folder;
    outcome.settings = settingsFrom(kind, {});
    kind.check(outcome.settings);
    outcome.rates = Array.from({ length: 8 }, (_, i) => kind.rate(outcome.settings)(i));
    const task = await loadTask(kind, null, outcome.settings);
    outcome.rows = Object.fromEntries(Object.entries(task.measured).map(([part, { rows }]) => [part, rows]));
    outcome.x = [...task.rows.columns.x];
  } catch (error) {
    outcome.error = [error.constructor.name, error.message];
  }
}
console.log(JSON.stringify(all));`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), '2headgrad-file-'));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await Promise.all(Object.entries(FILES).map(([name, text]) => writeFile(join(folder, name), text)));
  await writeFile(join(folder, 'load.mjs'), SCRIPT);
  const args = ['load.mjs', ...Object.keys(FILES), 'one-of-two.js#a', 'one-of-two.js#b', 'names#step'];
  outcomes = JSON.parse(execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8' }));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('columns are flat or of rows, an object, a promise, or what a function gives', () => {
  for (const [name, rows] of [
    ['flat.js', 3],
    ['nested.js', 3],
    ['typed-rows.js', 2],
    ['promise.js', 3],
  ] as const)
    expect([name, outcomes[name].error, outcomes[name].rows]).toEqual([name, undefined, { train: rows }]);
  expect(outcomes['nested.js'].x).toEqual([1, 2, 3, 4, 5, 6]);
});

it('data may hold out a validation and a test part, of one step among several', () => {
  expect(outcomes['parts.js'].rows).toEqual({ train: 3, dev: 3 });
  expect(outcomes['notes.js'].rows).toEqual({ train: 3, test: 3 });
  expect(outcomes['one-of-two.js#b']).toMatchObject({
    rows: { train: 3, dev: 3 },
    folder: 'runs/one-of-two-b',
  });
});

it('without a word of its own a file trains 1,000 steps with the usual rate of its optimizer', () => {
  expect(outcomes['nested.js'].settings).toMatchObject({ steps: 1000, lr: 0.001, seed: 42, threads: 1 });
  expect(outcomes['one-of-two.js#a'].settings).toMatchObject({ lr: 0.1 });
});

it('what `training` says is what it trains with', () => {
  expect(outcomes['trained.js'].settings).toMatchObject({
    ...{ steps: 7, lr: 0.5, seed: 3, threads: 2, warmup: 2, schedule: 'cosine', every: 4 },
  });
  const cosine = (k: number) => 0.25 * (1 + Math.cos((Math.PI * k) / 5));
  const expected = [0.5 / 3, 1 / 3, ...[0, 1, 2, 3, 4, 5].map(cosine)];
  outcomes['trained.js'].rates!.forEach((rate, i) => {
    expect(rate).toBeCloseTo(expected[i], 12);
  });
  expect(outcomes['function.js'].rates!.slice(0, 3)).toEqual([1, 1 / 2, 1 / 3]);
});

it.each<[string, string, RegExp]>([
  [
    'alone.js',
    'DataError',
    /^alone\.js has no data to train on: export data, an object with an array for each of x \(f32\[2\] a row\), y \(i32 a row\)/,
  ],
  ['one-of-two.js', 'OptionError', /several training steps: choose one of a, b by --export/],
  ['one-of-two.js#a', 'DataError', /^one-of-two\.js has no data to train on/],
  ['part.js', 'DataError', /^part\.js: data: there is no part valdation.*validation.*\(part\.js:5\)$/],
  ['twice.js', 'DataError', /^twice\.js: data has validation and another part for the same use/],
  [
    'sizes.js',
    'DataError',
    /^sizes\.js: data: y: 3 rows of a number, but x has 2 rows of 2 numbers: .* \(sizes\.js:5\)$/,
  ],
  ['ragged.js', 'DataError', /^ragged\.js: data: x: row 1 has 1 elements, and row 0 has 2/],
  ['mixed.js', 'DataError', /^mixed\.js: data: x: row 1 is no list of numbers/],
  ['classes.js', 'DataError', /^classes\.js: data: validation: y .*3 at position 2.*\(classes\.js:6\)$/],
  ['missing.js', 'DataError', /^missing\.js: data: input y is missing \(missing\.js:5\)$/],
  ['extra.js', 'DataError', /^extra\.js: data: there is no input z/],
  ['nan.js', 'DataError', /^nan\.js: data: test: x: NaN at position 1 \(row 0, column 1\)/],
  ['map.js', 'DataError', /^map\.js: data: input x is missing/],
  ['throws.js', 'DataError', /data\(\) threw RangeError: no such year \(throws\.js:6\)$/],
  ['few.js', 'DataError', /^a batch of 2 is larger than the data: the 1 row to train on give/],
  ['typo.js', 'DataError', /^typo\.js: training: there is no option stepps.*steps.*\(typo\.js:6\)$/],
  ['wrong.js', 'DataError', /^wrong\.js: training: steps is -7: expected a whole number from 0/],
  ['epochs.js', 'DataError', /there is no option epochs: give steps: rows \/ batch of them are an epoch/],
  ['both.js', 'OptionError', /--schedule cosine: the learning rate of both\.js is a function of the step/],
  ['shape.js', 'DataError', /^shape\.js, step: .*\[2, 5\].*\(shape\.js:3\)$/],
  ['names#step', 'OptionError', /--export is for model files/],
])('%s is refused with a %s that says what is wrong and where', (name, kind, message) => {
  expect(outcomes[name].error).toEqual([kind, expect.stringMatching(message)]);
});

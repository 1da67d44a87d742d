import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { checkManifest } from '../../src/artifact/manifest.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/data/safetensors.js';
import { f32, loadWeights, nn, optim, trainStep } from '../../src/index.js';
import { encodeWeights } from '../../src/train/weights.js';
import { run, workspace } from '../cli/command.js';
import { tsc } from './tsc.js';

const { path } = workspace();

/** The model of the file below, in this process. */
function model() {
  const layer = nn.linear(3, 2);
  return trainStep({
    name: 'uses',
    model: layer,
    batch: { x: f32(4, 3) },
    loss: (m, { x }) => m(x).square().mean(),
    optimizer: optim.sgd(),
    entries: {
      '*/ five': { inputs: { x: f32(5, 3) }, output: (m, { x }) => m(x) },
      both: { inputs: { x: f32(1, 3) }, output: (m, { x }) => ({ y: m(x), 'y squared': m(x).square() }) },
    },
  });
}

const SOURCE = `import { f32, nn, optim, trainStep } from '2headgrad';
const layer = nn.linear(3, 2);
export const step = trainStep({
  name: 'uses',
  model: layer,
  batch: { x: f32(4, 3) },
  loss: (m, { x }) => m(x).square().mean(),
  optimizer: optim.sgd(),
  entries: {
    '*/ five': { inputs: { x: f32(5, 3) }, output: (m, { x }) => m(x) },
    both: { inputs: { x: f32(1, 3) }, output: (m, { x }) => ({ y: m(x), 'y squared': m(x).square() }) },
  },
});
`;

it('entries of the user are part of a compiled model, with types', async () => {
  await writeFile(path('model.ts'), SOURCE);
  const made = await run('compile', path('model.ts'), '--out', path('out'), '--json');
  expect([made.code, JSON.parse(made.stdout).entries]).toEqual([0, ['train', 'evaluate', '*/ five', 'both']]);
  const script = `import { start } from ${JSON.stringify(pathToFileURL(path('out', 'model.js')).href)};
const session = await start({ seed: 5 });
const plain = (outputs) => Object.fromEntries(Object.entries(outputs).map(([k, v]) => [k, [...v]]));
let refused = '';
try { session.invoke('other', {}); } catch (error) { refused = error.message; }
console.log(JSON.stringify([plain(session.invoke('*/ five', { x: new Float32Array(15).fill(0.5) })), plain(session.invoke('both', { x: [1, 2, 3] })), refused]));`;
  const args = ['--input-type=module', '-e', script];
  const [five, both, refused] = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
  const session = await model().compile({ seed: 5 });
  expect(five.output).toEqual([...session.invoke('*/ five', { x: Array(15).fill(0.5) }).output]);
  const { y, 'y squared': squared } = session.invoke('both', { x: [1, 2, 3] });
  expect(both).toEqual({ y: [...y], 'y squared': [...squared] });
  await session.close();
  expect(refused).toContain('uses has no other, only train and evaluate');
  const types = await readFile(path('out', 'model.d.ts'), 'utf8');
  expect(types).toContain(
    'invoke(entry: "both", inputs: { x: ArrayLike<number> }): { y: Float32Array; "y squared": Float32Array };',
  );
  // A name ends no comment.
  const comments = types.replace('invoke(entry: "*/ five"', '');
  expect(comments.match(/\*\//g)?.length).toBe(comments.match(/\/\*\*/g)?.length);
});

it('the two parts of a step alone train a compiled model, with types', async () => {
  await writeFile(path('model.ts'), SOURCE.replace('entries: {', 'separate: true,\n  entries: {'));
  const args = ['--entry', 'gradients', '--entry', 'update'];
  const made = await run('compile', path('model.ts'), '--out', path('parts'), ...args, '--json');
  expect([made.code, JSON.parse(made.stdout).entries]).toEqual([0, ['gradients', 'update']]);
  const { start } = await import(pathToFileURL(path('parts', 'model.js')).href);
  const shipped = await start({ seed: 5 });
  const session = await model().compile({ seed: 5 });
  const batch = { x: Array.from({ length: 12 }, (_, i) => Math.cos(i)) };
  for (let i = 0; i < 3; i++) {
    const { loss, gradients } = shipped.backward(batch);
    expect(session.step({ lr: 0.1, batch })).toBe(loss);
    shipped.update(gradients, { lr: 0.1 });
  }
  expect(shipped.checkpoint()).toEqual(session.checkpoint());
  expect(() => shipped.backward()).toThrow('uses has no train');
  await Promise.all([session.close(), shipped.close()]);
  await writeFile(
    path('use.mts'),
    `import { start } from './parts/model.js';
const session = await start();
const { loss, gradients } = session.backward({ x: [1] });
session.update(gradients, { lr: loss });
const weight: Float32Array = gradients.weight;
// @ts-expect-error no such parameter
gradients.wieght;
// @ts-expect-error the bias is missing
session.update({ weight }, { lr: 1 });
// @ts-expect-error nothing to draw a batch from
session.backward();
`,
  );
  expect(tsc(path(), 'use.mts')).toBe('');
});

it('one alone can be chosen', async () => {
  await writeFile(path('model.ts'), SOURCE);
  const made = await run('compile', path('model.ts'), '--out', path('one'), '--entry', 'both', '--json');
  expect([made.code, JSON.parse(made.stdout).entries]).toEqual([0, ['both']]);
});

it('metrics are part of a compiled model, with types, and a manifest that says less or more of them is damaged', async () => {
  const metrics = `evaluate: {
    right: (m, { x }) => m(x).greater(0).cast('i32').sum(),
    'the mean': { mean: (m, { x }) => m(x).mean(0) },
    heavy: (m, { x }) => weightedMean(m(x).square().sum(1), x.square().sum(1)),
  },
  trainable: { bias: false },`;
  await writeFile(
    path('model.ts'),
    SOURCE.replace('f32, nn', 'f32, nn, weightedMean').replace(
      /entries: \{[\s\S]*\},\n\}\)/,
      `${metrics}\n  predict: { inputs: { x: f32(2, 3) }, output: (m, { x }) => ({ y: m(x), most: m(x).argmax(-1) }) },\n})`,
    ),
  );
  const made = await run('compile', path('model.ts'), '--out', path('metrics'));
  expect([made.stderr, made.code]).toEqual(['', 0]);
  const { start } = await import(pathToFileURL(path('metrics', 'model.js')).href);
  const session = await start();
  const x = Array.from({ length: 21 }, (_, i) => Math.cos(i));
  const saved = encodeWeights(session);
  session.write('weight', [1, 2, 3, 4, 5, 6]);
  expect((await loadWeights(session, saved)).missing).toEqual([]);
  expect(encodeWeights(session)).toEqual(saved);
  // What the model has no variable for may be of any dtype.
  const { tensors } = decodeSafetensors(session.checkpoint());
  const more = encodeSafetensors(tensors.set('steps', { dtype: 'I32', shape: [2], data: new Int32Array(2) }));
  const odd = Buffer.from(more).toString('latin1').replace('"I32","shape":[2]', '"I64","shape":[1]');
  const other = await start({ weights: Buffer.from(odd, 'latin1') });
  expect(encodeWeights(other)).toEqual(saved);
  await other.close();
  const predicted = session.predict({ x });
  const outputs: number[] = [...predicted.y];
  expect([outputs.length, predicted.most.length, session.predict({ x: [] }).most.length]).toEqual([14, 7, 0]);
  const { loss, right, 'the mean': mean, heavy } = session.evaluate({ x });
  const squaresOf = (list: number[], n: number) =>
    Array.from({ length: 7 }, (_, row) => list.slice(n * row, n * row + n).reduce((s, v) => s + v * v, 0));
  const [each, weights] = [squaresOf(outputs, 2), squaresOf(x, 3)];
  const weighed = each.reduce((s, v, i) => s + v * weights[i], 0);
  expect(heavy).toBeCloseTo(weighed / weights.reduce((s, v) => s + v, 0), 4);
  session.data({ x });
  const [bias, before] = [[...session.read('bias')], [...session.read('weight')]];
  const last = await session.run({ steps: 9, lr: 1e-3, every: 3, evaluate: { x }, best: { lowest: 'loss' } });
  expect([session.at, session.evaluate({ x }).loss]).toEqual([last.best.at, last.best.value]);
  expect([...session.read('bias')]).toEqual(bias);
  expect([...session.read('weight')]).not.toEqual(before);
  expect(session.parameterCount).toBe(6);
  expect(right).toBe(outputs.filter((y) => y > 0).length);
  expect(loss).toBeCloseTo(outputs.reduce((s, y) => s + y * y, 0) / 14, 5);
  expect(mean[1]).toBeCloseTo(outputs.filter((_, i) => i % 2 === 1).reduce((s, y) => s + y, 0) / 7, 6);
  await session.close();
  await writeFile(
    path('use.mts'),
    `import { start } from './metrics/model.js';
const session = await start();
const { loss, right, 'the mean': mean } = session.evaluate({ x: [1, 2, 3] });
const all: [number, number, Float64Array] = [loss, right, mean];
// What loadWeights and saveWeights take.
const weights: {
  readonly program: { readonly variables: readonly { readonly name: string; readonly role: 'parameter' | 'state'; readonly shape: readonly number[]; readonly dtype: 'f32' | 'i32' | 'bool' }[] };
  read(name: string): Float32Array | Float64Array | Int32Array;
  write(name: string, values: ArrayLike<number>): void;
} = session;
weights.read(weights.program.variables[0].name);
for await (const { evaluated } of session.run({ steps: 1, lr: 0.1, evaluate: { x: [1, 2, 3] } })) evaluated!.right + all[0];
const { y, most }: { y: Float32Array; most: Int32Array } = session.predict({ x: [1] });
const first: Float32Array = session.read(y.length > most.length ? 'weight' : 'bias');
await session.run({ steps: 1, lr: 0.1, every: undefined, best: { highest: 'heavy' }, patience: 2, onProgress: ({ best }) => best?.value });
// @ts-expect-error a list is not better or worse than another
await session.run({ steps: 1, lr: 0.1, best: { highest: 'the mean' } });
// @ts-expect-error no such output
session.predict({ x: [] }).output;
// @ts-expect-error no such metric
session.evaluate({ x: [] }).wrong;
`,
  );
  expect(tsc(path(), 'use.mts')).toBe('');
  const text = await readFile(path('metrics', 'model.json'), 'utf8');
  const changed = (change: (m: { metrics: Record<string, unknown> }) => void) => () => {
    const manifest = JSON.parse(text);
    change(manifest);
    return checkManifest(manifest);
  };
  expect(changed(() => {})).not.toThrow();
  expect(JSON.parse(text).format).toBe(6);
  for (const change of [
    (m: { metrics: unknown }) => (m.metrics = 'right'),
    (m: { metrics: Record<string, unknown> }) => (m.metrics.right = { by: 'max', one: true }),
    (m: { metrics: Record<string, unknown> }) => (m.metrics['the mean'] = { by: 'mean', one: true }),
    (m: { metrics: Record<string, unknown> }) => (m.metrics.loss = { by: 'sum', one: true }),
    (m: { metrics: Record<string, unknown> }) => (m.metrics.left = { by: 'sum', one: true }),
    (m: { metrics: Record<string, unknown> }) => delete m.metrics.right,
    (m: { metrics: Record<string, unknown> }) => (m.metrics.right = null),
  ])
    expect(changed(change)).toThrow(/model\.json is damaged: .*metrics/);
});

import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { uniform } from '../../bench/golden/hash.js';
import { compileAhead } from '../../src/aot/compile.js';
import { checkManifest, layoutOf } from '../../src/artifact/manifest.js';
import { startModel } from '../../src/artifact/session.js';
import { decodeSafetensors } from '../../src/data/safetensors.js';
import { type CompileOptions, compileProgram } from '../../src/emit/compile.js';
import { inputAttrs } from '../../src/graph/graph.js';
import { crossEntropy, f32, i32, nn, optim, type Session, trainStep } from '../../src/index.js';
import { CompiledEngine } from '../../src/run/engine.js';
import { readLibrary, spawnWorker } from '../../src/run/node.js';
import type { AnyTrainStep } from '../../src/run/train-step.js';
import { encodeRequest } from '../../src/run/wide/request.js';
import { initialValues } from '../../src/train/initial.js';
import { impatient } from '../impatient.js';
import { dataFor } from '../property/data.js';

// Nobody sees from outside of the memory that a variable lies in panels.

/** Sizes of the layers, and rows of the batch. */
function mlp(sizes: readonly number[], batch: number, optimizer: optim.Optimizer) {
  const layers = sizes.slice(1).flatMap((size, i) => [nn.linear(sizes[i], size), nn.tanh()]);
  const model = nn.sequential(...layers.slice(0, -1));
  return trainStep({
    name: 'panels',
    model,
    batch: { x: f32(batch, sizes[0]), y: i32(batch) },
    loss: (m, { x, y }) => crossEntropy(m(x), y),
    optimizer,
    predict: { inputs: { x: f32(1, sizes[0]) }, output: (m, { x }) => m(x) },
  });
}

/** A digest of all variables and results after two steps and the other entries, for each number of threads. */
async function digests(step: ReturnType<typeof mlp>, options: Partial<CompileOptions>) {
  const { program } = step;
  const module = await compileProgram(program, {
    library: impatient(await readLibrary()),
    level: 1,
    threadShare: 0,
    ...options,
  });
  const initial = new Map(Object.entries(dataFor(program.entries.train, 6, ['parameter', 'state'])));
  const runs: string[] = [];
  for (const threads of [1, 2, 4]) {
    const engine = await CompiledEngine.start({
      ...{ wasm: module.wasm, layout: module.plan, shared: true, threads, seed: 0 },
      initial,
      spawn: spawnWorker,
    });
    const hash = createHash('sha256');
    const take = (values: ArrayLike<number>) => hash.update(Float64Array.from(values));
    for (const entry of ['train', 'train', 'evaluate', 'predict']) {
      const inputs = dataFor(program.entries[entry], 5, ['input']);
      for (const { name, dtype, shape } of program.entries[entry].inputs.map(inputAttrs))
        if (dtype === 'i32') inputs[name] = Int32Array.from({ length: shape[0] }, (_, i) => i % 7);
      for (const values of Object.values(engine.invoke(entry, inputs))) take(values);
    }
    for (const { name } of program.variables) take(engine.read(name));
    runs.push(hash.digest('hex'));
    await engine.close();
  }
  return { panels: module.layout.variables.filter((v) => v.panels).map((v) => v.name), runs };
}

it.each<[string, number[], number, () => optim.Optimizer, number]>([
  ['odd sizes, with Adam', [33, 45, 19, 7], 25, () => optim.adam({ weightDecay: 0.1 }), 9],
  ['a product cut along k, with momentum', [700, 36, 130], 29, () => optim.sgd({ momentum: 0.9 }), 4],
])(
  'a network of %s ends with the same bits in panels and without',
  async (_, sizes, batch, optimizer, count) => {
    const of = (options: Partial<CompileOptions>) => digests(mlp(sizes, batch, optimizer()), options);
    const rows = await of({ without: ['panels'] });
    expect(rows.panels).toEqual([]);
    for (const options of [{ allPanels: true }, { allPanels: true, poison: true }]) {
      const { panels, runs } = await of(options);
      expect(panels).toHaveLength(count);
      for (const run of runs) expect(run).toBe(rows.runs[0]);
    }
  },
  240_000,
);

const large = () => mlp([40, 100, 1101], 32, optim.sgd({ momentum: 0.9 }));
const data = {
  x: uniform(32 * 40, 1, 1),
  y: Int32Array.from({ length: 32 }, (_, i) => (i * 37) % 1101),
};
const row = { x: uniform(40, 1, 3) };
const WEIGHT = 'layers.2.weight';
const LAID = [WEIGHT, 'optimizer.velocity.layers.2.weight'];

/** What users see of a session. */
function seen(session: Session) {
  session.data(data);
  const losses = [0.1, 0.1, 0.1].map((lr) => session.step({ lr }));
  return { losses, loss: session.evaluate(data), output: session.predict(row), file: session.checkpoint() };
}

it('sessions, checkpoints and artifacts have every variable row by row', async () => {
  const step = large();
  const module = await step.compileModule({ cache: false });
  const laid = (list: readonly { name: string; panels?: number }[]) =>
    list.filter(({ panels }) => panels).map(({ name }) => name);
  expect(laid(module.layout.variables)).toEqual(LAID);
  expect(await module.text('memory')).toMatch(/layers\.2\.weight: f32\[100,1101\], in panels of 16 columns/);
  await using plain = await step.compile({ cache: false, without: ['panels'] });
  await using session = await step.start(module, { threads: 2 });
  const expected = seen(plain);
  expect(seen(session)).toEqual(expected);
  for (const name of session.names()) expect(session.read(name)).toEqual(plain.read(name));

  // What is written is read, and is what the next step works on; what was saved comes back.
  const weight = uniform(100 * 1101, 1, 9);
  for (const s of [plain, session]) {
    s.write(WEIGHT, weight);
    expect(s.read(WEIGHT)).toEqual(Float32Array.from(weight));
    s.step({ lr: 0.1 });
  }
  expect(session.checkpoint()).toEqual(plain.checkpoint());
  session.restore(expected.file);
  expect(session.read(WEIGHT)).toEqual(
    Float32Array.from(decodeSafetensors(expected.file).tensors.get(WEIGHT)!.data),
  );

  // A compiled folder says how they lie, and its weights do not.
  const artifact = await compileAhead(large() as unknown as AnyTrainStep, {
    ...{ library: await readLibrary(), runtime: '', generator: '2headgrad 0.0.0', weights: expected.file },
  });
  const { manifest, files } = artifact;
  expect(manifest.format).toBe(4);
  expect(laid(manifest.variables)).toEqual(LAID);
  expect(layoutOf(checkManifest(JSON.parse(JSON.stringify(manifest)))).variables).toEqual(
    artifact.modules[0].layout.variables,
  );
  const start = {
    url: () => new URL('file:///nowhere'),
    spawn: async () => spawnWorker,
  };
  const model = await startModel(manifest, start, {
    wasm: files.get('model.wasm') as Uint8Array,
    weights: files.get('weights.safetensors') as Uint8Array,
  });
  await plain.restore(expected.file);
  for (const name of model.names()) expect(model.read(name)).toEqual(plain.read(name));
  expect(model.predict(row)).toEqual(plain.predict(row));
  await model.close();

  // A trial of wide vectors begins with the memory of a session.
  const initial = initialValues(step.program.variables, 42);
  const { wasm, layout } = module;
  const { entries } = step.description;
  const request = encodeRequest({ wasm, layout, entries, initial, seed: 42, shared: true, threads: 1 });
  const { blocks } = JSON.parse(
    new TextDecoder().decode(request.subarray(4, 4 + new DataView(request.buffer).getUint32(0, true))),
  );
  for (const { address, bytes } of layout.variables) expect(blocks).toContainEqual({ address, bytes });
}, 120_000);

it.each<[string, Record<string, unknown>]>([
  ['of no width', { panels: 0 }],
  ['of a width that is no whole vectors', { panels: 6 }],
  ['of a width that is no number', { panels: '16' }],
  ['beyond the end', { panels: 2 ** 20 }],
  ['of what is no matrix', { panels: 16, shape: [64] }],
  ['that reach into the next variable', { panels: 64 }],
])('a manifest with panels %s is refused', (_, change) => {
  const variable = (name: string, address: number) => ({
    ...{ name, shape: [4, 16], dtype: 'f32', role: 'parameter', stream: 256, address },
    fill: { kind: 'constant', value: 1 },
  });
  const manifest = (first: object) => ({
    ...{ format: 4, name: 'tiny', generator: '2headgrad 0.0.0', seed: 42, constants: [], entries: {} },
    modules: [{ file: 'model.wasm', threads: false, relaxed: false, bytes: 1, sha256: '0'.repeat(64) }],
    memory: { bytes: 2 ** 20, threadScratch: 0 },
    variables: [{ ...variable('a', 2 ** 16), ...first }, variable('b', 2 ** 16 + 256)],
  });
  expect(layoutOf(checkManifest(manifest({ panels: 16 }))).variables[0].panels).toBe(16);
  expect(() => checkManifest(manifest(change))).toThrow(/model\.json is damaged/);
});

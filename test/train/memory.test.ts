import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type CompileOptions, compileProgram } from '../../src/emit/compile.js';
import { inputAttrs } from '../../src/graph/graph.js';
import {
  add,
  compileFunction,
  crossEntropy,
  f32,
  gather,
  gradients,
  i32,
  meanSquaredError,
  nn,
  optim,
  type Tensor,
  trace,
  trainStep,
} from '../../src/index.js';
import { gpt } from '../../src/models/gpt.js';
import { CompiledEngine } from '../../src/run/engine.js';
import { readLibrary, spawnWorker } from '../../src/run/node.js';
import type { Program } from '../../src/train/program.js';
import { impatient } from '../impatient.js';
import { dataFor } from '../property/data.js';

// What is made again has the bits of what was kept.

type Batch = { x: Tensor; y: Tensor };

/** Residual blocks with batch norm and dropout. */
function residual(): Program {
  const block = () =>
    nn.residual(nn.sequential(nn.linear(24, 24), nn.batchNorm(24), nn.relu(), nn.dropout(0.3)));
  return trainStep({
    model: nn.sequential(nn.linear(6, 24), block(), block(), block(), block(), nn.linear(24, 1)),
    batch: { x: f32(48, 6), y: f32(48, 1) },
    loss: (model, { x, y }: Batch) => meanSquaredError(model(x), y),
    optimizer: optim.adam(),
  }).program;
}

/** Attention, layer norm, GELU, dropout. */
function transformer(): Program {
  return trainStep({
    model: gpt({ vocab: 11, context: 16, width: 16, heads: 2, layers: 3, dropout: 0.1 }),
    batch: { x: i32(4, 16), y: i32(4, 16) },
    loss: (model, { x, y }: Batch) => crossEntropy(model(x), y),
    optimizer: optim.adamW(),
  }).program;
}

/** Layers of a recurrent net, as loops. */
function recurrent(): Program {
  const [words, cells, out] = [nn.embedding(11, 16), [0, 1, 2].map(() => nn.gru(16, 16)), nn.linear(16, 11)];
  return trainStep({
    model: { words, cells, out },
    batch: { x: i32(8, 20), y: i32(8, 20) },
    loss: (model, { x, y }: Batch) =>
      crossEntropy(model.out(model.cells.reduce((h, cell) => cell(h), model.words(x))), y),
    optimizer: optim.sgd({ momentum: 0.9 }),
  }).program;
}

/** Rows of a table, by indices that the model computes from values that are made again. */
function lookUps(): Program {
  const [table, layers] = [nn.embedding(9, 24), [0, 1, 2, 3].map(() => nn.linear(24, 24))];
  return trainStep({
    model: { table, layers },
    batch: { x: i32(40), y: f32(40, 24) },
    loss: (model, { x, y }: Batch) => {
      const deep = model.layers.reduce((h, layer) => {
        const ids = layer(h).sum(1).sigmoid().mul(8).cast('i32');
        return add(layer(h).tanh(), gather(h, ids));
      }, model.table(x));
      return meanSquaredError(deep, y);
    },
    optimizer: optim.sgd(),
  }).program;
}

/** What a step of training makes again, the bytes before the dataset, and a digest of all variables after two steps. */
async function trained(program: Program, options: Partial<CompileOptions>) {
  const { train } = program.entries;
  const module = await compileProgram(
    { ...program, entries: { train } },
    {
      library: impatient(await readLibrary()),
      level: 0,
      threadShare: 0,
      ...options,
    },
  );
  const inputs = dataFor(train, 5, ['input']);
  for (const { name, shape, dtype } of train.inputs.map(inputAttrs)) {
    if (dtype !== 'i32' || !(name in inputs)) continue;
    const count = shape.reduce((n, size) => n * size, 1);
    inputs[name] = Int32Array.from({ length: count }, (_, i) => (i * i * 31 + 7) % 9);
  }
  const initial = new Map(Object.entries(dataFor(train, 6, ['parameter', 'state'])));
  const runs: string[] = [];
  for (const threads of [1, 2]) {
    const engine = await CompiledEngine.start({
      ...{ wasm: module.wasm, layout: module.layout, shared: true, threads, seed: 0 },
      initial,
      spawn: spawnWorker,
    });
    const hash = createHash('sha256');
    for (let step = 0; step < 2; step++)
      for (const values of Object.values(engine.invoke('train', inputs)))
        hash.update(new Uint8Array(values.slice().buffer));
    for (const { name } of program.variables) hash.update(new Uint8Array(engine.read(name).slice().buffer));
    runs.push(hash.digest('hex'));
    await engine.close();
  }
  return {
    ...module.memory,
    runs,
    arena: module.plan.arena.bytes,
    guards: module.layout.entries.train.guards,
  };
}

describe('a budget of memory', () => {
  it.each([
    ['residual blocks with batch norm and dropout', residual, 0.6],
    ['a GPT', transformer, 0.5],
    ['loops over sequences', recurrent, 0.8],
    ['rows that the model itself looks up', lookUps, 0.7],
  ])(
    'changes no bit of %s',
    async (_, model, part) => {
      const program = model();
      const plain = await trained(program, {});
      expect(plain.remade).toEqual({});
      const memory = plain.bytes - Math.floor((1 - part) * plain.arena);
      const tight = await trained(program, { memory, poison: true });
      expect(tight.bytes).toBeLessThanOrEqual(memory);
      expect(tight.remade.train.kernels).toBeGreaterThan(0);
      expect(tight.guards?.length).toBe(plain.guards?.length);
      const [first] = plain.runs;
      for (const run of [...plain.runs, ...tight.runs]) expect(run).toBe(first);
    },
    240_000,
  );

  it('is refused where it is no size, by whoever takes one', async () => {
    const step = trainStep({
      model: nn.linear(2, 1),
      batch: { x: f32(4, 2), y: f32(4, 1) },
      loss: (model, { x, y }: Batch) => meanSquaredError(model(x), y),
      optimizer: optim.sgd(),
    });
    for (const memory of ['64 bananas', '', 0, -1, Number.NaN, null as unknown as number])
      await expect(step.compile({ memory })).rejects.toThrow(/^compile: memory must be a size above 0: /);
    await expect(step.compileModule({ memory: '0 MB' })).rejects.toThrow(/^compileModule: memory must be/);
    await expect(compileFunction(chain(2), { memory: '1 iB' })).rejects.toThrow(
      /^compileFunction: memory must be/,
    );
    await expect(step.compile({ memory: 100 })).rejects.toThrow(
      /^memory: 100 bytes .* are too few: the program needs .* at the least/,
    );
  });

  it('is kept to by a function that is traced, too', async () => {
    const graph = chain(8);
    const plain = await compileFunction(graph);
    const { bytes } = plain.module.memory;
    const tight = await compileFunction(graph, { memory: bytes - 3 * 4 * 32 * 32 });
    expect(tight.module.memory.bytes).toBeLessThanOrEqual(bytes - 3 * 4 * 32 * 32);
    expect(tight.module.memory.remade.call.kernels).toBeGreaterThan(0);
    const x = Float32Array.from({ length: 32 * 32 }, (_, i) => Math.sin(i));
    expect(tight.call({ x })).toEqual(plain.call({ x }));
    await Promise.all([plain.close(), tight.close()]);
  }, 120_000);
});

/** The gradient of products in a row. */
function chain(length: number) {
  return trace('chain', { x: f32(32, 32) }, ({ x }) => {
    let last = x;
    for (let i = 0; i < length; i++) last = last.matmul(x).mul(0.2).tanh();
    const [gradient] = gradients(last.sum(), [x]);
    return { gradient: gradient! };
  });
}

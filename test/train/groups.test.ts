import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { type CompileOptions, compileProgram } from '../../src/emit/compile.js';
import { inputAttrs } from '../../src/graph/graph.js';
import { crossEntropy, i32, nn, optim, type Tensor, trainStep } from '../../src/index.js';
import { CompiledEngine } from '../../src/run/engine.js';
import { readLibrary, spawnWorker } from '../../src/run/node.js';
import { impatient } from '../impatient.js';
import { dataFor } from '../property/data.js';

// Kernels that run tile by tile compute what they compute one after the other.

/** Words through an embedding, a hidden layer and a classifier. */
function classifier(vocabulary: number, hidden: number, batch: number, optimizer: optim.Optimizer) {
  const model = nn.sequential(
    nn.embedding(vocabulary, 4),
    nn.flatten(),
    nn.linear(8, hidden),
    nn.tanh(),
    nn.linear(hidden, vocabulary),
  );
  return trainStep({
    model,
    batch: { x: i32(batch, 2), y: i32(batch) },
    loss: (m, { x, y }: { x: Tensor; y: Tensor }) => crossEntropy(m(x), y),
    optimizer,
  }).program;
}

type Program = ReturnType<typeof classifier>;

/** The groups of a step of training, and a digest of all variables after two steps, for each number of threads. */
async function trained(program: Program, words: number, options: Partial<CompileOptions>) {
  const module = await compileProgram(program, {
    library: impatient(await readLibrary()),
    level: 1,
    threadShare: 0,
    ...options,
  });
  const { train } = program.entries;
  const inputs = dataFor(train, 5, ['input']);
  for (const { name, shape, dtype } of train.inputs.map(inputAttrs)) {
    if (dtype !== 'i32') continue;
    const count = shape.reduce((n, size) => n * size, 1);
    inputs[name] = Int32Array.from({ length: count }, (_, i) => (i * i * 31 + 7) % words);
  }
  const initial = new Map(Object.entries(dataFor(train, 6, ['parameter', 'state'])));
  const runs: string[] = [];
  for (const threads of [1, 2, 3]) {
    const engine = await CompiledEngine.start({
      ...{ wasm: module.wasm, layout: module.plan, shared: true, threads, seed: 0 },
      initial,
      spawn: spawnWorker,
    });
    for (let step = 0; step < 2; step++) engine.invoke('train', inputs);
    const hash = createHash('sha256');
    for (const { name } of program.variables) hash.update(new Uint8Array(engine.read(name).slice().buffer));
    runs.push(hash.digest('hex'));
    await engine.close();
  }
  return { groups: module.schedules.train.groups, runs };
}

it.each<[string, number, number, number, () => optim.Optimizer, number | undefined, number]>([
  ['few words, in tiles of a vector or two', 203, 7, 5, () => optim.sgd(), 64, 2],
  ['words that are whole tiles', 192, 12, 16, () => optim.adam(), 64, 2],
  [
    'a number of words that are no whole vectors',
    997,
    12,
    9,
    () => optim.adam({ weightDecay: 0.1 }),
    1024,
    2,
  ],
  [
    'many words, with the product behind them',
    16_411,
    33,
    33,
    () => optim.sgd({ momentum: 0.9 }),
    undefined,
    3,
  ],
])(
  'a classifier of %s ends with the same bits in groups and without',
  async (_, words, hidden, batch, optimizer, cacheBytes, members) => {
    const program = classifier(words, hidden, batch, optimizer());
    const grouped = await trained(program, words, { cacheBytes });
    expect(Math.max(...grouped.groups.map(({ from, to }) => to - from + 1))).toBe(members);
    const alone = await trained(program, words, { cacheBytes, without: ['group'] });
    expect(alone.groups).toEqual([]);
    const poisoned = await trained(program, words, { cacheBytes, poison: true });
    const [first] = alone.runs;
    for (const run of [...alone.runs, ...grouped.runs, ...poisoned.runs]) expect(run).toBe(first);
  },
  240_000,
);

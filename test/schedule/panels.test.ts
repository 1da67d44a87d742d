import { expect, it } from 'vitest';
import { crossEntropy, f32, gather, i32, init, nn, optim, type Tensor, trainStep } from '../../src/index.js';
import { optimize } from '../../src/optimize/index.js';
import type { ScheduleOptions } from '../../src/schedule/passes.js';
import { scheduleAll } from '../../src/schedule/schedule.js';

interface Model {
  hidden?: number;
  words?: number;
  batch?: number;
  optimizer?: optim.Optimizer;
  separate?: boolean;
}

/** A classifier of many words: its matrix is read as a right operand, and transposed, and made anew. */
function classifier({
  hidden = 70,
  words = 1101,
  batch = 32,
  optimizer = optim.sgd(),
  separate = false,
}: Model) {
  return trainStep({
    model: nn.sequential(nn.linear(40, hidden), nn.tanh(), nn.linear(hidden, words)),
    batch: { x: f32(batch, 40), y: i32(batch) },
    loss: (model, { x, y }) => crossEntropy(model(x), y),
    optimizer,
    separate,
  }).program.entries;
}

function schedulesOf(entries: ReturnType<typeof classifier>, options: ScheduleOptions = {}) {
  const graphs = Object.entries(entries).map(([entry, graph]) => [entry, optimize(graph)]);
  return scheduleAll(Object.fromEntries(graphs), options);
}

/** The variables that lie in panels, for all entries alike. */
function inPanels(entries: ReturnType<typeof classifier>, options?: ScheduleOptions): string[] {
  const lies = new Map<string, boolean>();
  for (const at of Object.values(schedulesOf(entries, options)).flatMap((s) => [...s.storage.values()])) {
    if (at.kind !== 'variable') continue;
    const here = at.panels !== undefined;
    expect(lies.get(at.name) ?? here).toBe(here);
    lies.set(at.name, here);
  }
  return [...lies].filter(([, here]) => here).map(([name]) => name);
}

it('a matrix that products copy to panels lies in panels, with the state of the optimizer beside it', () => {
  expect(inPanels(classifier({}))).toEqual(['layers.2.weight']);
  expect(inPanels(classifier({ hidden: 100, optimizer: optim.sgd({ momentum: 0.9 }) }))).toEqual([
    'layers.2.weight',
    'optimizer.velocity.layers.2.weight',
  ]);
});

it('products read it as it lies, without scratch, and write it so', () => {
  const { train, evaluate } = schedulesOf(classifier({}));
  const gemms = [...train.kernels, ...evaluate.kernels].flatMap((kernel) =>
    kernel.kind === 'gemm' ? [kernel] : [],
  );
  const readers = gemms.filter(({ tiling }) => tiling.packB === 'lies');
  expect(readers.map(({ name }) => name)).toEqual(['gemm_nn_32x1101x70_add', 'gemm_nn_32x1101x70_add']);
  const writer = gemms.find(({ name }) => name.startsWith('gemm_tn_70x1101x32'))!;
  for (const { tiling } of [...readers, writer])
    expect(tiling.segments.map(({ vectors, count, lanes }) => [vectors, count, lanes])).toEqual([
      [4, 68, 4],
      [4, 1, 1],
    ]);
});

it.each<[string, Model, ScheduleOptions?]>([
  ['rows fit the cache and nobody copies them', { hidden: 20, words: 60 }],
  ['few rows of the batch pass by', { batch: 8 }],
  [
    'rows of the left operand are copied to make it anew, with much state',
    { hidden: 784, words: 512, batch: 128, optimizer: optim.adam() },
  ],
  ['panels would be filled up by half', { hidden: 300, words: 19, batch: 128 }],
  [
    'gradients are clipped by their norm, so that the update is a kernel of its own',
    { optimizer: optim.clip(optim.sgd(), { norm: 1 }) },
  ],
  ['the update is an entry of its own, with gradients from outside', { separate: true }],
  ['the pass is left out', {}, { without: ['panels'] }],
])('it lies row by row where %s', (_, model, options) => {
  expect(inPanels(classifier(model), options)).toEqual([]);
});

it('a table that rows are gathered from lies row by row, also where products copy it', () => {
  const { entries } = trainStep({
    model: { table: nn.parameter([1101, 70], init.uniform(-1, 1)), layer: nn.linear(70, 1101) },
    batch: { x: i32(32), y: i32(32) },
    loss: ({ table, layer }, { x, y }) =>
      crossEntropy(
        layer(gather(table, x))
          .tanh()
          .matmul(table as unknown as Tensor),
        y,
      ),
    optimizer: optim.sgd(),
  }).program;
  expect(inPanels(entries)).toEqual(['layer.weight']);
  expect(inPanels(entries, { allPanels: true })).toEqual(['layer.weight']);
});

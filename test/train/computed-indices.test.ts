import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  cast,
  compileFunction,
  crossEntropy,
  DataError,
  equal,
  f32,
  gather,
  i32,
  iota,
  nn,
  optim,
  pick,
  type Session,
  scatterAdd,
  type Tensor,
  trace,
  trainStep,
  where,
  window,
} from '../../src/index.js';

// Indices that a model computes: outside of their table they stop the step, on the tape and compiled alike.

const lines = readFileSync(fileURLToPath(import.meta.url), 'utf8').split('\n');
const lineOf = (mark: string) =>
  `computed-indices.test.ts:${lines.findIndex((l) => l.endsWith(`// ${mark}`)) + 1}`;
const messageOf = (f: () => unknown): string => {
  try {
    f();
  } catch (error) {
    expect(error).toBeInstanceOf(DataError);
    return (error as Error).message;
  }
  return 'no error';
};

/** Classes 0 to 4 of the data are used one too high: 5 rows of data from the sixth on are wrong. */
function step(threads?: 'threads') {
  return trainStep({
    name: `shifted${threads ?? ''}`,
    model: nn.sequential(nn.embedding(5, 3), nn.flatten(), nn.linear(6, 4)),
    batch: { x: i32(2, 2), y: i32(2) },
    loss: (model, { x, y }) => crossEntropy(model(x), y.sub(1)), // the loss
    optimizer: optim.sgd({ momentum: 0.9 }),
    predict: {
      inputs: { x: i32(2) },
      output: (model, { x }) => model(x.add(1).reshape([1, 2])), // the prediction
    },
    diagnostics: { every: 1000 },
  });
}

const right = { x: [0, 1, 2, 3], y: [1, 4] };
const wrong = { x: [0, 1, 2, 3], y: [1, 0] };

const engines: [string, () => Promise<Session>][] = [
  ['the tape', async () => step().interpret()],
  ['one thread', () => step().compile()],
  ['two threads', () => step('threads').compile({ threads: 2 })],
];

describe.each(engines)('a step with a computed index, on %s', (_, open) => {
  const loss = `crossEntropy: index -1 at position 1 is outside of 0 to 3 (${lineOf('the loss')})`;
  const variables = (session: Session) => session.names().map((name) => Array.from(session.read(name)));

  it('stops with the op, the index and the line, and all is as it was', async () => {
    await using session = await open();
    const before = variables(session);
    expect(messageOf(() => session.step({ lr: 0.1, batch: wrong }))).toBe(loss);
    expect(variables(session)).toEqual(before);
    expect(session.at).toBe(0);
    expect(session.step({ lr: 0.1, batch: right })).toBeGreaterThan(0);
    expect(session.at).toBe(1);
  });

  it('stops a run at that step, goes back to before it, and can go on', async () => {
    await using session = await open();
    session.data({ x: right.x, y: [1, 2] });
    for await (const _ of session.run({ steps: 5, lr: 0.1 }));
    const before = variables(session);
    session.data({ x: right.x, y: [2, 0] });
    const run = async () => {
      for await (const _ of session.run({ steps: 500, lr: 0.1 }));
    };
    await expect(run()).rejects.toThrow(
      new RegExp(
        `^crossEntropy: index -1 at position [01] is outside of 0 to 3 \\(${lineOf('the loss')}\\)$`,
      ),
    );
    expect(session.at).toBe(5);
    expect(variables(session)).toEqual(before);
    session.data({ x: right.x, y: [1, 2] });
    for await (const { at, loss: last } of session.run({ steps: 300, lr: 0.1, every: 300 })) {
      expect(at).toBe(305);
      expect(last).toBeLessThan(0.5);
    }
  });

  it('stops evaluating, predicting and drawn steps', async () => {
    await using session = await open();
    expect(messageOf(() => session.evaluate(wrong))).toBe(loss);
    expect(session.evaluate(right)).toBeGreaterThan(0);
    expect(messageOf(() => session.predict({ x: [0, 4] }))).toBe(
      `gather: index 5 at position 1 is outside of 0 to 4 (${lineOf('the prediction')})`,
    );
    expect(session.predict({ x: [0, 3] }).length).toBe(4);
    session.data({ x: right.x, y: [0, 0] });
    expect(messageOf(() => session.step({ lr: 0.1 }))).toContain('crossEntropy: index -1 at position 0');
  });
});

it('stops diagnostics and calibration, which leave everything as it was', async () => {
  const make = () =>
    trainStep({
      model: { table: nn.embedding(5, 3), norm: nn.batchNorm1d(3) },
      batch: { x: i32(4) },
      loss: ({ table, norm }, { x }) =>
        norm(table(x.add(1)))
          .square()
          .mean(),
      optimizer: optim.sgd(),
      diagnostics: { every: 1 },
    });
  for (const session of [make().interpret(), await make().compile()]) {
    const message = /^gather: index 5 at position 2 is outside of 0 to 4 \(computed-indices\.test\.ts:\d+\)$/;
    const before = session.names().map((name) => Array.from(session.read(name)));
    expect(messageOf(() => session.step({ lr: 0.1, batch: { x: [0, 1, 4, 0] } }))).toMatch(message);
    expect(messageOf(() => session.calibrate({ x: [0, 1, 4, 0] }))).toMatch(message);
    expect(session.names().map((name) => Array.from(session.read(name)))).toEqual(before);
    expect(session.step({ lr: 0.1, batch: { x: [0, 1, 3, 0] } })).toBeGreaterThan(0);
    await session.close();
  }
});

type Use = [name: string, use: (t: Tensor, ids: Tensor) => Tensor, what: string];
const uses: Use[] = [
  ['gather', (t, ids) => gather(t, ids), 'gather'],
  ['gather of single elements', (t, ids) => gather(t.slice([0, 0], [7, 1]).reshape([7]), ids), 'gather'],
  ['scatterAdd', (t, ids) => scatterAdd(t, ids, t.slice([0, 0], [6, 4])), 'scatter_add'],
  ['scatterAdd onto zeros', (t, ids) => scatterAdd(t.mul(0), ids, t.slice([0, 0], [6, 4])), 'scatter_add'],
  ['pick', (t, ids) => pick(t.slice([0, 0], [6, 4]), ids), 'pick'],
];

describe.each(uses)('%s', (_, use, what) => {
  const size = what === 'pick' ? 4 : 7;
  const t = Float32Array.from({ length: 28 }, (_, i) => i);

  // 2^27 rows of 16 bytes are far outside of the memory; so is the last of 32 bits in a table of single elements.
  it.each([-1, size, 2 ** 27, 2 ** 31 - 1, -(2 ** 31)])('says that %i is outside', async (index) => {
    const graph = trace('use', { t: f32(7, 4), ids: i32(6), by: i32() }, ({ t, ids, by }) => ({
      y: use(t, ids.add(by)),
    }));
    const want = `${what}: index ${index} at position 4 is outside of 0 to ${size - 1}`;
    for (const threads of [1, 2]) {
      const f = await compileFunction(graph, { threads, threadShare: 0 });
      const good = f.call({ t, ids: [0, 1, 2, 3, 0, 3], by: [0] }).y;
      expect(messageOf(() => f.call({ t, ids: [0, 1, 2, 3, index, 9], by: [0] }))).toContain(
        `${want} (computed`,
      );
      expect(f.call({ t, ids: [-1, 0, 1, 2, -1, 2], by: [1] }).y).toEqual(good);
      await f.close();
    }
  });
});

describe('memory', () => {
  // The error comes when a step is done: until then the nearest row stands in for one that is outside.
  const cases: [string, (t: Tensor, ids: Tensor) => Tensor, number[]][] = [
    ['gathered rows', (t, ids) => gather(t, ids), [1, 2, 5, 6]],
    ['gathered elements', (t, ids) => gather(t.reshape([6]), ids), [1, 6]],
    ['rows that are added', (t, ids) => scatterAdd(t, ids, t.slice([0, 0], [2, 2])), [2, 4, 3, 4, 8, 10]],
  ];
  it.each(cases)('is safe from wrong indices: %s', async (_, use, want) => {
    const types = { t: f32(3, 2), ids: i32(2), by: i32() };
    const f = await compileFunction(trace('safe', types, ({ t, ids, by }) => ({ y: use(t, ids.add(by)) })));
    for (const [low, high] of [
      [-1, 6],
      [-(2 ** 31), 2 ** 31 - 1],
      [-(2 ** 27), 2 ** 27],
    ]) {
      expect(() => f.call({ t: [1, 2, 3, 4, 5, 6], ids: [low, high], by: [0] })).toThrow(DataError);
      expect(Array.from(f.outputs().y)).toEqual(want);
    }
    await f.close();
  });
});

describe('data given to a compiled function', () => {
  it('is checked where it is used as indices', async () => {
    const graph = trace('f', { t: f32(3, 2), ids: i32(2, 2) }, ({ t, ids }) => ({
      y: gather(t, ids.transpose()),
    }));
    const f = await compileFunction(graph);
    const t = [0, 1, 2, 3, 4, 5];
    const call = (ids: ArrayLike<number>) => messageOf(() => f.call({ t, ids }));
    expect(call([0, 1, 3, 2])).toBe('ids (used by gather): index 3 at position 2 is outside of 0 to 2');
    expect(call([0, -1, 0, 2])).toBe('ids (used by gather): index -1 at position 1 is outside of 0 to 2');
    expect(call([0, 0.5, 0, 2])).toBe('ids: 0.5 at position 1 is not a whole number of 32 bits');
    expect(Array.from(f.call({ t, ids: [0, 1, 2, 0] }).y)).toEqual([0, 1, 4, 5, 2, 3, 0, 1]);
    expect(f.module.source.text).not.toContain('guard');
    await f.close();
  });

  it('may have columns that are indices of different tables', async () => {
    const types = { a: f32(2), b: f32(5), ids: i32(3, 2) };
    const graph = trace('columns', types, ({ a, b, ids }) => {
      const column = (i: number) => ids.slice([0, i], [3, 1]).reshape([3]);
      return { y: gather(a, column(0)).add(gather(b, column(1))) };
    });
    const f = await compileFunction(graph);
    const tables = { a: [0, 10], b: [0, 1, 2, 3, 4] };
    expect(Array.from(f.call({ ...tables, ids: [1, 4, 0, 3, 1, 0] }).y)).toEqual([14, 3, 10]);
    expect(messageOf(() => f.call({ ...tables, ids: [1, 4, 2, 3, 1, 0] }))).toContain(
      'gather: index 2 at position 1 is outside of 0 to 1',
    );
    await f.close();
  });
});

describe('data of which some elements are no indices', () => {
  it.each<[string, number[], (ids: Tensor) => Tensor, number[]]>([
    ['windows leave some out', [12], (ids) => window(ids, 0, 4, { strides: 3 }), [10, 11]],
    [
      'a part of what is repeated leaves some out',
      [4],
      (ids) => ids.broadcastTo([3, 4]).slice([0, 0], [3, 2]),
      [2, 3],
    ],
    ['windows of a part leave some out', [9], (ids) => window(ids.slice([0], [5]), 0, 3), [5, 6, 7, 8]],
  ])('may be anything there: %s', async (_, shape, seen, free) => {
    const graph = trace('some', { t: f32(3), ids: i32(...shape) }, ({ t, ids }) => ({
      y: gather(t, seen(ids)),
    }));
    const f = await compileFunction(graph);
    const ids = new Int32Array(shape[0]).fill(1);
    for (const place of free) ids[place] = 99;
    expect(new Set(f.call({ t: [5, 6, 7], ids }).y)).toEqual(new Set([6]));
    ids[free[0] - 1] = 3;
    expect(messageOf(() => f.call({ t: [5, 6, 7], ids }))).toContain('gather: index 3 at position');
    await f.close();
  });
});

describe('several wrong indices', () => {
  it('are told by the first in the code, and there by the first position, for any number of threads', async () => {
    const types = { t: f32(5000), a: i32(4000), b: i32(3000) };
    const graph = trace('several', types, ({ t, a, b }) => ({
      y: gather(t, a.mul(2))
        .sum()
        .add(gather(t, b.mul(3)).sum()),
    }));
    const a = Int32Array.from({ length: 4000 }, (_, i) => (i === 1234 || i === 3999 ? 2500 + i : i % 100));
    const b = Int32Array.from({ length: 3000 }, (_, i) => (i > 7 ? -1 : 0));
    const t = new Float32Array(5000);
    for (const threads of [1, 2, 3]) {
      const f = await compileFunction(graph, { threads, threadShare: 0 });
      expect(messageOf(() => f.call({ t, a, b }))).toContain('gather: index 7468 at position 1234 is');
      expect(messageOf(() => f.call({ t, a: a.map(() => 1), b }))).toContain(
        'gather: index -3 at position 8 is',
      );
      await f.close();
    }
  });
});

describe('a cast', () => {
  it('of numbers that are no integers is the same on the tape and compiled', async () => {
    const x = [Number.NaN, 1e30, -1e30, Number.POSITIVE_INFINITY, 2.9, -2.9, 2147483520, -0.5];
    const step = (x: Tensor) => cast(x, 'i32');
    const f = await compileFunction(trace('cast', { x: f32(8) }, ({ x }) => ({ y: step(x) })));
    const { y } = f.call({ x });
    await f.close();
    expect(Array.from(y)).toEqual([0, 2147483647, -2147483648, 2147483647, 2, -2, 2147483520, 0]);
  });
});

describe('indices that cannot leave their table', () => {
  const proven: Record<string, (x: Tensor, ids: Tensor) => Tensor> = {
    'a place that is clamped': (_, ids) => ids.mul(3).minimum(4).maximum(0),
    'a cast of a clamped number': (x) => cast(x.mul(1e20).maximum(0).minimum(4), 'i32'),
    'checked data, moved': (_, ids) => ids.transpose().reshape([2, 3]),
    'the place of the largest': (x) =>
      where(equal(x, x.max(1, { keepDims: true })), iota(2), 0)
        .max(1)
        .reshape([3, 1]),
    constants: () => iota(4).add(1),
  };
  it.each(Object.entries(proven))('cost nothing: %s', async (_, index) => {
    const types = { t: f32(5, 2), x: f32(3, 2), ids: i32(3, 2) };
    const graph = trace('proven', types, ({ t, x, ids }) => ({
      y: gather(t, index(x, ids)),
      z: gather(t, ids),
    }));
    const f = await compileFunction(graph);
    expect(f.module.source.text).not.toContain('guard');
    expect(f.module.layout.entries.call.guards).toBeUndefined();
    f.call({ t: new Float32Array(10), x: [1e30, Number.NaN, 0, 1, -1, 7], ids: [0, 1, 2, 3, 4, 0] });
    await f.close();
  });

  it('a table of no rows is refused when it is used', () => {
    expect(() =>
      trace('none', { t: f32(0, 2), ids: i32(3) }, ({ t, ids }) => ({ y: gather(t, ids) })),
    ).toThrow('gather: there is nothing that indices could name, the size of that axis is 0');
  });
});

import { describe, expect, it } from 'vitest';
import {
  compileFunction,
  crossEntropy,
  f32,
  gather,
  i32,
  nn,
  optim,
  type Session,
  scatterAdd,
  type Tensor,
  trace,
  trainStep,
} from '../../src/index.js';

// Rows of a table that a batch names often: their updates must not be rounded away one by one.

let state = 1;
/** From 0 to 1. */
function random(): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
}
const normals = (n: number) => Float32Array.from({ length: n }, () => random() + random() + random() - 1.5);

/** Indices below `rows`, half of them 0. */
const frequent = (n: number, rows: number) =>
  Int32Array.from({ length: n }, () => (random() < 0.5 ? 0 : Math.floor(random() * rows)));

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [square, norm] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    square += (a[i] - b[i]) ** 2;
    norm += b[i] ** 2;
  }
  return Math.sqrt(square / norm);
}

describe('a row that is named often', () => {
  for (const rows of [3, 10_000]) {
    it(`moves as its summed gradient says, in a table of ${rows} rows`, async () => {
      const step = trainStep({
        name: 'frequent',
        model: { table: nn.parameter([rows, 3], () => new Float32Array(3 * rows).fill(1)) },
        batch: { ids: i32(4096) },
        loss: ({ table }, { ids }) => gather(table, ids).mean(),
        optimizer: optim.sgd(),
      });
      await using session = await step.compile();
      session.data({ ids: new Int32Array(4096).fill(1) });
      const before = session.read('table')[3];
      for await (const _ of session.run({ steps: 10, lr: 1.5e-4 }));
      expect(before).toBe(1);
      expect(session.read('table')[3] - 1).toBeCloseTo(-5e-4, 6);
      expect(session.read('table')[0]).toBe(1);
    });
  }

  it('moves though each of its rows underflows when it is scaled', async () => {
    const step = trainStep({
      name: 'underflow',
      model: { table: nn.parameter([9000, 4], () => new Float32Array(36_000)) },
      batch: { ids: i32(4096), g: f32(4096, 4) },
      loss: ({ table }, { ids, g }) => gather(table, ids).mul(g).sum(),
      optimizer: optim.sgd(),
    });
    await using session = await step.compile();
    session.step({
      lr: 1e-35,
      batch: { ids: new Int32Array(4096), g: new Float32Array(4096 * 4).fill(1e-9) },
    });
    expect(session.read('table')[0] / -4.096e-41).toBeCloseTo(1, 2);
  });
});

type Optimizer = [name: string, optimizer: optim.Optimizer];
const optimizers: Optimizer[] = [
  ['gradient descent', optim.sgd()],
  ['weight decay', optim.sgd({ weightDecay: 0.01 })],
  ['momentum', optim.sgd({ momentum: 0.9 })],
  ['clipping', optim.clip(optim.sgd(), { norm: 0.5 })],
  ['accumulation', optim.accumulate(optim.sgd(), 2)],
  ['Adam', optim.adam()],
];

/** How far the compiled step and the float32 tape are from the float64 tape after some steps, over all variables. */
async function errors(
  step: { compile(o?: object): Promise<Session>; interpret(o?: object): Session },
  batch: Record<string, Int32Array | Float32Array>,
  lr: number,
) {
  await using compiled = await step.compile();
  await using threaded = await step.compile({ threads: 2 });
  const [tape, reference] = [step.interpret(), step.interpret({ precision: 'float64' })];
  const sessions = [compiled, threaded, tape, reference];
  for (const session of sessions.slice(1)) {
    for (const name of session.names('parameter')) session.write(name, compiled.read(name).slice());
  }
  for (const session of sessions) for (let i = 0; i < 4; i++) session.step({ lr, batch });
  const worst = (session: Session) =>
    Math.max(...session.names('parameter').map((name) => distance(session.read(name), reference.read(name))));
  for (const name of compiled.names()) expect(threaded.read(name)).toEqual(compiled.read(name));
  return { compiled: worst(compiled), tape: worst(tape) };
}

describe('a character model with a frequent letter', () => {
  for (const [name, optimizer] of optimizers) {
    for (const letters of [30, 5000]) {
      it(`is as near to float64 as the tape with ${name} and ${letters} letters`, async () => {
        state = 7;
        const batch = { x: frequent(512 * 3, letters), y: frequent(512, 20) };
        const step = trainStep({
          name: 'letters',
          model: nn.sequential(nn.embedding(letters, 6), nn.flatten(), nn.linear(18, 20)),
          batch: { x: i32(512, 3), y: i32(512) },
          loss: (m, { x, y }) => crossEntropy(m(x), y),
          optimizer,
        });
        const error = await errors(step, batch, 1e-3);
        expect(error.compiled).toBeLessThan(2 * error.tape + 1e-8);
      });
    }
  }
});

describe('a table that is read in several places', () => {
  const models: Record<string, (t: Tensor, u: Tensor, ids: Tensor, more: Tensor) => Tensor> = {
    'two gathers': (t, u, ids, more) => gather(t, ids).mul(gather(t, more)).matmul(u).square().mean(),
    'a gather and a product': (t, u, ids) => gather(t, ids).matmul(t.transpose()).tanh().add(u.sum()).mean(),
    'two tables': (t, u, ids, more) =>
      gather(t, ids)
        .mul(gather(u, more.mul(0)))
        .add(gather(t, more))
        .square()
        .mean(),
    'a gather of a gather': (t, u, ids, more) =>
      gather(gather(t, ids), more.mul(0)).matmul(u).square().mean(),
  };
  for (const [name, loss] of Object.entries(models)) {
    for (const rows of [40, 3000]) {
      it(`has the error of the tape with ${name} and ${rows} rows`, async () => {
        state = 11;
        const step = trainStep({
          name: 'places',
          model: {
            t: nn.parameter([rows, 5], () => normals(rows * 5)),
            u: nn.parameter([5, 5], () => normals(25)),
          },
          batch: { ids: i32(600), more: i32(600) },
          loss: ({ t, u }, { ids, more }) => loss(t, u, ids, more),
          optimizer: optim.sgd(),
        });
        const error = await errors(step, { ids: frequent(600, rows), more: frequent(600, rows) }, 1e-2);
        expect(error.compiled).toBeLessThan(2 * error.tape + 1e-8);
      });
    }
  }
});

describe('scatterAdd', () => {
  const sums = (base: ArrayLike<number>, ids: Int32Array, rows: Float32Array, width: number) => {
    const sum = new Float64Array(base.length);
    ids.forEach((id, i) => {
      for (let j = 0; j < width; j++) sum[id * width + j] += rows[i * width + j];
    });
    return sum.map((s, i) => base[i] + s);
  };

  // Around the sizes where the way of summing changes, and around vectors.
  for (const [table, count, width] of [
    [2, 1, 1],
    [3, 1, 1],
    [1, 256, 3],
    [1, 257, 3],
    [128, 257, 16],
    [512, 256, 5],
    [513, 256, 5],
    [700, 300, 64],
    [700, 300, 85],
    [5, 20_000, 4],
    [50_000, 20_000, 7],
  ]) {
    it(`adds ${count} rows of ${width} to a table of ${table}`, async () => {
      state = count;
      const [ids, rows, base] = [frequent(count, table), normals(count * width), normals(table * width)];
      const types = { t: f32(table, width), ids: i32(count), rows: f32(count, width) };
      const onto = trace('onto', types, (g) => {
        return { y: scatterAdd(g.t, g.ids, g.rows), z: scatterAdd(g.t.mul(0), g.ids, g.rows) };
      });
      const expected = [sums(base, ids, rows, width), sums(new Float32Array(base.length), ids, rows, width)];
      for (const threads of [1, 2]) {
        const f = await compileFunction(onto, { threads, poison: threads === 1, threadShare: 0 });
        const { y, z } = f.call({ t: base, ids, rows });
        await f.close();
        for (const [k, got] of [y, z].entries()) {
          const worst = expected[k].reduce((most, value, i) => Math.max(most, Math.abs(value - got[i])), 0);
          expect(worst).toBeLessThan(Math.sqrt(count) * 1e-6);
        }
      }
    });
  }

  it('sums a long run in blocks', async () => {
    const n = 1 << 17;
    const graph = trace('run', { ids: i32(n), rows: f32(n, 1), t: f32(2 * n + 9, 1) }, ({ ids, rows, t }) => {
      return {
        dense: scatterAdd(t.slice([0, 0], [4, 1]).mul(0), ids, rows),
        sparse: scatterAdd(t, ids, rows),
      };
    });
    const f = await compileFunction(graph);
    const inputs = {
      ids: new Int32Array(n).fill(3),
      rows: new Float32Array(n).fill(0.1),
      t: new Float32Array(2 * n + 9),
    };
    const { dense, sparse } = f.call(inputs);
    await f.close();
    for (const sum of [dense[3], sparse[3]]) expect(sum / (n * Math.fround(0.1))).toBeCloseTo(1, 5);
  });

  it('adds a table to itself', async () => {
    for (const rows of [3, 9]) {
      const graph = trace('itself', { t: f32(rows, 2), ids: i32(rows) }, ({ t, ids }) => {
        const made = t.add(1);
        return { y: scatterAdd(made, ids, made).mul(2), z: scatterAdd(t, ids, t) };
      });
      const f = await compileFunction(graph);
      const t = Float32Array.from({ length: 2 * rows }, (_, i) => i);
      const ids = new Int32Array(rows).fill(1);
      const { y, z } = f.call({ t, ids });
      await f.close();
      expect(Array.from(z)).toEqual(Array.from(sums(t, ids, t, 2)));
      const made = t.map((x) => x + 1);
      expect(Array.from(y)).toEqual(Array.from(sums(made, ids, made, 2), (x) => 2 * x));
    }
  });
});

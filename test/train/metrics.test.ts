import { beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import {
  accuracy,
  confusionMatrix,
  crossEntropy,
  div,
  equal,
  f32,
  i32,
  nn,
  optim,
  type Session,
  type Tensor,
  trainStep,
} from '../../src/index.js';
import { rows } from './small.js';

// Ten rows in batches of four: two whole ones, and two rows of a third.

const BATCH = 4;
const CLASSES = 5;

function measured() {
  return trainStep({
    name: 'measured',
    model: nn.sequential(nn.embedding(7, 3), nn.flatten(), nn.linear(6, CLASSES)),
    batch: { x: i32(BATCH, 2), y: i32(BATCH) },
    loss: (model, { x, y }) => crossEntropy(model(x), y),
    optimizer: optim.sgd(),
    evaluate: {
      accuracy: (model, { x, y }) => accuracy(model(x), y),
      right: (model, { x, y }) => equal(model(x).argmax(-1), y).cast('i32').sum(),
      confusion: { sum: (model, { x, y }) => confusionMatrix(model(x), y) },
      logits: { mean: (model, { x }) => model(x).mean(0) },
      squares: { sum: (model, { x }) => model(x).square().sum() },
    },
    predict: { inputs: { x: i32(3, 2) }, output: (model, { x }) => model(x) },
    entries: {
      both: {
        inputs: { x: i32(4, 2) },
        output: (model, { x }) => ({ logits: model(x), class: model(x).argmax(-1) }),
      },
      pooled: { inputs: { x: i32(2, 2) }, output: (model, { x }) => model(x).mean(0) },
    },
  });
}

type Measured = Awaited<ReturnType<ReturnType<typeof measured>['compile']>>;
let sessions: Record<'tape' | 'compiled' | 'two', Measured>;

beforeAll(async () => {
  const step = measured();
  const module = await step.compileModule();
  sessions = {
    tape: step.interpret({ precision: 'float64' }),
    compiled: await step.start(module),
    two: await step.start(module, { threads: 2 }),
  };
  return () => Promise.all(Object.values(sessions).map((session) => session.close()));
});

/** The logits of rows, from `pooled` on each alone: a mean over a row twice. */
function logitsOf(session: Measured, from: number, to: number): number[][] {
  const each: number[][] = [];
  for (let i = from; i < to; i++) {
    const x = [...rows.x.slice(2 * i, 2 * i + 2)];
    each.push(Array.from(session.invoke('pooled', { x: [...x, ...x] }).output));
  }
  return each;
}

describe.each(['tape', 'compiled', 'two'] as const)('%s', (engine) => {
  it.each([1, 3, 4, 5, 8, 10])('metrics over %i rows are exact, whatever the last batch has', (n) => {
    const session = sessions[engine];
    const data = { x: rows.x.slice(0, 2 * n), y: rows.y.slice(0, n) };
    const { loss, accuracy, right, confusion, logits, squares } = session.evaluate(data);
    const each = logitsOf(session, 0, n);
    const taken = each.map((row) => row.indexOf(Math.max(...row)));
    const expected = Array.from({ length: CLASSES ** 2 }, () => 0);
    for (let i = 0; i < n; i++) expected[data.y[i] * CLASSES + taken[i]]++;
    const hits = taken.filter((c, i) => c === data.y[i]).length;
    expect(right).toBe(hits);
    expect(accuracy).toBeCloseTo(hits / n, 7);
    expect([...confusion]).toEqual(expected);
    const mean = (f: (row: number[], i: number) => number) => each.reduce((s, r, i) => s + f(r, i), 0) / n;
    for (let c = 0; c < CLASSES; c++)
      expect(logits[c]).toBeCloseTo(
        mean((row) => row[c]),
        5,
      );
    expect(squares[0]).toBeCloseTo(n * mean((row) => row.reduce((s, v) => s + v * v, 0)), 4);
    const entropy = (row: number[], i: number) =>
      Math.log(row.reduce((s, v) => s + Math.exp(v), 0)) - row[data.y[i]];
    expect(loss).toBeCloseTo(mean(entropy), 5);
  });

  it('takes any number of rows to predict, as the entries that make a row of each', () => {
    const session = sessions[engine];
    const each = logitsOf(session, 0, 10);
    for (const n of [1, 2, 3, 4, 7, 9, 10]) {
      const predicted = session.predict({ x: rows.x.slice(0, 2 * n) });
      expect(predicted).toHaveLength(n * CLASSES);
      predicted.forEach((v, i) => {
        expect(v).toBeCloseTo(each[Math.floor(i / CLASSES)][i % CLASSES], 5);
      });
      const both = session.invoke('both', { x: rows.x.slice(0, 2 * n) });
      expect([...both.class]).toEqual(each.slice(0, n).map((row) => row.indexOf(Math.max(...row))));
      expect(both.logits).toHaveLength(n * CLASSES);
    }
    expect(() => session.predict({ x: rows.x.slice(0, 3) })).toThrow(
      'x: 3 elements are not whole rows of [2]',
    );
    expect(() => session.invoke('pooled', { x: rows.x.slice(0, 6) })).toThrow('expected 4 elements');
  });
});

it('a run reports them on rows that are held out', async () => {
  const session = measured().interpret();
  session.data(rows);
  const reports = [];
  for await (const report of session.run({ steps: 20, lr: 0.1, every: 10, evaluate: rows }))
    reports.push(report);
  expect(reports).toHaveLength(2);
  expect(reports[1].evaluated).toEqual(session.evaluate(rows));
  expect(reports[1].evaluated!.loss).toBeLessThan(reports[0].evaluated!.loss);
  const wrong = session.run({ steps: 1, lr: 0.1, evaluate: { x: rows.x } as unknown as typeof rows });
  await expect(wrong).rejects.toThrow('input y is missing');
  expect(session.at).toBe(20);
});

it('types say what is given', () => {
  const session = sessions.tape;
  expectTypeOf(session.evaluate(rows)).toEqualTypeOf<
    { loss: number } & {
      accuracy: number;
      right: number;
      confusion: Float64Array;
      logits: Float64Array;
      squares: Float64Array;
    }
  >();
  const any: Session = session;
  expect(any.evaluate(rows).loss).toBe(session.evaluate(rows).loss);
});

it('a step without metrics gives its loss alone', () => {
  const session = trainStep({
    model: nn.linear(1, 1),
    batch: { x: f32(2, 1) },
    loss: (model, { x }) => model(x).square().mean(),
    optimizer: optim.sgd(),
  }).interpret();
  const loss = session.evaluate({ x: [1, 2, 3] });
  expectTypeOf(loss).toEqualTypeOf<number>();
  expect(loss).toBeTypeOf('number');
});

type Given = Parameters<typeof trainStep>[0]['evaluate'];

const withMetrics = (evaluate: unknown) => () =>
  trainStep({
    model: nn.linear(2, 3),
    batch: { x: f32(4, 2), y: i32(4) },
    loss: (model, { x, y }) => crossEntropy((model as (x: Tensor) => Tensor)(x), y),
    optimizer: optim.sgd(),
    evaluate: evaluate as Given,
  }).program;

it.each<[unknown, RegExp]>([
  [7, /evaluate must name what is measured/],
  [{ loss: () => 0 }, /"loss" cannot be the name of a metric: the loss is always there/],
  [{ right: 3 }, /evaluate: right must be a function .*got 3/],
  [{ right: { max: () => 0 } }, /evaluate: right must be a function/],
  [{ right: { sum: () => 0, mean: () => 0 } }, /evaluate: right must be a function/],
  [{ right: () => undefined }, /evaluate: right returns nothing.*\(metrics\.test\.ts:\d+\)/],
  [
    { all: (model: (x: Tensor) => Tensor, { x }: { x: Tensor }) => model(x) },
    /evaluate: all gives f32\[4,3\]: give one number, or say how batches become one, as in all: \{ sum:.*\(metrics\.test\.ts:\d+\)/,
  ],
  [
    { hit: { sum: (_: unknown, { y }: { y: Tensor }) => equal(y, 1) } },
    /evaluate: hit gives bool\[4\]: cast it, to 'i32' to count/,
  ],
])('%# a metric that is none is refused', (evaluate, message) => {
  expect(withMetrics(evaluate)).toThrow(message);
});

it('what is infinite for the last row is infinite for all, also where its batch is filled up', async () => {
  const step = trainStep({
    model: nn.linear(1, 1),
    batch: { x: f32(3, 1), y: f32(3, 1) },
    loss: (model, { x, y }) => model(x).sub(y).square().mean(),
    optimizer: optim.sgd(),
    evaluate: {
      logarithm: (_, { y }) => y.log().mean(),
      inverse: { sum: (_, { y }) => div(1, y.sub(1).square()).sum(0) },
    },
  });
  const session = step.interpret();
  const { loss, logarithm, inverse } = session.evaluate({ x: [1, 2, 3, 4], y: [2, 3, 2, 0] });
  expect([Number.isFinite(loss), logarithm, inverse[0]]).toEqual([true, Number.NEGATIVE_INFINITY, 3.25]);
  expect(session.evaluate({ x: [1, 2], y: [2, 1] }).inverse[0]).toBe(Number.POSITIVE_INFINITY);
  await session.close();
});

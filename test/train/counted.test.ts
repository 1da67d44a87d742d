import { describe, expect, it } from 'vitest';
import { accuracy, crossEntropy, f32, i32, nn, optim, trainStep, weightedMean } from '../../src/index.js';
import { Totals } from '../../src/train/evaluate.js';

// Losses in which rows count unequally: whatever the batches, all rows give what one batch of all of them gives.

const CLASSES = 3;
const ROWS = 11;
const IGNORED = -100;
const data = {
  x: Float32Array.from({ length: 2 * ROWS }, (_, i) => Math.sin(3 * i + 1)),
  // The first batch of four counts nothing, the last row of all does not count either.
  y: [IGNORED, IGNORED, IGNORED, IGNORED, 0, 1, 2, IGNORED, 2, 1, IGNORED],
  z: Array.from({ length: ROWS }, (_, i) => (i * i) % CLASSES),
  share: Float32Array.from({ length: ROWS }, (_, i) => (i % 4 === 0 ? 0 : i / 3)),
};
type Data = { [K in keyof typeof data]: ArrayLike<number> };
const weights = [0.2, 3, 0];

/** The same model, evaluated in batches of so many rows. */
function inBatchesOf(size: number) {
  const model = nn.linear(2, CLASSES);
  return trainStep({
    name: 'counted',
    model,
    batch: { x: f32(size, 2), y: i32(size), z: i32(size), share: f32(size) },
    loss: (model, { x, y }) => crossEntropy(model(x), y, { ignoreIndex: IGNORED }),
    optimizer: optim.sgd(),
    evaluate: {
      accuracy: (model, { x, y }) => accuracy(model(x), y, { ignoreIndex: IGNORED }),
      percent: (model, { x, y }) => accuracy(model(x), y, { ignoreIndex: IGNORED }).mul(100),
      byClass: (model, { x, z }) => crossEntropy(model(x), z, { weights }),
      both: (model, { x, y }) => crossEntropy(model(x), y, { weights, ignoreIndex: IGNORED }),
      weighted: (model, { x, z, share }) =>
        weightedMean(crossEntropy(model(x), z, { reduction: 'none' }), share),
      // Means over what counts, each by itself, over all rows, and what has nothing to do with rows.
      together: (model, { x, z, share }) =>
        crossEntropy(model(x), z, { weights })
          .mul(2)
          .sub(weightedMean(model(x).square().sum(1), share).neg())
          .add(model(x).square().mean().div(4))
          .add(model(x.mul(0)).square().sum().div(size)),
      plain: (model, { x, z }) => crossEntropy(model(x), z),
    },
  });
}

const rowsOf = (from: number, to: number): Data => ({
  x: data.x.subarray(2 * from, 2 * to),
  y: data.y.slice(from, to),
  z: data.z.slice(from, to),
  share: data.share.subarray(from, to),
});

/** Where nothing counts there is no mean. */
function close(found: object, expected: Record<string, number>, digits: number): void {
  for (const [name, value] of Object.entries(expected)) {
    const ours = (found as Record<string, number>)[name];
    if (Number.isNaN(value)) expect(ours, name).toBeNaN();
    else expect(ours, name).toBeCloseTo(value, digits);
  }
}

describe.each([1, 4] as const)('in batches of %i', (size) => {
  const tape = inBatchesOf(size).interpret({ precision: 'float64' });

  it.each([1, 4, 5, 7, 8, 10, 11])('%i rows give what one batch of them gives', (n) => {
    const rows = rowsOf(ROWS - n, ROWS) as never;
    const expected = inBatchesOf(n).interpret({ precision: 'float64' }).evaluate(rows);
    const found = tape.evaluate(rows);
    close(found, expected, 12);
  });
});

it('so they do compiled, where nothing counts, and pieces are put together', async () => {
  const step = inBatchesOf(4);
  const [compiled, tape] = [await step.compile(), step.interpret({ precision: 'float64' })];
  const all = rowsOf(0, ROWS) as never;
  const [found, expected] = [compiled.evaluate(all), tape.evaluate(all)];
  close(found, expected, 5);
  expect(Object.keys(found)).toEqual(Object.keys(expected));
  const nothing = compiled.evaluate(rowsOf(0, 3) as never);
  expect([nothing.loss, nothing.accuracy, Number.isFinite(nothing.plain)]).toEqual([
    Number.NaN,
    Number.NaN,
    true,
  ]);

  const totals = new Totals(step.description);
  for (const [from, to] of [
    [0, 3],
    [3, 9],
    [9, ROWS],
  ])
    totals.merge(tape.measure(rowsOf(from, to) as never));
  close(totals.result(), expected, 12);
  await compiled.close();
});

it('a run reports them, too, and is judged by them', async () => {
  const session = inBatchesOf(4).interpret();
  const all = rowsOf(4, ROWS) as never;
  session.data(all);
  const last = await session.run({ steps: 4, lr: 0.1, every: 2, evaluate: all, best: { lowest: 'loss' } });
  expect(session.evaluate(all).loss).toBe(last!.best!.value);
});

describe('weightedMean', () => {
  it('wants a weight for each value', () => {
    const step = trainStep({
      model: nn.linear(2, 1),
      batch: { x: f32(4, 2), share: f32(4) },
      loss: (model, { x, share }) => weightedMean(model(x), share),
      optimizer: optim.sgd(),
    });
    expect(() => step.program).toThrow(
      'weightedMean: the values are [4, 1], the weights [4]: give a weight for each value',
    );
  });

  it('takes its name from no metric', () => {
    const wrong = { 'counted.0.loss': () => 0 };
    expect(() => trainStep({ ...inBatchesOf(2).definition.options, evaluate: wrong as never })).toThrow(
      'trainStep: evaluate: "counted.0.loss" cannot be the name of a metric',
    );
  });
});

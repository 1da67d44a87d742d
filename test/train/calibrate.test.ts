import { describe, expect, it } from 'vitest';
import { f32, nn, optim, type Session, trainStep } from '../../src/index.js';

const ROWS = 23;
const FEATURES = 3;
const data = Float32Array.from({ length: ROWS * FEATURES }, (_, i) => 5 + 3 * Math.sin(i * i) + (i % 3));
const y = new Float32Array(ROWS);

const model = () =>
  nn.sequential(
    nn.linear(FEATURES, 4, { bias: false }),
    nn.batchNorm1d(4),
    nn.tanh(),
    nn.linear(4, 5),
    nn.batchNorm1d(5, { eps: 0.01 }),
    nn.tanh(),
    nn.linear(5, 1),
  );

function step(batch: number) {
  return trainStep({
    model: model(),
    batch: { x: f32(batch, FEATURES), y: f32(batch) },
    loss: (m, { x, y }) => m(x).reshape([batch]).sub(y).square().mean(),
    optimizer: optim.sgd(),
  });
}

/** What the norms should hold, in plain loops over all rows in float64. */
function expected(session: Session): Record<string, number[]> {
  const read = (name: string) => Array.from(session.read(name));
  const matrix = (x: number[][], w: number[], out: number, b?: number[]) =>
    x.map((row) =>
      Array.from({ length: out }, (_, j) => row.reduce((sum, v, i) => sum + v * w[i * out + j], b?.[j] ?? 0)),
    );
  const moments = (x: number[][]) =>
    x[0].map((_, j) => {
      const mean = x.reduce((sum, row) => sum + row[j], 0) / x.length;
      return { mean, variance: x.reduce((sum, row) => sum + (row[j] - mean) ** 2, 0) / (x.length - 1) };
    });
  const x = Array.from({ length: ROWS }, (_, i) => Array.from(data.slice(i * FEATURES, (i + 1) * FEATURES)));
  const first = matrix(x, read('layers.0.weight'), 4);
  const one = moments(first);
  const [gain, bias] = [read('layers.1.gain'), read('layers.1.bias')];
  const normed = first.map((row) =>
    row.map((v, j) => Math.tanh((gain[j] * (v - one[j].mean)) / Math.sqrt(one[j].variance + 1e-5) + bias[j])),
  );
  const two = moments(matrix(normed, read('layers.3.weight'), 5, read('layers.3.bias')));
  return {
    'layers.1.runningMean': one.map((m) => m.mean),
    'layers.1.runningVariance': one.map((m) => m.variance),
    'layers.4.runningMean': two.map((m) => m.mean),
    'layers.4.runningVariance': two.map((m) => m.variance),
  };
}

function check(session: Session, digits: number): void {
  for (const [name, want] of Object.entries(expected(session))) {
    want.forEach((value, j) => {
      expect(session.read(name)[j]).toBeCloseTo(value, digits);
    });
  }
}

describe('calibrate', () => {
  it.each([2, 4, 7, 22, 23, 40])(
    'sets the statistics of norms that stand one after the other to those over all rows, in batches of %i',
    (batch) => {
      const session = step(batch).interpret({ precision: 'float64' });
      session.calibrate({ x: data, y });
      check(session, 9);
    },
  );

  it('does so compiled, after training too, and changes nothing else', async () => {
    const session = await step(8).compile({ threads: 2 });
    session.data({ x: data, y });
    for await (const _ of session.run({ steps: 50, lr: 0.05 }));
    const weights = () => session.names('parameter').map((name) => Array.from(session.read(name)));
    const before = weights();
    session.calibrate({ x: data, y });
    check(session, 4);
    expect(weights()).toEqual(before);
    const again = Array.from(session.read('layers.4.runningMean'));
    session.calibrate({ x: data, y });
    expect(Array.from(session.read('layers.4.runningMean'))).toEqual(again);
    // The run goes on from there.
    for await (const _ of session.run({ steps: 5, lr: 0.05 }));
    await session.close();
  });

  it('makes the model in use the model in training on one batch of all rows', () => {
    const session = step(ROWS).interpret({ precision: 'float64' });
    session.calibrate({ x: data, y });
    const used = session.evaluate({ x: data, y });
    const trained = session.step({ lr: 0, batch: { x: data, y } });
    // But for the variance, which is unbiased in use: 23/22.
    expect(Math.abs(used / trained - 1)).toBeLessThan(0.1);
  });

  it('joins the places of a norm that stands in several', () => {
    const norm = nn.batchNorm1d(2, { affine: false });
    const shared = trainStep({
      model: { norm, w: nn.linear(2, 1) },
      batch: { x: f32(3, 2), z: f32(3, 2) },
      loss: ({ norm, w }, { x, z }) => w(norm(x).add(norm(z))).mean(),
      optimizer: optim.sgd(),
    });
    const session = shared.interpret({ precision: 'float64' });
    session.calibrate({ x: [1, 2, 3, 4, 5, 6, 7, 8], z: [0, 0, 0, 0, 10, 10, 30, 30] });
    const first = [1, 3, 5, 7, 0, 0, 10, 30];
    const mean = first.reduce((a, b) => a + b) / 8;
    expect(session.read('norm.runningMean')[0]).toBeCloseTo(mean, 10);
    expect(session.read('norm.runningVariance')[0]).toBeCloseTo(
      first.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 7,
      10,
    );
  });

  it('counts every place of a row where a feature has several', () => {
    const deep = trainStep({
      model: { norm: nn.batchNorm1d(2), w: nn.linear(2, 1) },
      batch: { x: f32(2, 3, 2) },
      loss: ({ norm, w }, { x }) => w(norm(x)).mean(),
      optimizer: optim.sgd(),
    });
    const session = deep.interpret({ precision: 'float64' });
    const x = Array.from({ length: 3 * 6 }, (_, i) => i * i);
    session.calibrate({ x });
    const first = x.filter((_, i) => i % 2 === 0);
    const mean = first.reduce((a, b) => a + b) / 9;
    expect(session.read('norm.runningMean')[0]).toBeCloseTo(mean, 8);
    expect(session.read('norm.runningVariance')[0]).toBeCloseTo(
      first.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 8,
      6,
    );
  });

  it('puts the statistics back where some are not finite', () => {
    const session = step(4).interpret();
    const before = Array.from(session.read('layers.1.runningVariance'));
    session.write('layers.3.weight', new Float32Array(20).fill(3e38));
    session.write('layers.3.bias', new Float32Array(5).fill(3e38));
    expect(() => session.calibrate({ x: data, y })).toThrow(
      'calibrate: what goes into the batch norm of layers.4.runningMean is not finite',
    );
    expect(Array.from(session.read('layers.1.runningVariance'))).toEqual(before);
  });

  it('refuses a model without batch norm, a single row, and data that do not fit', () => {
    const plain = trainStep({
      model: nn.linear(1, 1),
      batch: { x: f32(2, 1) },
      loss: (m, { x }) => m(x).mean(),
      optimizer: optim.sgd(),
    });
    expect(() => plain.interpret().calibrate({ x: [1, 2] })).toThrow('calibrate: step has no batch norm');
    const session = step(4).interpret();
    expect(() => session.calibrate({ x: [1, 2, 3], y: [1] })).toThrow('a variance needs at least two rows');
    expect(() => session.calibrate({ x: data } as never)).toThrow('input y is missing');
    expect(() => session.calibrate({ x: [1, Number.NaN, 2, 3, 4, 5], y: [1, 2] })).toThrow(
      'x: NaN at position 1',
    );
  });
});

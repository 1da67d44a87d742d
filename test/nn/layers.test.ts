import { describe, expect, it } from 'vitest';
import { f32, init, nn, optim, type Session, type Tensor, trainStep } from '../../src/index.js';

const batch = [
  [1, 5],
  [2, -1],
  [6, 0.5],
];
const flat = batch.flat();

/** A session whose loss is the mean square of what the layer makes of x, and which predicts what it makes. */
function around(layer: nn.Module, columns = 2): Session {
  const types = { x: f32(3, columns) };
  const step = trainStep({
    model: { layer, scale: nn.parameter([], init.ones) },
    batch: types,
    loss: ({ scale }, { x }) => layer(x).mul(scale).square().mean(),
    optimizer: optim.sgd(),
    predict: { inputs: types, output: (_, { x }) => layer(x) },
  });
  return step.interpret({ precision: 'float64' });
}

const close = (got: ArrayLike<number>, want: number[]) => {
  expect(got).toHaveLength(want.length);
  want.forEach((value, i) => {
    expect(got[i]).toBeCloseTo(value, 12);
  });
};

const mean = (list: number[]) => list.reduce((a, b) => a + b, 0) / list.length;
const squares = (list: number[]) => list.reduce((sum, v) => sum + (v - mean(list)) ** 2, 0);
const column = (j: number) => batch.map((row) => row[j]);

describe('linear', () => {
  it('is x W + b', () => {
    const session = around(nn.linear(2, 3));
    session.write('layer.weight', [1, 2, 3, 10, 20, 30]);
    session.write('layer.bias', [0.5, 0, -0.5]);
    close(
      session.predict({ x: flat }),
      batch.flatMap(([a, b]) => [a + 10 * b + 0.5, 2 * a + 20 * b, 3 * a + 30 * b - 0.5]),
    );
  });

  it('has no bias where none is wanted', () => {
    expect(around(nn.linear(2, 3, { bias: false })).names('parameter')).toEqual(['layer.weight', 'scale']);
  });

  it('begins within one over the root of its inputs', () => {
    const session = around(nn.linear(2, 500));
    for (const name of ['layer.weight', 'layer.bias']) {
      const values = Array.from(session.read(name));
      expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(Math.SQRT1_2);
      expect(Math.max(...values)).toBeGreaterThan(0.6);
      expect(Math.min(...values)).toBeLessThan(-0.6);
    }
  });
});

describe('batchNorm1d', () => {
  const normalized = () => {
    const rows = batch.map((row) =>
      row.map((v, j) => (v - mean(column(j))) / Math.sqrt(squares(column(j)) / 3 + 1e-5)),
    );
    return rows.flat();
  };

  it('normalizes with the batch in training, by the biased variance', () => {
    const session = around(nn.batchNorm1d(2));
    session.write('layer.gain', [2, 1]);
    session.write('layer.bias', [0, 0.25]);
    const want = normalized().map((v, i) => (i % 2 ? v + 0.25 : 2 * v));
    expect(session.step({ lr: 0, batch: { x: flat } })).toBeCloseTo(mean(want.map((v) => v * v)), 12);
  });

  it('moves its running statistics in training, by the unbiased variance', () => {
    const session = around(nn.batchNorm1d(2, { momentum: 0.25 }));
    session.step({ lr: 0, batch: { x: flat } });
    close(
      session.read('layer.runningMean'),
      [0, 1].map((j) => 0.25 * mean(column(j))),
    );
    close(
      session.read('layer.runningVariance'),
      [0, 1].map((j) => 0.75 + (0.25 * squares(column(j))) / 2),
    );
    session.step({ lr: 0, batch: { x: flat } });
    close(
      session.read('layer.runningMean'),
      [0, 1].map((j) => 0.4375 * mean(column(j))),
    );
  });

  it('normalizes with the running statistics in use, and leaves them alone', () => {
    const session = around(nn.batchNorm1d(2, { eps: 0.5 }));
    session.write('layer.runningMean', [1, -1]);
    session.write('layer.runningVariance', [3.5, 0.5]);
    close(
      session.predict({ x: flat }),
      batch.flatMap(([a, b]) => [(a - 1) / 2, b + 1]),
    );
    session.evaluate({ x: flat });
    close(session.read('layer.runningMean'), [1, -1]);
    close(session.read('layer.runningVariance'), [3.5, 0.5]);
  });

  it('takes all axes but the last as rows', () => {
    const types = { x: f32(2, 3, 2) };
    const x = Array.from({ length: 12 }, (_, i) => i * i);
    const step = trainStep({
      model: { norm: nn.batchNorm1d(2), scale: nn.parameter([], init.ones) },
      batch: types,
      loss: ({ norm, scale }, { x }) => norm(x).mul(scale).mul(x).mean(),
      optimizer: optim.sgd(),
    });
    const session = step.interpret({ precision: 'float64' });
    session.step({ lr: 0, batch: { x } });
    const second = x.filter((_, i) => i % 2 === 1);
    expect(session.read('norm.runningMean')[1]).toBeCloseTo(0.1 * mean(second), 12);
    expect(session.read('norm.runningVariance')[1]).toBeCloseTo(0.9 + (0.1 * squares(second)) / 5, 12);
  });

  it('learns what its options ask for', () => {
    const parameters = (options: Parameters<typeof nn.batchNorm1d>[1]) => [
      ...nn.parameters(nn.batchNorm1d(2, options)).keys(),
    ];
    expect(parameters({})).toEqual(['gain', 'bias']);
    expect(parameters({ bias: false })).toEqual(['gain']);
    expect(parameters({ affine: false })).toEqual([]);
    const session = around(nn.batchNorm1d(2, { affine: false }));
    const want = normalized().map((v) => v * v);
    expect(session.step({ lr: 0, batch: { x: flat } })).toBeCloseTo(mean(want), 12);
    const started = around(nn.batchNorm1d(2, { gainInit: init.constant(0.1), biasInit: init.ones }));
    expect([...started.read('layer.gain'), ...started.read('layer.bias')]).toEqual([
      Math.fround(0.1),
      Math.fround(0.1),
      1,
      1,
    ]);
  });

  it('needs two rows to train', () => {
    const norm = nn.batchNorm1d(2);
    const step = trainStep({
      model: norm,
      batch: { x: f32(1, 2) },
      loss: (m, { x }) => m(x).mean(),
      optimizer: optim.sgd(),
    });
    expect(() => step.program).toThrow('batchNorm1d: training needs a batch of at least two');
  });
});

describe('layerNorm', () => {
  it('normalizes every row on its own', () => {
    const session = around(nn.layerNorm(2));
    session.write('layer.gain', [3, 1]);
    session.write('layer.bias', [0, -1]);
    const want = batch.flatMap((row) =>
      row.map((v, j) => ((v - mean(row)) / Math.sqrt(squares(row) / 2 + 1e-5)) * (j ? 1 : 3) - j),
    );
    close(session.predict({ x: flat }), want);
  });
});

it('parameters gives those that training changes, by name', () => {
  const model = {
    net: nn.sequential(nn.linear(2, 2), nn.batchNorm1d(2), nn.dropout(0.5)),
    extra: nn.state([1], init.zeros),
  };
  expect([...nn.parameters(model).keys()]).toEqual([
    'net.layers.0.weight',
    'net.layers.0.bias',
    'net.layers.1.gain',
    'net.layers.1.bias',
  ]);
  expect([...nn.parameters(model).values()].every((p) => p.kind === 'parameter')).toBe(true);
});

describe('the layers without parameters', () => {
  const x = [-2, -0.5, 0, 0.5, 1, 3];
  it.each<[string, nn.Module, (v: number) => number]>([
    ['tanh', nn.tanh(), Math.tanh],
    ['relu', nn.relu(), (v) => Math.max(v, 0)],
    ['sigmoid', nn.sigmoid(), (v) => 1 / (1 + Math.exp(-v))],
    ['leakyRelu', nn.leakyRelu(0.1), (v) => (v > 0 ? v : 0.1 * v)],
    ['gelu', nn.gelu(), (v) => v * normalDistribution(v)],
    ['silu', nn.silu(), (v) => v / (1 + Math.exp(-v))],
    ['softplus', nn.softplus(), (v) => Math.log(1 + Math.exp(v))],
    ['flatten', nn.flatten(), (v) => v],
  ])('%s does what its name says', (_, layer, f) => {
    close(around(layer).predict({ x }), x.map(f));
  });

  it('softmax gives each row probabilities in proportion to the exponentials', () => {
    const want = x.flatMap((_, i) => {
      const row = [x[i - (i % 2)], x[i - (i % 2) + 1]].map(Math.exp);
      return [Math.exp(x[i]) / (row[0] + row[1])];
    });
    close(around(nn.softmax()).predict({ x }), want);
  });

  it('flatten joins all axes but the first', () => {
    const flatten = nn.flatten();
    const seen: unknown[] = [];
    const step = trainStep({
      model: nn.linear(12, 1),
      batch: { x: f32(2, 3, 4) },
      loss: (m, { x }) => {
        seen.push(flatten(x).shape);
        return m(flatten(x)).mean();
      },
      optimizer: optim.sgd(),
    });
    expect(step.program.name).toBe('step');
    expect(seen[0]).toEqual([2, 12]);
  });
});

/** The normal distribution function, by Simpson's rule over its density. */
function normalDistribution(v: number): number {
  const density = (t: number) => Math.exp((-t * t) / 2) / Math.sqrt(2 * Math.PI);
  const n = 2000;
  const h = v / n;
  let sum = density(0) + density(v);
  for (let i = 1; i < n; i++) sum += (i % 2 ? 4 : 2) * density(i * h);
  return 0.5 + (sum * h) / 3;
}

describe('namedVariables', () => {
  const p = () => nn.parameter([1], init.zeros);

  it('names variables by their path', () => {
    const model = {
      net: nn.sequential(nn.linear(1, 2), nn.tanh(), nn.linear(2, 1, { bias: false })),
      extra: [p(), p()],
    };
    expect([...nn.namedVariables(model).keys()]).toEqual([
      'net.layers.0.weight',
      'net.layers.0.bias',
      'net.layers.2.weight',
      'extra.0',
      'extra.1',
    ]);
  });

  it('keeps the first name of a variable that stands in two places', () => {
    const shared = p();
    expect([...nn.namedVariables({ a: shared, b: { shared } }).keys()]).toEqual(['a']);
  });

  it('names a lone variable by its kind, and walks circles once', () => {
    expect([...nn.namedVariables(p()).keys()]).toEqual(['parameter']);
    const circle: Record<string, unknown> = { w: p() };
    circle.self = circle;
    expect([...nn.namedVariables(circle).keys()]).toEqual(['w']);
  });

  it('finds what a layer of one’s own holds', () => {
    const w = p();
    const own = nn.layer({ w, inner: nn.linear(1, 1) }, (x: Tensor) => x.mul(w));
    expect([...nn.namedVariables(own).keys()]).toEqual(['w', 'inner.weight', 'inner.bias']);
  });
});

describe('a layer', () => {
  it.each<[string, () => unknown]>([
    ['linear: inputs: expected a whole number from 1, got 0', () => nn.linear(0, 2)],
    ['linear: outputs: expected a whole number from 1, got 1.5', () => nn.linear(2, 1.5)],
    ['embedding: count: expected a whole number from 1, got -1', () => nn.embedding(-1, 2)],
    ['batchNorm1d: features: expected a whole number from 1, got NaN', () => nn.batchNorm1d(Number.NaN)],
    ['batchNorm1d: eps must be above 0, got 0', () => nn.batchNorm1d(2, { eps: 0 })],
    ['batchNorm1d: momentum must be from 0 to 1, got 2', () => nn.batchNorm1d(2, { momentum: 2 })],
    ['leakyRelu: slope must be a finite number, got NaN', () => nn.leakyRelu(Number.NaN)],
    ['layerNorm: eps must be above 0, got NaN', () => nn.layerNorm(2, { eps: Number.NaN })],
    ['layerNorm: features: expected a whole number from 1, got 0', () => nn.layerNorm(0)],
  ])('refuses a size that is none: %s', (message, make) => {
    expect(make).toThrow(expect.objectContaining({ message, name: 'OptionError' }));
  });
});

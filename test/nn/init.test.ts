import { describe, expect, it } from 'vitest';
import { f32, init, nn, optim, trainStep } from '../../src/index.js';

type Init = typeof init.zeros;

/** The first values of parameters with these initializers. */
function first(list: Init[], shape = [200, 300], seed = 42): number[][] {
  const model = list.map((initializer) => nn.parameter(shape, initializer));
  const step = trainStep({
    model,
    batch: { x: f32(1) },
    loss: (all, { x }) => all.map((p) => p.sum().mul(x.sum())).reduce((a, b) => a.add(b)),
    optimizer: optim.sgd(),
  });
  const session = step.interpret({ seed });
  return list.map((_, i) => Array.from(session.read(String(i))));
}

function moments(values: number[]): { mean: number; std: number } {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const square = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length;
  return { mean, std: Math.sqrt(square) };
}

describe('an initializer', () => {
  // 60,000 values: the deviation of their mean is 0.4 % of theirs, that of their deviation 0.3 %.
  it.each<[string, Init, number, number]>([
    ['uniform', init.uniform(-1, 3), 1, 4 / Math.sqrt(12)],
    ['normal', init.normal(2, 0.5), 2, 0.5],
    ['kaimingNormal', init.kaimingNormal({ nonlinearity: 'tanh' }), 0, 5 / 3 / Math.sqrt(200)],
    ['kaimingNormal of the fan out', init.kaimingNormal({ fan: 'out' }), 0, Math.sqrt(2 / 300)],
    ['kaimingUniform', init.kaimingUniform(), 0, Math.sqrt(2 / 200)],
    [
      'kaimingUniform for leaky_relu',
      init.kaimingUniform({ nonlinearity: 'leaky_relu', slope: 1 }),
      0,
      Math.sqrt(1 / 200),
    ],
    ['xavierNormal', init.xavierNormal(), 0, Math.sqrt(2 / 500)],
    ['xavierUniform', init.xavierUniform(2), 0, 2 * Math.sqrt(2 / 500)],
  ])('%s has the mean and deviation that it should', (_, initializer, mean, std) => {
    const got = moments(first([initializer])[0]);
    expect(Math.abs(got.mean - mean)).toBeLessThan(0.02 * std);
    expect(Math.abs(got.std / std - 1)).toBeLessThan(0.02);
  });

  it('stays within the bounds of uniform', () => {
    const [values] = first([init.uniform(-0.25, 0.5)]);
    expect(Math.min(...values.slice(0, 50_000))).toBeGreaterThanOrEqual(-0.25);
    expect(Math.max(...values.slice(0, 50_000))).toBeLessThanOrEqual(0.5);
  });

  it('gives the same numbers for the same seed, and others for another parameter or seed', () => {
    const [a, b] = first([init.normal(), init.normal()]);
    expect(first([init.normal(), init.normal()])).toEqual([a, b]);
    expect(a).not.toEqual(b);
    expect(first([init.normal()], [200, 300], 43)[0]).not.toEqual(a);
  });

  it('gives constants and given values as they are', () => {
    const list = [init.zeros, init.ones, init.constant(0.5), init.values([1, 2, 3, 4])];
    expect(first(list, [2, 2])).toEqual([
      [0, 0, 0, 0],
      [1, 1, 1, 1],
      [0.5, 0.5, 0.5, 0.5],
      [1, 2, 3, 4],
    ]);
  });

  it('refuses values of another number and fans of a vector', () => {
    expect(() => first([init.values([1, 2, 3])], [2, 2])).toThrow('init.values: 3 numbers for shape [2,2]');
    expect(() => first([init.kaimingNormal()], [5])).toThrow('init: a fan needs two axes [in, out], not [5]');
  });
});

describe('a gain', () => {
  it('is that of its nonlinearity', () => {
    expect(init.gain('linear')).toBe(1);
    expect(init.gain('sigmoid')).toBe(1);
    expect(init.gain('tanh')).toBe(5 / 3);
    expect(init.gain('relu')).toBe(Math.sqrt(2));
    expect(init.gain('leaky_relu', 0)).toBe(Math.sqrt(2));
    expect(init.gain('leaky_relu', 0.5)).toBeCloseTo(Math.sqrt(2 / 1.25), 15);
    expect(init.gain('leaky_relu')).toBeCloseTo(Math.sqrt(2 / 1.0001), 15);
  });

  it('of leaky_relu and relu keeps the mean square of normal inputs through a layer and its activation', () => {
    // E[f(sum w x)^2] = E[x^2]: 100,000 sums, so within about 1 %.
    for (const [nonlinearity, slope] of [
      ['relu', 0],
      ['leaky_relu', 0.3],
    ] as const) {
      const [w, x] = first([init.kaimingNormal({ nonlinearity, slope }), init.normal()], [100, 1000]);
      const sums = Array.from({ length: 1000 }, (_, j) => {
        let sum = 0;
        for (let i = 0; i < 100; i++) sum += w[1000 * i + j] * x[1000 * i + j];
        return sum > 0 ? sum : slope * sum;
      });
      const square = sums.reduce((a, b) => a + b * b, 0) / sums.length;
      expect(Math.abs(square - 1)).toBeLessThan(0.15);
    }
  });
});

describe('the bounds of a uniform initializer', () => {
  // sqrt(3) times the deviation: sqrt(6 / (in + out)) as Glorot and Bengio's equation 16, and sqrt(6 / in) for relu.
  it.each<[string, Init, number]>([
    ['xavierUniform', init.xavierUniform(), Math.sqrt(6 / 500)],
    ['kaimingUniform', init.kaimingUniform(), Math.sqrt(6 / 200)],
    ['kaimingUniform of the fan out', init.kaimingUniform({ fan: 'out' }), Math.sqrt(6 / 300)],
  ])('%s', (_, initializer, bound) => {
    const [values] = first([initializer]);
    const most = values.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
    expect(most).toBeLessThanOrEqual(Math.fround(bound) * (1 + 1e-7));
    expect(most).toBeGreaterThan(0.999 * bound);
  });
});

describe('an embedding', () => {
  it('begins with rows of variance 1, whatever its count and width', () => {
    const model = nn.embedding(500, 40);
    const step = trainStep({
      model,
      batch: { x: f32(1) },
      loss: (m, { x }) => (m.parts.weight as ReturnType<typeof nn.parameter>).sum().mul(x.sum()),
      optimizer: optim.sgd(),
    });
    const { mean, std } = moments(Array.from(step.interpret().read('weight')));
    expect(Math.abs(mean)).toBeLessThan(0.04);
    expect(Math.abs(std - 1)).toBeLessThan(0.03);
  });
});

describe('the expected loss', () => {
  it('is that of a uniform guess', () => {
    expect(init.expectedLoss(27)).toBeCloseTo(3.2958, 4);
    const probabilities = Array(27).fill(1 / 27);
    expect(init.expectedLoss(27)).toBeCloseTo(
      -probabilities.reduce((sum, p) => sum + p * Math.log(p), 0),
      12,
    );
    expect(init.expectedLoss(1)).toBe(0);
  });
});

describe('an initializer', () => {
  it.each<[string, () => unknown]>([
    ['init.constant must be a number, got NaN', () => init.constant(Number.NaN)],
    ['init.uniform: low must not be above high, got 1 and -1', () => init.uniform(1, -1)],
    [
      'init.uniform: high must be a finite number, got Infinity',
      () => init.uniform(0, Number.POSITIVE_INFINITY),
    ],
    ['init.normal: std must be 0 or more, got -1', () => init.normal(0, -1)],
    ['init.normal: mean must be a finite number, got NaN', () => init.normal(Number.NaN)],
    ["init: fan must be 'in' or 'out', got \"both\"", () => init.kaimingNormal({ fan: 'both' as 'in' })],
    [
      'init.gain: expected one of linear, sigmoid, tanh, relu, leaky_relu, got "swish"',
      () => init.kaimingUniform({ nonlinearity: 'swish' as 'tanh' }),
    ],
    ['init.gain: slope must be a finite number, got NaN', () => init.gain('leaky_relu', Number.NaN)],
    ['init.xavierNormal: gain must be 0 or more, got -2', () => init.xavierNormal(-2)],
    ['init.xavierUniform: gain must be 0 or more, got NaN', () => init.xavierUniform(Number.NaN)],
    ['init.expectedLoss: classes: expected a whole number from 1, got 0', () => init.expectedLoss(0)],
  ])('refuses what makes no sense: %s', (message, make) => {
    expect(make).toThrow(expect.objectContaining({ message, name: 'OptionError' }));
  });
});

it('an initializer that is called in place of being given is named', () => {
  expect(() => (init.zeros as unknown as () => unknown)()).toThrow(/init\.zeros, not init\.zeros\(\)/);
});

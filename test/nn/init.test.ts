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

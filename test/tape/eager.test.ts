import { describe, expect, it } from 'vitest';
import {
  concat,
  crossEntropy,
  type Eager,
  gradients,
  matmul,
  meanSquaredError,
  oneHot,
  scan,
  stack,
  type Tensor,
  tensor,
  where,
} from '../../src/index.js';

// Tensors that are computed with outside of a trace: those of float64 stay so, and those of float32 are what they were.

const wide = (values: Parameters<typeof tensor>[0], requiresGrad = false) =>
  tensor(values, { precision: 'float64', requiresGrad });

describe('tensors of float64', () => {
  it.each<[string, (x: Eager) => Tensor, (x: number) => number]>([
    ['mul by a number', (x) => x.mul(2.1), (x) => x * 2.1],
    ['a chain', (x) => x.add(0.1).exp().log().sub(0.3).div(7), (x) => (x + 0.1 - 0.3) / 7],
    ['square root', (x) => x.sqrt(), Math.sqrt],
    ['mean', (x) => x.mean(), (x) => x],
    ['pow', (x) => x.pow(1 / 3), (x) => x ** (1 / 3)],
    ['where with a number', (x) => where(x.greater(0), x, 0.1), (x) => x],
    ['where that takes the number', (x) => where(x.less(0), x, 0.1), () => 0.1],
    ['matmul', (x) => matmul(x.reshape([1, 1]), wide([[3]])), (x) => 3 * x],
    ['beside float32', (x) => x.mul(tensor([0.5])), (x) => x / 2],
    [
      'stack and concat',
      (x) =>
        concat([stack([x, x]).reshape([2]), x], 0)
          .sum()
          .div(3),
      (x) => x,
    ],
    ['a cast of whole numbers', (x) => x.mul(tensor([3], { dtype: 'i32' }).cast('f32')), (x) => 3 * x],
    [
      'scan',
      (x) => scan((c: Tensor) => ({ carry: c.mul(1.1), outputs: [] }), { carry: x, length: 2 }).carry,
      (x) => x * 1.21,
    ],
  ])('%s', (_, f, expected) => {
    const x = 1 / 3;
    const made = f(wide([x])) as Eager;
    expect(made.data).toBeInstanceOf(Float64Array);
    expect(made.data[0]).toBeCloseTo(expected(x), 14);
  });

  it('give losses and gradients in float64', () => {
    const x = wide([[1 / 3, 2 / 3, -1 / 7]], true);
    const loss = crossEntropy(x.mul(1.3), tensor([1], { dtype: 'i32' }), { labelSmoothing: 0.1 });
    loss.backward();
    expect(x.grad!.data).toBeInstanceOf(Float64Array);
    const at = (i: number, h: number) =>
      crossEntropy(
        wide([[...x.data].map((v, j) => (i === j ? v + h : v))]).mul(1.3),
        tensor([1], { dtype: 'i32' }),
        { labelSmoothing: 0.1 },
      ).item();
    x.grad!.data.forEach((g, i) => {
      expect(g).toBeCloseTo((at(i, 1e-5) - at(i, -1e-5)) / 2e-5, 9);
    });
    // The mean's cotangent is a number alone.
    const y = wide([1, 2, 3], true);
    y.mean().backward();
    expect([...y.grad!.data]).toEqual([1 / 3, 1 / 3, 1 / 3]);
    y.mean().backward();
    expect(y.grad!.data[0]).toBe(2 / 3);
  });
});

describe('tensors of float32', () => {
  it('are float32 with everything that is made of them, gradients too', () => {
    const x = tensor([1, 2, 3], { requiresGrad: true });
    const loss = meanSquaredError(x.mul(0.1), 0.7);
    expect(loss.data).toBeInstanceOf(Float32Array);
    expect(x.mul(0.1).data).toEqual(Float32Array.from([1, 2, 3], (v) => v * Math.fround(0.1)));
    loss.backward();
    expect(x.grad!.data).toBeInstanceOf(Float32Array);
    const [flow] = gradients(x.mean(), [x]);
    expect((flow as Eager).data).toEqual(Float32Array.of(1 / 3, 1 / 3, 1 / 3));
  });

  it('beside numbers and indices alone stay float32', () => {
    expect((oneHot(tensor([1], { dtype: 'i32' }), 2) as Eager).data).toBeInstanceOf(Float32Array);
    expect(tensor([2], { dtype: 'i32' }).cast('f32').mul(0.1).data).toEqual(
      Float32Array.of(2 * Math.fround(0.1)),
    );
    expect(tensor([0.1]).add(0).data).toEqual(Float32Array.of(0.1));
  });
});

import { describe, expect, it } from 'vitest';
import { uniform } from '../../bench/golden/hash.js';
import { sum, type Tensor } from '../../src/index.js';
import type { Elements } from '../../src/ops/op.js';
import { interpreter } from '../../src/ops/tensor.js';
import type { DType, Shape } from '../../src/shape.js';
import type { Eager, Precision } from '../../src/tape/tape.js';
import { onTape } from './run.js';

// Sums on the tape keep the precision of their numbers, however many there are.

function onNumbers(
  precision: Precision,
  data: ArrayLike<number>,
  shape: Shape,
  f: (x: Tensor) => Tensor,
  dtype: DType = 'f32',
): Elements {
  return onTape(precision, () => (f(interpreter().constant(data, shape, dtype)) as Eager).data);
}

const worst = (values: Elements, want: number) =>
  Array.from(values).reduce((most, x) => Math.max(most, Math.abs(x / want - 1)), 0);

const n = 3_000_000;

describe.each<[Precision, number]>([
  ['float32', 2 ** -23],
  ['float64', 1e-15],
])('in %s', (precision, most) => {
  const tenths = (precision === 'float64' ? new Float64Array(n) : new Float32Array(n)).fill(0.1);
  const [tenth] = tenths;

  it.each<[string, Shape, (x: Tensor) => Tensor, number]>([
    ['of all', [n], (x) => x.sum(), n],
    ['over the first axis', [n / 3, 3], (x) => x.sum(0), n / 3],
    ['over the last axis', [3, n / 3], (x) => x.sum(1), n / 3],
    ['over an axis in the middle', [2, n / 6, 3], (x) => x.sum(1), n / 6],
    ['over the axes at the ends', [n / 6, 2, 3], (x) => x.sum([0, 2]), n / 2],
    ['of a transposed operand', [n / 3, 3], (x) => x.transpose().sum(1), n / 3],
  ])('the sum of tenths %s is exact to the last place', (_, shape, f, terms) => {
    expect(worst(onNumbers(precision, tenths, shape, f), terms * tenth)).toBeLessThan(most);
  });

  it('Infinity and NaN come through', () => {
    const { POSITIVE_INFINITY: inf, NaN: nan } = Number;
    const columns = [
      [1, inf, 2],
      [inf, 1, -inf],
      [nan, 1, inf],
      [-inf, -inf, 5],
    ];
    const rows = columns.flat();
    const across = Float32Array.from(rows, (_, i) => columns[i % 4][Math.floor(i / 4)]);
    const want = [inf, nan, nan, -inf];
    expect(Array.from(onNumbers(precision, rows, [4, 3], (x) => sum(x, 1)))).toEqual(want);
    expect(Array.from(onNumbers(precision, across, [3, 4], (x) => sum(x, 0)))).toEqual(want);
  });

  it('integers add up modulo 2^32', () => {
    const values = Int32Array.from(uniform(100_000, 2 ** 31, 5));
    const want = Number(
      BigInt.asIntN(
        32,
        values.reduce((a, x) => a + BigInt(x), 0n),
      ),
    );
    const all = onNumbers(precision, values, [100_000], (x) => sum(x), 'i32');
    expect(Array.from(all)).toEqual([want]);
    const down = onNumbers(precision, values, [50_000, 2], (x) => sum(sum(x, 0)), 'i32');
    expect(Array.from(down)).toEqual([want]);
  });
});

import { describe, expect, it } from 'vitest';
import {
  add,
  broadcastTo,
  clamp,
  crossEntropy,
  gather,
  gelu,
  leakyRelu,
  logSoftmax,
  max,
  maximum,
  mean,
  meanSquaredError,
  minimum,
  nanmax,
  pick,
  pow,
  relu,
  reshape,
  scatterAdd,
  silu,
  softmax,
  softplus,
  sum,
  type Tensor,
  tensor,
  variance,
} from '../../src/index.js';
import type { Eager, Precision } from '../../src/tape/tape.js';
import { checkGradients, leaf, onTape } from './run.js';

const list = (x: Tensor) => Array.from((x as Eager).data);
const ids = (values: number[]) => tensor(values, { dtype: 'i32' });

/** The gradient of the sum of f(x). */
function slope(f: (x: Tensor) => Tensor, values: number[], shape = [values.length]): number[] {
  const x = leaf({ shape, dtype: 'f32' }, values);
  onTape('float64', () => (sum(f(x)) as Eager).backward());
  return list(x.grad!);
}

/** Logits of one row, and what softmax and log softmax are by pencil: all of it in terms of differences. */
const rows: number[][] = [
  [1, 2, 3],
  [1e4, 0, -1e4],
  [-1e4, -1e4, -1e4],
  [1e30, 1e30, 0],
  [-1e30, 0, 1],
  [1e30, -1e30, 5],
  [7],
  [0, 0, 0, 0, 0],
  [3e38, -3e38],
];

function byHand(row: number[]): { log: number[]; p: number[] } {
  const top = [...row].sort((a, b) => b - a)[0];
  const total = row.map((x) => Math.E ** (x - top)).reduce((a, b) => a + b);
  const log = row.map((x) => x - top - Math.log2(total) * Math.LN2);
  return { log, p: row.map((x) => Math.E ** (x - top) / total) };
}

describe.each<[Precision, number]>([
  ['float64', 1e-14],
  ['float32', 4e-7],
])('in %s', (precision, tolerance) => {
  const run = (f: (x: Tensor) => Tensor, row: number[]) =>
    onTape(precision, () => list(f(leaf({ shape: [1, row.length], dtype: 'f32' }, row, precision))));
  const near = (got: number[], want: number[]) => {
    expect(got).toHaveLength(want.length);
    got.forEach((value, i) => {
      const exact = precision === 'float32' ? Math.fround(want[i]) : want[i];
      if (value === exact) return; // Infinity, where the answer is beyond float32.
      expect(Math.abs(value - exact)).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(exact)));
    });
  };

  it.each(rows)('softmax is right for logits %d, %d, ...', (...row) =>
    near(run(softmax, row), byHand(row).p),
  );

  it.each(rows)('logSoftmax is right for logits %d, %d, ...', (...row) =>
    near(run(logSoftmax, row), byHand(row).log),
  );

  it.each(rows)('crossEntropy is right for logits %d, %d, ...', (...row) => {
    row.forEach((_, target) => {
      near(
        run((x) => crossEntropy(x, ids([target])), row),
        [-byHand(row).log[target]],
      );
    });
  });

  it.each(rows)('the gradient of crossEntropy is softmax minus one for logits %d, %d, ...', (...row) => {
    row.forEach((_, target) => {
      const x = leaf({ shape: [1, row.length], dtype: 'f32' }, row, precision);
      onTape(precision, () => (crossEntropy(x, ids([target])) as Eager).backward());
      near(
        list(x.grad!),
        byHand(row).p.map((p, i) => (i === target ? p - 1 : p)),
      );
    });
  });
});

describe('crossEntropy', () => {
  it('is the mean over the rows', () => {
    const logits = [
      [0.3, -1, 2],
      [1.5, 0.25, -0.75],
    ];
    const want = -(byHand(logits[0]).log[2] + byHand(logits[1]).log[0]) / 2;
    const got = crossEntropy(tensor(logits), ids([2, 0])) as Eager;
    expect(got.shape).toEqual([]);
    expect(got.item()).toBeCloseTo(want, 6);
  });

  it('takes targets of several axes', () => {
    const logits = leaf({ shape: [2, 1, 2], dtype: 'f32' }, [0, 1, 2, 0]);
    const targets = reshape(ids([1, 1]), [2, 1]);
    const got = onTape('float64', () => crossEntropy(logits, targets) as Eager);
    expect(got.item()).toBeCloseTo((Math.log(1 + Math.exp(-1)) + Math.log(1 + Math.exp(2))) / 2, 14);
  });
});

describe('softmax and its kin over other axes', () => {
  it('sum to one along the axis', () => {
    const x = tensor([
      [1, 5],
      [2, -3],
      [0, 0.5],
    ]);
    list(sum(softmax(x, 0), 0)).forEach((total) => {
      expect(total).toBeCloseTo(1, 6);
    });
    list(sum(softmax(x, 1), 1)).forEach((total) => {
      expect(total).toBeCloseTo(1, 6);
    });
    list(sum(logSoftmax(x, 0).exp(), 0)).forEach((total) => {
      expect(total).toBeCloseTo(1, 6);
    });
  });

  it.each<[string, (x: Tensor) => Tensor]>([
    ['softmax', (x) => softmax(x).square()],
    ['softmax over axis 0', (x) => softmax(x, 0).square()],
    ['logSoftmax', (x) => logSoftmax(x).square()],
    ['variance', (x) => variance(x, 1).square()],
    ['variance, unbiased', (x) => variance(x, [0, 1], { unbiased: true })],
    ['mean', (x) => mean(x, 0).square()],
    ['gelu', (x) => gelu(x)],
    ['leakyRelu', (x) => leakyRelu(x, 0.2)],
    ['pick', (x) => pick(x, ids([2, 0])).square()],
    [
      'meanSquaredError',
      (x) =>
        meanSquaredError(
          x,
          tensor([
            [0.5, -1, 2],
            [1, 0, -3],
          ]),
        ),
    ],
  ])('have gradients that agree with central differences: %s', (_, f) => {
    const x = leaf({ shape: [2, 3], dtype: 'f32' }, [0.3, -1.2, 0.7, 1.9, 0.1, -0.4]);
    const loss = (of: Tensor) => sum(f(of)) as Eager;
    onTape('float64', () => loss(x).backward());
    const value = ([of]: Eager[]) => onTape('float64', () => loss(of).item());
    expect(checkGradients([x], value, [x.grad!.data])).toEqual([]);
  });
});

describe('mean and variance', () => {
  const x = leaf({ shape: [2, 3], dtype: 'f32' }, [1, 2, 6, -1, 0, 4]);
  const on = (f: () => Tensor) => onTape('float64', f) as Eager;

  it('are what the definitions say', () => {
    expect(on(() => mean(x)).item()).toBeCloseTo(2, 14);
    expect(list(on(() => mean(x, 0)))).toEqual([0, 1, 5]);
    expect(on(() => mean(x, 1, { keepDims: true })).shape).toEqual([2, 1]);
    expect(list(on(() => variance(x, 1))).map((v) => v.toFixed(12))).toEqual([
      '4.666666666667',
      '4.666666666667',
    ]);
    expect(on(() => variance(x, undefined, { unbiased: true })).item()).toBeCloseTo(34 / 5, 14);
  });
});

describe('gelu', () => {
  it('is x times the normal distribution function, from a table', () => {
    const x = leaf({ shape: [5], dtype: 'f32' }, [0, 1, -1, 2, -3]);
    const table = [0, 0.841344746068543, -0.158655253931457, 1.95449973610364, -0.00404969409489031];
    list(onTape('float64', () => gelu(x))).forEach((value, i) => {
      expect(value).toBeCloseTo(table[i], 14);
    });
  });
});

describe('functions of numbers of any size', () => {
  const sizes = [0, 1, -1, 30, -30, 90, -90, 1000, -1000, 1e30, -1e30, 3e38, -3e38];
  const values = (f: (x: Tensor) => Tensor) =>
    list(onTape('float64', () => f(leaf({ shape: [13], dtype: 'f32' }, sizes))));

  it.each<[string, (x: Tensor) => Tensor]>([
    ['gelu', (x) => gelu(x)],
    ['gelu by tanh', (x) => gelu(x, { approximate: 'tanh' })],
    ['silu', silu],
  ])('the slope of %s is 1 for large numbers and 0 for small ones, though their powers overflow', (_, f) => {
    const large = [1e3, 1e8, 3e13, 1e15, 1e19, 1e25, 3e38];
    const x = leaf({ shape: [14], dtype: 'f32' }, [...large, ...large.map((x) => -x)]);
    onTape('float32', () => sum(f(x)) as Eager).backward();
    expect(list(x.grad!).map((slope) => slope + 0)).toEqual([...large.map(() => 1), ...large.map(() => 0)]);
  });

  it('softplus is between relu and relu + log 2, and its slope the sigmoid', () => {
    values(softplus).forEach((y, i) => {
      expect(y).toBeGreaterThanOrEqual(Math.max(sizes[i], 0));
      expect(y - Math.max(sizes[i], 0)).toBeLessThanOrEqual(Math.LN2);
    });
    expect(slope(softplus, sizes)).toEqual(values((x) => x.sigmoid()));
  });

  it('silu is near x or 0, and so are its slopes to 1 or 0', () => {
    values(silu).forEach((y, i) => {
      expect(Math.abs(y - Math.max(sizes[i], 0))).toBeLessThan(0.28);
    });
    slope(silu, sizes).forEach((d, i) => {
      expect(Math.abs(d - Number(sizes[i] > 0))).toBeLessThanOrEqual(0.5);
    });
  });

  it('clamp lets whole numbers be, and numbers without a bound on their side', () => {
    expect(list(ids([-3, 0, 9]).clamp(-1, 5))).toEqual([-1, 0, 5]);
    expect(list(ids([-3, 0, 9]).clamp(null, 5))).toEqual([-3, 0, 5]);
    expect((ids([1]).clamp(0) as Eager).dtype).toBe('i32');
    expect(list(tensor([-5, 1e38]).clamp(0))).toEqual([0, Math.fround(1e38)]);
    expect(list(clamp(4, 0, tensor([1, 2])))).toEqual([1, 2]);
    expect(list(ids([-3, 0, 9]).sign())).toEqual([-1, 0, 1]);
  });

  it('pow takes a number on either side', () => {
    expect(list(pow(2, tensor([3, -1])))).toEqual([8, 0.5]);
    expect(list(tensor([3, -2]).pow(4))).toEqual([81, 16]);
  });
});

describe('gradients at kinks and ties', () => {
  it('relu has gradient 0 at 0 and below, 1 above', () => {
    expect(slope(relu, [-1, -0, 0, 1e-300, 2])).toEqual([0, 0, 0, 1, 1]);
  });

  it('leakyRelu has its slope at 0 and below', () => {
    expect(slope((x) => leakyRelu(x, 0.25), [-1, 0, 1])).toEqual([0.25, 0.25, 1]);
  });

  it('abs has gradient 0 at 0', () => {
    expect(slope((x) => x.abs(), [-2, 0, 3])).toEqual([-1, 0, 1]);
  });

  it('max gives each of several winners the same share', () => {
    expect(slope((x) => max(x), [1, 3, 3, 2, 3, 3])).toEqual([0, 0.25, 0.25, 0, 0.25, 0.25]);
    expect(slope((x) => max(x, 1), [1, 2, 2, 5, 4, 3], [2, 3])).toEqual([0, 0.5, 0.5, 1, 0, 0]);
  });

  it('maximum and minimum give half to each side of a tie', () => {
    const other = leaf({ shape: [3], dtype: 'f32' }, [1, 2, 3]);
    expect(slope((x) => maximum(x, other), [2, 2, 2])).toEqual([1, 0.5, 0]);
    expect(slope((x) => minimum(x, other), [2, 2, 2])).toEqual([0, 0.5, 1]);
  });
});

describe('NaN', () => {
  it('goes through relu, max and maximum instead of being lost', () => {
    const x = tensor([1, Number.NaN, -1]);
    expect(list(relu(x))[1]).toBeNaN();
    expect(list(max(x))[0]).toBeNaN();
    expect(list(nanmax(x))).toEqual([1]);
    expect(list(nanmax(tensor([Number.NaN])))).toEqual([Number.NEGATIVE_INFINITY]);
    expect(list(softmax(x)).every(Number.isNaN)).toBe(true);
    expect(list(maximum(x, 0))[1]).toBeNaN();
    expect(list(minimum(0, x))[1]).toBeNaN();
  });
});

describe('ids that repeat', () => {
  it('read a row twice and add into it twice', () => {
    const table = tensor([
      [1, 2],
      [10, 20],
      [100, 200],
    ]);
    expect(list(gather(table, ids([2, 0, 2])))).toEqual([100, 200, 1, 2, 100, 200]);
    const updates = tensor([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    expect(list(scatterAdd(table, ids([2, 0, 2]), updates))).toEqual([4, 6, 10, 20, 106, 208]);
  });

  it('bring the sum of their cotangents to the row', () => {
    const table = leaf({ shape: [3, 1], dtype: 'f32' }, [1, 2, 3]);
    const weights = leaf({ shape: [4, 1], dtype: 'f32' }, [1, 10, 100, 1000]);
    onTape('float64', () => (sum(gather(table, ids([1, 1, 0, 1])).mul(weights)) as Eager).backward());
    expect(list(table.grad!)).toEqual([100, 1011, 0]);
  });
});

describe('a number beside a tensor', () => {
  it('takes the dtype of the tensor, on either side', () => {
    expect((ids([1, 2]).add(3) as Eager).dtype).toBe('i32');
    expect(list(add(3, ids([1, 2])))).toEqual([4, 5]);
    expect((add(1, 2) as Eager).dtype).toBe('f32');
  });
});

describe('reshape', () => {
  it('works out a size of -1', () => {
    expect(reshape(broadcastTo(tensor(1), [4, 6]), [3, -1]).shape).toEqual([3, 8]);
  });
});

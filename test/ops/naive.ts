import type { Attrs } from '../../src/ops/op.js';
import type { DType } from '../../src/shape.js';
import { type Array_, build, type Index, type Result, read } from './arrays.js';
import { windowRules } from './naive-windows.js';

/** What every op means, written down once more, element by element and without regard to speed. */

/** NumPy's rule, said backwards: an axis is as long as the longest, and the others are as long or 1. */
function together(...shapes: number[][]): number[] {
  const rank = Math.max(...shapes.map((s) => s.length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map((s) => s[axis - rank + s.length] ?? 1);
    return sizes.find((size) => size !== 1) ?? 1;
  });
}

const elementwise =
  (f: (...values: number[]) => number) =>
  (...inputs: Array_[]): Result =>
    build(together(...inputs.map((x) => x.shape)), (at) => f(...inputs.map((x) => read(x, at))));

/** Integers wrap around at 32 bits. */
const wrapping = (f: (...values: bigint[]) => bigint) =>
  elementwise((...values) => Number(BigInt.asIntN(32, f(...values.map(BigInt)))));

const numeric =
  (float: (...values: number[]) => number, integer: (...values: bigint[]) => bigint) =>
  (...inputs: Array_[]): Result =>
    (inputs[0].dtype === 'i32' ? wrapping(integer) : elementwise(float))(...inputs);

/** Philox-2x32-10 as the paper's figure 2 has it, in integers of any size: the upper 24 bits of the first word. */
function philox2(counter: number, step: number, key: number): number {
  const word = (x: number | bigint) => BigInt.asUintN(32, BigInt(x));
  let [left, right, k] = [counter, step, key].map(word);
  for (let round = 0; round < 10; round++) {
    const product = 0xd256d193n * left;
    [left, right] = [(product >> 32n) ^ k ^ right, word(product)];
    k = word(k + 0x9e3779b9n);
  }
  return Number(left >> 8n) / 2 ** 24;
}

const truth = (f: (a: number, b: number) => boolean) => elementwise((a, b) => Number(f(a, b)));

/** The integral of the definition, by Simpson's rule. */
function erf(x: number): number {
  const n = 2000;
  const h = x / n;
  let sum = 1 + Math.exp(-x * x);
  for (let i = 1; i < n; i++) sum += (i % 2 ? 4 : 2) * Math.exp(-((i * h) ** 2));
  return (2 / Math.sqrt(Math.PI)) * (h / 3) * sum;
}

/** The even one of two that are as near. */
function nearest(x: number): number {
  const below = Math.floor(x);
  const [down, up] = [x - below, below + 1 - x];
  if (down !== up) return down < up ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

function reduce(x: Array_, axes: readonly number[], fold: (values: number[]) => number): Result {
  const shape = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const along = x.shape.map((size, axis) => (axes.includes(axis) ? size : 1));
  return build(shape, (at) =>
    fold(
      build(along, (by) =>
        read(
          x,
          at.map((i, axis) => i + by[axis]),
        ),
      ).data,
    ),
  );
}

function matmul(a: Array_, b: Array_, transposeA: boolean, transposeB: boolean): Result {
  const swapped = (x: Array_): Result =>
    build([...x.shape.slice(0, -2), x.shape.at(-1)!, x.shape.at(-2)!], (at) =>
      read(x, [...at.slice(0, -2), at.at(-1)!, at.at(-2)!]),
    );
  const left = transposeA ? swapped(a) : a;
  const right = transposeB ? swapped(b) : b;
  const batch = together(left.shape.slice(0, -2), right.shape.slice(0, -2));
  return build([...batch, left.shape.at(-2)!, right.shape.at(-1)!], (at) => {
    const [outer, i, j] = [at.slice(0, -2), at.at(-2)!, at.at(-1)!];
    let sum = 0;
    for (let p = 0; p < left.shape.at(-1)!; p++) {
      // A matrix whose own rows or columns are of size 1 reads as broadcast, which is the same element.
      sum += read(left, [...outer, i, p]) * read(right, [...outer, p, j]);
    }
    return sum;
  });
}

function scatterAdd(base: Array_, ids: Array_, updates: Array_): Result {
  const data = Array.from(base.data);
  const width = base.shape.slice(1).reduce((n, size) => n * size, 1);
  for (let i = 0; i < updates.data.length; i++) {
    data[ids.data[Math.floor(i / width)] * width + (i % width)] += updates.data[i];
  }
  return { shape: base.shape, data };
}

function sumRepeats(ids: Array_, updates: Array_): Result {
  const list = Array.from(ids.data);
  const width = updates.shape.slice(ids.shape.length).reduce((n, size) => n * size, 1);
  const data = Array.from(updates.data, (_, at) => {
    const [i, j] = [Math.floor(at / width), at % width];
    const same = list.flatMap((id, k) => (id === list[i] ? [k] : []));
    return same[0] === i ? same.reduce((sum, k) => sum + updates.data[k * width + j], 0) : 0;
  });
  return { shape: updates.shape, data };
}

function concat(inputs: Array_[], axis: number): Result {
  const shape = inputs[0].shape.map((size, i) =>
    i === axis ? inputs.reduce((n, x) => n + x.shape[axis], 0) : size,
  );
  return build(shape, (at) => {
    let i = at[axis];
    for (const x of inputs) {
      if (i < x.shape[axis]) return read(x, at.with(axis, i));
      i -= x.shape[axis];
    }
    throw new Error('unreachable');
  });
}

type Rule = (inputs: Array_[], attrs: Record<string, never>) => Result | Result[];
const of =
  (f: (...inputs: Array_[]) => Result): Rule =>
  (inputs) =>
    f(...inputs);
const same = of(elementwise((x) => x));
const bigMax = (a: bigint, b: bigint) => (a > b ? a : b);
const bigMin = (a: bigint, b: bigint) => (a < b ? a : b);

const rules: Record<string, Rule> = {
  neg: of(
    numeric(
      (x) => -x,
      (x) => -x,
    ),
  ),
  exp: of(elementwise((x) => Math.E ** Math.trunc(x) * Math.exp(x - Math.trunc(x)))),
  log: of(elementwise((x) => Math.log2(x) * Math.LN2)),
  sqrt: of(elementwise((x) => x ** 0.5)),
  rsqrt: of(elementwise((x) => x ** -0.5)),
  tanh: of(elementwise((x) => Math.sinh(x) / Math.cosh(x))),
  gelu: of(elementwise((x) => (x / 2) * (1 + erf(x / Math.SQRT2)))),
  gelu_tanh: of(
    elementwise((x) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))),
  ),
  silu: of(elementwise((x) => x * 0.5 * (1 + Math.sinh(x / 2) / Math.cosh(x / 2)))),
  sigmoid: of(elementwise((x) => 0.5 * (1 + Math.sinh(x / 2) / Math.cosh(x / 2)))),
  relu: of(elementwise((x) => (x > 0 ? x : 0))),
  abs: of(
    numeric(
      (x) => (x < 0 ? -x : x),
      (x) => (x < 0n ? -x : x),
    ),
  ),
  erf: of(elementwise(erf)),
  expm1: of(elementwise((x) => Math.exp(x) - 1)),
  log1p: of(elementwise((x) => Math.log(1 + x))),
  softplus: of(elementwise((x) => Math.log(1 + Math.exp(x)))),
  floor: of(elementwise((x) => (Math.trunc(x) > x ? Math.trunc(x) - 1 : Math.trunc(x)))),
  ceil: of(elementwise((x) => (Math.trunc(x) < x ? Math.trunc(x) + 1 : Math.trunc(x)))),
  round: of(elementwise(nearest)),
  sign: of(elementwise((x) => (x === 0 ? 0 : x / Math.abs(x)))),
  clamp: of(elementwise((x, low, high) => [x, low, high].sort((a, b) => a - b)[1])),
  pow: of(elementwise((x, y) => Math.exp(y * Math.log(x)))),
  sin: of(elementwise((x) => Math.cos(x - Math.PI / 2))),
  cos: of(elementwise((x) => 1 - 2 * Math.sin(x / 2) ** 2)),
  contiguous: same,
  stop_gradient: same,
  index: same,

  add: of(
    numeric(
      (a, b) => a + b,
      (a, b) => a + b,
    ),
  ),
  sub: of(
    numeric(
      (a, b) => a - b,
      (a, b) => a - b,
    ),
  ),
  mul: of(
    numeric(
      (a, b) => a * b,
      (a, b) => a * b,
    ),
  ),
  div: of(elementwise((a, b) => a * (1 / b))),
  maximum: of(numeric((a, b) => (a > b ? a : b), bigMax)),
  minimum: of(numeric((a, b) => (a < b ? a : b), bigMin)),
  equal: of(truth((a, b) => a === b)),
  not_equal: of(truth((a, b) => a !== b)),
  less: of(truth((a, b) => a < b)),
  less_equal: of(truth((a, b) => a <= b)),
  greater: of(truth((a, b) => a > b)),
  greater_equal: of(truth((a, b) => a >= b)),
  where: of(elementwise((c, a, b) => (c === 1 ? a : b))),
  cast: ([x], { to }: { to?: DType }) =>
    elementwise((v) => {
      if (to === 'bool') return v === 0 ? 0 : 1;
      if (to === 'f32' || x.dtype !== 'f32') return v;
      if (v >= 2 ** 31) return 2 ** 31 - 1;
      return v <= -(2 ** 31) ? -(2 ** 31) : v < 0 ? Math.ceil(v) : Math.floor(v);
    })(x),

  sum: ([x], { axes }) =>
    reduce(x, axes, (values) => {
      const sum = values.reduce((a, b) => a + b, 0);
      return x.dtype === 'i32' ? Number(BigInt.asIntN(32, BigInt(sum))) : sum;
    }),
  max: ([x], { axes }) => reduce(x, axes, (values) => [...values].sort((a, b) => b - a)[0]),
  nanmax: ([x], { axes }) => reduce(x, axes, (values) => [...values].sort((a, b) => b - a)[0]),

  max_with_index: ([x], { axis }) => {
    const order = (values: number[]) =>
      values.map((value, i) => ({ value, i })).sort((a, b) => b.value - a.value || a.i - b.i)[0];
    return [
      reduce(x, [axis], (values) => order(values).value),
      reduce(x, [axis], (values) => order(values).i),
    ];
  },

  top_k: ([x], { axis, k }) => {
    const [along, many] = [axis as number, k as number];
    const shape = x.shape.map((n, i) => (i === along ? many : n));
    const line = (at: number[]) =>
      Array.from({ length: x.shape[along] }, (_, i) => ({ i, value: read(x, at.with(along, i)) }));
    const nth = (at: number[]) => line(at).sort((a, b) => b.value - a.value || a.i - b.i)[at[along]];
    return [build(shape, (at) => nth(at).value), build(shape, (at) => nth(at).i)];
  },

  reshape: ([x], { shape }) => ({ shape, data: Array.from(x.data) }),
  transpose: ([x], { perm }: { perm?: number[] }) =>
    build(
      perm!.map((axis) => x.shape[axis]),
      (at) =>
        read(
          x,
          x.shape.map((_, axis) => at[perm!.indexOf(axis)]),
        ),
    ),
  broadcast: ([x], { shape }) => build(shape, (at) => read(x, at)),
  slice: ([x], { starts, sizes }: { starts?: number[]; sizes?: number[] }) =>
    build(sizes!, (at) =>
      read(
        x,
        at.map((i, axis) => i + starts![axis]),
      ),
    ),
  pad: ([x], { before, after }: { before?: number[]; after?: number[] }) =>
    build(
      x.shape.map((size, axis) => before![axis] + size + after![axis]),
      (at) => {
        const inner = at.map((i, axis) => i - before![axis]);
        return inner.every((i, axis) => i >= 0 && i < x.shape[axis]) ? read(x, inner) : 0;
      },
    ),
  concat: (inputs, { axis }) => concat(inputs, axis),
  scan: ([first, count, x, s], { length, reverse }: { length?: number; reverse?: boolean }) => {
    const stacked = (of: (t: number) => ArrayLike<number>, inner: number[]) =>
      build([length!, ...inner], ([t, i = 0]) => of(t)[i]);
    // What each step found, from the one that runs first.
    const found = [Array.from(first.data)];
    const time = (k: number) => (reverse ? length! - 1 - k : k);
    const row = (t: number) => Array.from(x.data).slice(3 * t, 3 * t + 3);
    for (let k = 0; k < length!; k++)
      found.push(found[k].map((c, i) => Math.tanh(c * s.data[0]) + row(time(k))[i]));
    return [
      { shape: [3], data: found[length!] },
      { shape: [], data: [count.data[0] + length!] },
      stacked((t) => row(t).map((v, i) => v * found[time(t)][i]), [3]),
      stacked((t) => found[time(t)], [3]),
      stacked((t) => [count.data[0] + time(t)], []),
    ];
  },
  split: ([x], { axis, sizes }: { axis?: number; sizes?: number[] }) =>
    sizes!.map((size, k) => {
      const before = sizes!.slice(0, k).reduce((a, b) => a + b, 0);
      return build(x.shape.with(axis!, size), (at) => read(x, at.with(axis!, at[axis!] + before)));
    }),

  random: of(elementwise(philox2)),
  iota: (_, { size }) => build([size], ([i]) => i),
  gather: ([table, ids]) => {
    const rank = ids.shape.length;
    const width = table.shape.slice(1);
    const row = (at: Index) => read(ids, at.slice(0, rank));
    return build([...ids.shape, ...width], (at) => read(table, [row(at), ...at.slice(rank)]));
  },
  scatter_add: of(scatterAdd),
  sum_repeats: of(sumRepeats),
  ...(windowRules as unknown as Record<string, Rule>),
  matmul: ([a, b], { transposeA, transposeB }) => matmul(a, b, transposeA, transposeB),
};

/** What an op should make of its inputs. */
export function naive(name: string, inputs: Array_[], attrs: Attrs): Result | Result[] {
  const rule = rules[name];
  if (!rule) throw new Error(`test/ops/naive.ts does not say what ${name} means`);
  return rule(inputs, attrs as Record<string, never>);
}

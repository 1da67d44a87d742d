import { describe, expect, it } from 'vitest';
import { uniform } from '../../bench/golden/hash.js';
import { evaluateGraph } from '../../src/graph/evaluate.js';
import { compileFunction, f32, i32, type Tensor, trace } from '../../src/index.js';
import { nanmax } from '../../src/ops/reduce.js';
import { numel, type TensorType } from '../../src/shape.js';

// Long sums against float64: their error is that of a block, whatever their length, axes and layout.

type Given = Record<string, Tensor>;
type Numbers = Record<string, Float32Array | Int32Array>;

async function compiled(
  types: Record<string, TensorType>,
  f: (given: Given) => Record<string, Tensor>,
  data: Numbers,
) {
  const graph = trace('sums', types, f);
  const bits: Record<string, ArrayLike<number>>[] = [];
  let text = '';
  for (const threads of [1, 3]) {
    const made = await compileFunction(graph, { threads, threadShare: 0 });
    bits.push(made.call(data));
    text = await made.module.text('assemblyscript');
    await made.close();
  }
  expect(bits[1]).toEqual(bits[0]);
  return { out: bits[0], text, exact: () => evaluateGraph(graph, data, {}, 'float64').outputs };
}

const worst = (values: ArrayLike<number>, want: number) =>
  Array.from(values).reduce((most, x) => Math.max(most, Math.abs(x / want - 1)), 0);

const TEN_MILLION = 10_000_000;
const tenths = (n: number) => new Float32Array(n).fill(0.1);

describe('the mean of ten million tenths is a tenth', () => {
  it('of a whole tensor', async () => {
    const { out } = await compiled(
      { x: f32(TEN_MILLION) },
      ({ x }) => ({ mean: x.mean(), first: x.mean(0), norm: x.square().mean().sqrt() }),
      { x: tenths(TEN_MILLION) },
    );
    for (const values of Object.values(out)) expect(worst(values, 0.1)).toBeLessThan(1e-6);
  });

  it('over the first axis, over all, and with a broadcast operand inside', async () => {
    const { out } = await compiled(
      { x: f32(TEN_MILLION, 3), y: f32(3) },
      ({ x, y }) => ({ first: x.mean(0), all: x.mean(), product: x.mul(y).mean(), rows: x.mul(y).mean(0) }),
      { x: tenths(3 * TEN_MILLION), y: new Float32Array(3).fill(1) },
    );
    for (const values of Object.values(out)) expect(worst(values, 0.1)).toBeLessThan(1e-6);
  });

  it('over axes in the middle and at both ends, of transposed and of sliced operands', async () => {
    const [a, b, c] = [2, 100_000, 25];
    const { out } = await compiled(
      { x: f32(a, b, c) },
      ({ x }) => ({
        middle: x.mean(1),
        ends: x.transpose([1, 0, 2]).mean([0, 2]),
        inner: x.mean([1, 2]),
        outer: x.mean([0, 1]),
        transposed: x.transpose([2, 0, 1]).mean(2),
        whole: x.transpose([2, 1, 0]).mean(),
        sliced: x.slice([0, 3, 1], [2, 99_990, 17]).mean(),
        column: x.slice([1, 0, 7], [1, b, 1]).mean(),
      }),
      { x: tenths(a * b * c) },
    );
    for (const [name, values] of Object.entries(out)) expect(worst(values, 0.1), name).toBeLessThan(1e-6);
  });
});

it('equal terms, whatever they are, add up to within a millionth', async () => {
  const n = 100_003;
  const terms = Float32Array.from({ length: 40 }, (_, i) => 1 + i / 40);
  const { out } = await compiled(
    { x: f32(40, n), y: f32(n, 40) },
    ({ x, y }) => ({ rows: x.sum(1), columns: y.sum(0) }),
    {
      x: Float32Array.from({ length: 40 * n }, (_, i) => terms[Math.floor(i / n)]),
      y: Float32Array.from({ length: 40 * n }, (_, i) => terms[i % 40]),
    },
  );
  for (const values of Object.values(out))
    terms.forEach((x, i) => {
      expect(worst([values[i]], n * x)).toBeLessThan(6e-7);
    });
});

it('the error of a sum that cancels stays in proportion to its terms', async () => {
  const n = 1_000_000;
  // Drifts far away, and comes back in steps of another size.
  const x = uniform(n, 1e-3, 3).map((v, i) => v + (i < n / 2 ? 0.1 : i % 32 < 16 ? -0.2 : 0));
  const mass = x.reduce((sum, v) => sum + Math.abs(v), 0);
  const { out, exact } = await compiled(
    { x: f32(n) },
    ({ x }) => ({ row: x.sum(), column: x.reshape([n / 4, 4]).sum(0), both: x.reshape([n / 4, 4]).sum() }),
    { x },
  );
  const want = exact();
  for (const [name, values] of Object.entries(out))
    Array.from(values).forEach((v, i) => {
      expect(Math.abs(v - want[name].data[i]), name).toBeLessThan(4 * 2 ** -24 * mass);
    });
});

const LENGTHS = [0, 1, 2, 3, 4, 5, 15, 16, 17, 31, 32, 33, 511, 512, 513, 1023, 1024, 1025, 1040, 4095, 4097];

it('sums and maxima of lengths around vectors, steps and blocks', async () => {
  const types: Record<string, TensorType> = Object.fromEntries(
    LENGTHS.flatMap((n) => [
      [`row${n}`, f32(3, n)],
      [`column${n}`, f32(n, 5)],
      [`twice${n}`, f32(2, 3, n)],
      [`whole${n}`, i32(n)],
    ]),
  );
  const data = Object.fromEntries(
    Object.entries(types).map(([name, { shape, dtype }], i) => {
      const values = uniform(numel(shape), dtype === 'i32' ? 2 ** 31 : 1, i);
      return [name, dtype === 'i32' ? Int32Array.from(values) : values];
    }),
  );
  const { out, exact } = await compiled(
    types,
    (given) =>
      Object.fromEntries(
        LENGTHS.flatMap((n) => {
          const [row, column] = [given[`row${n}`], given[`column${n}`]];
          return [
            [`row${n}`, row.sum(1)],
            [`column${n}`, column.sum(0)],
            [`whole${n}`, given[`whole${n}`].sum()],
            [`twice${n}`, given[`twice${n}`].transpose([1, 0, 2]).sum([1, 2])],
            ...(n > 0 ? [[`most${n}`, row.max(1).add(nanmax(row, 1))] as const] : []),
            ...(n > 0 ? [[`mixed${n}`, row.sub(row.max()).exp().sum(1)] as const] : []),
          ];
        }),
      ),
    data,
  );
  for (const [name, { data: want }] of Object.entries(exact())) {
    const terms = Number(name.match(/\d+/)![0]);
    Array.from(want).forEach((x, i) => {
      if (name.startsWith('whole')) expect(out[name][i], name).toBe(x);
      else expect(Math.abs(out[name][i] - x), name).toBeLessThanOrEqual(2e-6 + 3e-7 * terms);
    });
  }
});

it('Infinity and NaN come through long sums as they are', async () => {
  const n = 5000;
  const ones = (...at: [place: number, value: number][]) => {
    const x = new Float32Array(n).fill(1);
    for (const [place, value] of at) x[place] = value;
    return x;
  };
  const { POSITIVE_INFINITY: inf, NaN: nan } = Number;
  const rows = [
    ones([3000, inf]),
    ones([0, -inf], [4999, -inf]),
    ones([10, inf], [4000, -inf]),
    ones([4999, nan]),
    ones([100, nan], [200, inf]),
    new Float32Array(n).fill(1e38),
    ones([5, 3e38], [600, -3e38]),
  ];
  const x = Float32Array.from(rows.flatMap((row) => [...row]));
  const { out } = await compiled(
    { x: f32(rows.length, n) },
    ({ x }) => ({ row: x.sum(1), column: x.transpose().sum(0) }),
    { x },
  );
  const { out: lanes } = await compiled({ x: f32(n, 7) }, ({ x }) => ({ sum: x.sum(0) }), {
    x: x.map((_, i) => rows[i % 7][Math.floor(i / 7)]),
  });
  for (const values of [out.row, out.column, lanes.sum]) {
    expect(Array.from(values).slice(0, 6)).toEqual([inf, -inf, nan, nan, nan, inf]);
    expect(Number.isFinite(values[6])).toBe(true);
  }
});

describe('a product over a long k', () => {
  it.each([
    [1, 1, 1_000_000],
    [3, 5, 100_000],
    [64, 100, 17_964],
    [70, 33, 9_001],
  ])('of [%i, k] and [k, %i] with k = %i has the error of a block', async (m, n, k) => {
    for (const [a, b] of [
      [uniform(m * k, 0.5, 1).map((x) => x + 0.5), uniform(k * n, 0.5, 2).map((x) => x + 0.5)],
      [tenths(m * k), tenths(k * n)],
    ]) {
      const { out, exact } = await compiled(
        { a: f32(m, k), b: f32(k, n) },
        ({ a, b }) => ({ c: a.matmul(b) }),
        { a, b },
      );
      const off = Array.from(exact().c.data, (x, i) => Math.abs(out.c[i] / x - 1));
      expect(off.reduce((x, y) => Math.max(x, y))).toBeLessThan(1e-6);
    }
  });
});

it('a long sum runs in blocks of steps, a short one in a plain loop', async () => {
  const x = uniform(2000, 1, 1);
  const long = await compiled({ x: f32(2000) }, ({ x }) => ({ y: x.sum() }), { x });
  const lines = (text: string, from: string, to: string) =>
    text
      .slice(text.indexOf(from), text.indexOf(to, text.indexOf(from)) + to.length)
      .split('\n')
      .map((line) => line.trim())
      .join('\n')
      .replace(/INPUT_0_0|input_0_0/g, 'x');
  const loop = lines(long.text, 'let sum0_0 =', 'sumLanes(f32x4.add(sum0_0_total, sum0_0_lost));');
  expect(loop).toBe(`let sum0_0 = f32x4.splat(0);
let sum0_1 = f32x4.splat(0);
let sum0_2 = f32x4.splat(0);
let sum0_3 = f32x4.splat(0);
let sum0_0_total = f32x4.splat(0);
let sum0_0_lost = f32x4.splat(0);
for (let from: usize = 0; from < 8000; from += 2048) {
{
const block = f32x4.add(f32x4.add(f32x4.add(sum0_0, sum0_1), f32x4.add(sum0_2, sum0_3)), sum0_0_lost);
const total = f32x4.add(sum0_0_total, block);
sum0_0_lost = lostIn(sum0_0_total, block, total);
sum0_0_total = total;
}
sum0_0 = f32x4.splat(0);
sum0_1 = f32x4.splat(0);
sum0_2 = f32x4.splat(0);
sum0_3 = f32x4.splat(0);
const until = min<usize>(from + 2048, 8000);
for (let j: usize = from; j < until; j += 64) {
const x_1 = v128.load(x + j);
sum0_0 = f32x4.add(sum0_0, x_1);
const x_2 = v128.load(x + j, 16);
sum0_1 = f32x4.add(sum0_1, x_2);
const x_3 = v128.load(x + j, 32);
sum0_2 = f32x4.add(sum0_2, x_3);
const x_4 = v128.load(x + j, 48);
sum0_3 = f32x4.add(sum0_3, x_4);
}
}
{
const block = f32x4.add(f32x4.add(f32x4.add(sum0_0, sum0_1), f32x4.add(sum0_2, sum0_3)), sum0_0_lost);
const total = f32x4.add(sum0_0_total, block);
sum0_0_lost = lostIn(sum0_0_total, block, total);
sum0_0_total = total;
}
const sum_5 = sumLanes(f32x4.add(sum0_0_total, sum0_0_lost));`);

  const short = await compiled({ x: f32(512) }, ({ x }) => ({ y: x.sum() }), { x: x.slice(0, 512) });
  expect(short.text).not.toMatch(/lostIn|_total/);
  const columns = await compiled({ x: f32(32, 5) }, ({ x }) => ({ y: x.sum(0) }), { x: x.slice(0, 160) });
  expect(columns.text).not.toMatch(/lostIn|_total/);
});

import { describe, expect, it } from 'vitest';
import { uniform } from '../../bench/golden/hash.js';
import { evaluateGraph } from '../../src/graph/evaluate.js';
import { compileFunction, f32, type Tensor, trace } from '../../src/index.js';
import type { GemmKernel } from '../../src/kernels/kernel.js';

// Products of shapes around tiles, panels and blocks, in every layout, against the reference in float64.

type Sizes = readonly [m: number, n: number, k: number];

const layouts = ['nn', 'nt', 'tn', 'tt'] as const;
const small: readonly Sizes[] = [
  [1, 1, 1],
  [1, 29, 5],
  [2, 3, 4],
  [3, 8, 7],
  [4, 16, 1],
  [5, 9, 17],
  [6, 12, 3],
  [7, 31, 33],
  [33, 77, 51],
  [13, 1, 12],
  [32, 100, 6],
];
/** k in blocks, A packed, rows in blocks, sums of many panels. */
const large: readonly Sizes[] = [
  [64, 100, 900],
  [130, 67, 1000],
  [1, 45, 1500],
  [700, 70, 130],
  [9, 4, 2000],
];

/** Rows of B on pages of their own. */
const wide: readonly Sizes[] = [
  [25, 1036, 70],
  [27, 1300, 100],
  [24, 1024, 40],
];

type Operands = Record<string, Tensor>;
const swapped = (x: Tensor) => x.transpose();

/** One function of all products: c = a b + r, or sigmoid(a b / 10) for every second one. */
function products(sizes: readonly Sizes[], layout: (typeof layouts)[number]) {
  const [ta, tb] = [layout[0] === 't', layout[1] === 't'];
  const types = Object.fromEntries(
    sizes.flatMap(([m, n, k], i) => [
      [`a${i}`, ta ? f32(k, m) : f32(m, k)],
      [`b${i}`, tb ? f32(n, k) : f32(k, n)],
      [`r${i}`, f32(n)],
    ]),
  );
  const graph = trace(`products_${layout}`, types, (given: Operands) =>
    Object.fromEntries(
      sizes.map((_, i) => {
        const [a, b] = [given[`a${i}`], given[`b${i}`]];
        const c = (ta ? swapped(a) : a).matmul(tb ? swapped(b) : b);
        return [`c${i}`, i % 2 ? c.mul(0.1).sigmoid() : c.add(given[`r${i}`])];
      }),
    ),
  );
  return { graph, inputs: numbers(types) };
}

function numbers(types: Record<string, { shape: readonly number[] }>): Record<string, Float32Array> {
  return Object.fromEntries(
    Object.entries(types).map(([name, { shape }], i) => [
      name,
      uniform(
        shape.reduce((a, b) => a * b, 1),
        1,
        i,
      ),
    ]),
  );
}

/** Compiles, runs with one and three threads, and returns the tilings of the products. */
async function agrees({ graph, inputs }: ReturnType<typeof products>, longest: number) {
  const wanted = evaluateGraph(graph, inputs, {}, 'float64').outputs;
  const bits: Float32Array[][] = [];
  let kernels: GemmKernel[] = [];
  for (const threads of [1, 3]) {
    const compiled = await compileFunction(graph, { threads, threadShare: 0 });
    const got = compiled.call(inputs);
    bits.push(Object.values(got) as Float32Array[]);
    for (const [name, { data }] of Object.entries(wanted)) {
      const off = Array.from(data, (x, i) => Math.abs(got[name][i] - x)).reduce((a, b) => Math.max(a, b), 0);
      expect(off, name).toBeLessThan(2 ** -22 * longest);
    }
    kernels = compiled.module.schedules.call.kernels.filter((k) => k.kind === 'gemm') as GemmKernel[];
    await compiled.close();
  }
  expect(bits[0]).toEqual(bits[1]);
  return kernels.map((k) => k.tiling);
}

describe.each(layouts)('products in the layout %s', (layout) => {
  it('agree with the reference where they fit one block', async () => {
    const tilings = await agrees(products(small, layout), 51);
    expect(tilings.every((t) => t.kBlocks === 1)).toBe(true);
    expect(tilings.some((t) => t.epilogue === 'registers')).toBe(true);
    expect(tilings.some((t) => t.epilogue === 'memory')).toBe(true);
  });

  it('agree with the reference where they take several', async () => {
    const tilings = await agrees(products(large, layout), 2000);
    expect(tilings.filter((t) => t.kBlocks > 1).length).toBeGreaterThan(2);
    if (layout === 'tn') expect(tilings.some((t) => t.packA)).toBe(true);
    expect(new Set(tilings.map((t) => t.packB)).size).toBeGreaterThan(layout[1] === 't' ? 0 : 1);
  });
});

it('products agree with the reference where several panels are copied at a time', async () => {
  const tilings = await agrees(products(wide, 'nn'), 100);
  expect(tilings.every((t) => t.together > 1 && t.segments.length > 0)).toBe(true);
  expect(new Set(tilings.map((t) => t.segments[0].vectors)).size).toBeGreaterThan(1);
});

it('matrices of a batch, repeated along some of its axes and read through views', async () => {
  const types = {
    a: f32(3, 1, 5, 6),
    b: f32(2, 7, 6),
    c: f32(9, 8),
    d: f32(4, 10, 3),
  };
  const graph = trace('batched', types, ({ a, b, c, d }) => ({
    broadcast: a.matmul(b.transpose([0, 2, 1])),
    views: c.slice([1, 2], [7, 6]).matmul(c.slice([2, 0], [6, 8])),
    strided: d.transpose([0, 2, 1]).matmul(d.transpose([2, 1, 0]).slice([0, 0, 1], [1, 10, 2])),
    alone: a
      .reshape([3, 30])
      .matmul(a.reshape([30, 3]))
      .reshape([1, 1, 3, 3]),
  }));
  const tilings = await agrees({ graph, inputs: numbers(types) }, 30);
  expect(tilings.map((t) => t.split)).toContain('matrices');
});

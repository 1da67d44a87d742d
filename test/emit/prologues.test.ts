import { describe, expect, it } from 'vitest';
import { uniform } from '../../bench/golden/hash.js';
import { evaluateGraph } from '../../src/graph/evaluate.js';
import {
  conv2d,
  f32,
  gather,
  gradients,
  i32,
  iota,
  random,
  scan,
  softmax,
  type Tensor,
  type TensorType,
  trace,
  where,
} from '../../src/index.js';
import type { GemmKernel, Kernel } from '../../src/kernels/kernel.js';
import { kernelsIn } from '../../src/plan/loops.js';
import { numel } from '../../src/shape.js';
import { compiledCall } from './compiled-call.js';

// Products that make their operands, of sizes around vectors, tiles and blocks: the bits of a program whose operands lie in
// memory, with one thread and three, the numbers of the reference, and no memory read that holds nothing.

type Given = Record<string, Tensor>;
interface Model {
  readonly types: Record<string, TensorType>;
  readonly f: (given: Given) => Record<string, Tensor>;
}

const isProduct = (kernel: Kernel): kernel is Kernel & GemmKernel => kernel.kind === 'gemm';

/** The products of a model, all of which agree with those that read. */
async function agree({ types, f }: Model): Promise<GemmKernel[]> {
  const graph = trace('made', types, f);
  const inputs = Object.fromEntries(
    Object.entries(types).map(([name, { shape, dtype }], i) => {
      const values = uniform(numel(shape), 1, i);
      return [name, dtype === 'i32' ? Int32Array.from(values, (x) => Math.floor(3 + 3 * x)) : values];
    }),
  );
  const made = await compiledCall(graph, inputs, { allPrologues: true, threads: [1, 3] });
  const read = await compiledCall(graph, inputs, { without: ['prologue'] });
  const poisoned = await compiledCall(graph, inputs, { allPrologues: true, poison: true, threads: [2] });
  for (const results of [...made.results, ...poisoned.results]) expect(results).toEqual(read.results[0]);
  const { outputs } = evaluateGraph(graph, inputs, {}, 'float64');
  for (const [name, { data }] of Object.entries(outputs)) {
    const wanted = Array.from(data, Number);
    const scale = wanted.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
    const worst = wanted.reduce((most, x, i) => Math.max(most, Math.abs(x - made.results[0][name][i])), 0);
    expect(worst / scale, name).toBeLessThan(1e-5);
  }
  return kernelsIn(made.schedule).filter(isProduct);
}

const SIZES = [
  [1, 1, 1],
  [4, 8, 16],
  [9, 13, 18],
  [33, 31, 67],
] as const;

/** Rows and columns of each operand, and of its transpose, times and plus what repeats along them. */
const plain: Model = {
  types: Object.fromEntries(
    SIZES.flatMap(([m, k, n], i) => [
      [`x${i}`, f32(m, k)],
      [`w${i}`, f32(k, n)],
      [`r${i}`, f32(m, 1)],
      [`c${i}`, f32(k)],
    ]),
  ),
  f: (given) =>
    Object.fromEntries(
      SIZES.flatMap(([, k], i) => {
        const [x, w, r, c] = ['x', 'w', 'r', 'c'].map((name) => given[`${name}${i}`]);
        const [normal, scaled] = [x.sub(r).mul(c), w.mul(c.reshape([k, 1])).add(0.5)];
        return [
          [`a${i}`, normal.matmul(w).tanh()],
          [`b${i}`, x.matmul(scaled)],
          [`both${i}`, x.relu().matmul(w.mul(w))],
          [`at${i}`, x.mul(r).transpose().matmul(x)],
          [`bt${i}`, w.transpose().mul(2).matmul(x.mul(c).transpose())],
          [`itself${i}`, x.add(c).matmul(x.add(c).transpose())],
        ];
      }),
    ),
};

/** k in blocks and in parts, along either axis of either operand. */
const long: Model = {
  types: {
    x: f32(5, 2100),
    v: f32(2100, 6),
    y: f32(40_001, 5),
    u: f32(40_001, 6),
    s: f32(2100),
    t: f32(40_001, 1),
  },
  f: ({ x, v, y, u, s, t }) => ({
    rows: x.mul(s).matmul(v),
    panels: x.matmul(v.mul(s.reshape([2100, 1]))),
    left: y.mul(t).transpose().matmul(u),
    right: y.transpose().matmul(u.relu()),
    turned: y.transpose().add(0).mul(t.transpose()).matmul(u.add(t)),
  }),
};

/** Matrices of a batch, of which some are shared; heads that are merged; windows of an image; rows of a table. */
const maps: Model = {
  types: {
    q: f32(2, 3, 9, 8),
    k: f32(2, 3, 7, 8),
    f: f32(3, 1, 8),
    w: f32(8, 5),
    o: f32(24, 10),
    x: f32(2, 6, 7, 3),
    filters: f32(3, 2, 3, 5),
    channels: f32(3),
    table: f32(6, 10),
    ids: i32(9, 3),
    few: f32(30, 7),
    rows: f32(9, 4),
    turns: f32(30, 11),
  },
  f: ({ q, k, f, w, o, x, filters, channels, table, ids, few, rows, turns }) => {
    const scaled = q.mul(f);
    const merged = q.mul(2).transpose([0, 2, 1, 3]).reshape([18, 24]);
    const context = gather(table, ids);
    return {
      scores: scaled.matmul(k.relu().transpose([0, 1, 3, 2])),
      shared: q.relu().matmul(w.mul(3)),
      split: q
        .add(1)
        .transpose([0, 2, 1, 3])
        .matmul(
          k.mul(f).transpose([0, 2, 3, 1]).slice([0, 0, 0, 0], [2, 7, 8, 3]).sum(1, { keepDims: true }),
        ),
      merged: merged.matmul(o).relu(),
      across: o.transpose().matmul(merged.transpose()),
      windows: conv2d(x.mul(channels).relu(), filters),
      strided: conv2d(x.sub(channels), filters, { stride: 2 }),
      embedded: context.reshape([9, 30]).matmul(few),
      masked: context
        .mul(rows.slice([0, 0], [9, 1]).reshape([9, 1, 1]))
        .reshape([9, 30])
        .transpose()
        .matmul(rows),
      behind: rows.transpose().matmul(context.reshape([9, 30])),
      turned: turns.transpose().matmul(context.reshape([9, 30]).transpose()),
    };
  },
};

/** Statistics of rows, numbers that are drawn, a mask from indices, and a scan. */
const models: Model = {
  types: {
    x: f32(9, 12),
    gain: f32(12),
    w: f32(12, 7),
    key: i32(),
    xs: f32(4, 5, 6),
    recurrent: f32(6, 6),
    h: f32(5, 6),
    scale: f32(6),
  },
  f: ({ x, gain, w, key, xs, recurrent, h, scale }) => {
    const centred = x.sub(x.sum(1, { keepDims: true }).div(12));
    const normed = centred.mul(centred.mul(centred).sum(1, { keepDims: true }).add(1e-5).rsqrt()).mul(gain);
    const drawn = random(iota(108).reshape([9, 12]), key, key);
    const below = where(iota(9).reshape([9, 1]).less(iota(12)), x, 0);
    const states = scan(
      (c: Tensor, e: Tensor) => {
        const next = c.relu().mul(scale).matmul(recurrent.mul(0.5)).add(e).tanh();
        return { carry: next, outputs: next };
      },
      { carry: h, inputs: xs },
    );
    const normal = normed.matmul(w);
    const [dx, dw] = gradients(normal.tanh().sum(), [x, w]);
    const [dh, dr] = gradients(states.outputs.mul(states.outputs).sum(), [h, recurrent]);
    return {
      normal,
      attention: softmax(x, 1).matmul(w),
      dropped: where(drawn.less(0.5), x, 0).mul(2).matmul(w),
      below: below.matmul(w),
      scalar: x.mul(gain.sum().add(1).sqrt()).matmul(w),
      states: states.outputs,
      dx: dx!,
      dw: dw!,
      dh: dh!,
      dr: dr!,
    };
  },
};

describe('products that make their operands agree with those that read them', () => {
  const made = (products: readonly GemmKernel[]) => ({
    a: products.filter(({ a }) => a.prologue),
    b: products.filter(({ b }) => b.prologue),
  });

  it('of all sizes, along rows and columns', async () => {
    const products = await agree(plain);
    const { a, b } = made(products);
    expect(a.length + b.length).toBeGreaterThanOrEqual(6 * SIZES.length);
    expect(products.some((p) => p.a.prologue && p.b.prologue)).toBe(true);
    expect(new Set(a.map(({ tiling }) => tiling.split)).size).toBe(2);
  }, 120_000);

  it('where k is long', async () => {
    const { a, b } = made(await agree(long));
    for (const list of [a, b]) {
      expect(list.some(({ tiling }) => tiling.kBlocks > 1)).toBe(true);
      expect(list.some(({ lastK }) => lastK !== undefined)).toBe(true);
    }
  }, 120_000);

  it('in batches, and through index maps', async () => {
    const { a, b } = made(await agree(maps));
    for (const list of [a, b]) {
      const ops = list.flatMap((p) => [p.a, p.b].flatMap(({ prologue }) => prologue?.members ?? []));
      expect(ops.some(({ node }) => node.op.name === 'gather')).toBe(true);
    }
    expect(a.some(({ a: { prologue } }) => prologue!.axes.some((parts) => parts.length > 1))).toBe(true);
    expect(b.some(({ b: { prologue } }) => prologue!.axes.some((parts) => parts.length > 1))).toBe(true);
  }, 120_000);

  it('of statistics, random numbers and indices, and in a loop', async () => {
    const { a, b } = made(await agree(models));
    expect(a.length).toBeGreaterThanOrEqual(6);
    expect(b.length).toBeGreaterThanOrEqual(1);
  }, 120_000);
});

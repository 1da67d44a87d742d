import { describe, expect, it } from 'vitest';
import { uniform } from '../../bench/golden/hash.js';
import { evaluateGraph } from '../../src/graph/evaluate.js';
import {
  broadcastTo,
  type ConvOptions,
  compileFunction,
  conv2d,
  f32,
  gradients,
  type Tensor,
  type TensorType,
  trace,
  window,
} from '../../src/index.js';
import type { GemmKernel } from '../../src/kernels/kernel.js';
import { numel } from '../../src/shape.js';

// Products whose operands are index maps, of sizes around vectors, tiles and blocks: the bits of a program that copies, with
// one thread and three, the numbers of the reference, and no memory read that holds nothing.

type Given = Record<string, Tensor>;
interface Model {
  readonly types: Record<string, TensorType>;
  readonly f: (given: Given) => Record<string, Tensor>;
}

async function agree({ types, f }: Model): Promise<GemmKernel[]> {
  const graph = trace('maps', types, f);
  const inputs = Object.fromEntries(
    Object.entries(types).map(([name, { shape }], i) => [name, uniform(numel(shape), 1, i)]),
  );
  const run = async (options: object) => {
    const compiled = await compileFunction(graph, { threadShare: 0, ...options });
    const results = compiled.call(inputs);
    const { kernels } = compiled.module.schedules.call;
    await compiled.close();
    return { results, kernels };
  };
  const { results, kernels } = await run({ threads: 3 });
  const copying = await run({ without: ['index-maps'] });
  expect(kernels.length).toBeLessThan(copying.kernels.length);
  expect(results).toEqual(copying.results);
  expect((await run({ threads: 2, poison: true })).results).toEqual(results);
  const { outputs } = evaluateGraph(graph, inputs, {}, 'float64');
  for (const [name, { data }] of Object.entries(outputs)) {
    const wanted = Array.from(data, Number);
    const scale = wanted.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
    const worst = wanted.reduce((most, x, i) => Math.max(most, Math.abs(x - results[name][i])), 0);
    expect(worst / scale, name).toBeLessThan(1e-5);
  }
  return kernels.filter((kernel): kernel is typeof kernel & GemmKernel => kernel.kind === 'gemm');
}

/** Rows and columns of heads that are merged, as every operand, and matrices of a batch that is two axes. */
const HEADS = [
  [2, 9, 3],
  [4, 8, 4],
  [3, 5, 33],
] as const;

const heads: Model = {
  types: Object.fromEntries(
    HEADS.flatMap(([h, t, d], i) => [
      [`x${i}`, f32(2, h, t, d)],
      [`w${i}`, f32(h * d, 9)],
      [`v${i}`, f32(2 * t, 21)],
    ]),
  ),
  f: (given) =>
    Object.fromEntries(
      HEADS.flatMap(([h, t, d], i) => {
        const [x, w, v] = [given[`x${i}`], given[`w${i}`], given[`v${i}`]];
        const merged = x.transpose([0, 2, 1, 3]).reshape([2 * t, h * d]);
        const split = x.transpose([2, 1, 0, 3]).reshape([t * h, 2, d]);
        // Keys that several heads share.
        const shared = broadcastTo(x.reshape([2, h, 1, t, d]), [2, h, 3, t, d]).reshape([2 * h * 3, t, d]);
        return [
          [`a${i}`, merged.matmul(w).relu()],
          [`at${i}`, merged.transpose().matmul(v)],
          [`b${i}`, v.transpose().matmul(merged).tanh()],
          [`bt${i}`, w.transpose().matmul(merged.transpose())],
          [`s${i}`, split.matmul(split.transpose([0, 2, 1]))],
          [`q${i}`, shared.matmul(shared.transpose([0, 2, 1]))],
        ];
      }),
    ),
};

/** Image, channels of the result, kernel, and how it is passed over. */
const CONVOLUTIONS: [[number, number, number, number], number, [number, number], ConvOptions][] = [
  [[2, 7, 5, 1], 4, [3, 3], { padding: 'same' }],
  [[1, 9, 8, 3], 16, [3, 3], { padding: 1 }],
  [[2, 6, 6, 8], 33, [3, 2], {}],
  [[2, 9, 11, 5], 7, [3, 3], { stride: 2, padding: 1 }],
  [[1, 10, 9, 4], 6, [2, 3], { dilation: 2, padding: 2 }],
  [[2, 8, 8, 6], 4, [3, 3], { groups: 2, padding: 1 }],
  [[3, 5, 4, 70], 12, [3, 3], { padding: 1 }],
  [[2, 5, 7, 6], 8, [1, 1], { stride: 2 }],
];

const convolutions: Model = {
  types: Object.fromEntries(
    CONVOLUTIONS.flatMap(([image, out, kernel, { groups = 1 }], i) => [
      [`x${i}`, f32(...image)],
      [`w${i}`, f32(...kernel, image[3] / groups, out)],
    ]),
  ),
  f: (given) =>
    Object.fromEntries(
      CONVOLUTIONS.flatMap(([, , , options], i) => {
        const [x, w] = [given[`x${i}`], given[`w${i}`]];
        const y = conv2d(x, w, options);
        const [dx, dw] = gradients(y.tanh().sum(), [x, w]);
        return [
          [`y${i}`, y],
          [`dx${i}`, dx!],
          [`dw${i}`, dw!],
        ];
      }),
    ),
};

/** k in blocks, in parts, and the same along both operands. */
const long: Model = {
  types: {
    x: f32(30, 5, 70),
    v: f32(2100, 6),
    y: f32(700, 5, 100),
    u: f32(70_000, 6),
    z: f32(12, 40, 30),
    s: f32(3000),
  },
  f: ({ x, v, y, u, z, s }) => {
    const turned = x.transpose([0, 2, 1]).reshape([2100, 5]);
    const square = z.transpose([1, 0, 2]).reshape([40, 360]);
    const seen = window(s.reshape([3, 1000]), 1, 41).reshape([2880, 41]);
    return {
      blocks: turned.transpose().matmul(v),
      parts: y.transpose([0, 2, 1]).reshape([70_000, 5]).transpose().matmul(u),
      both: square.matmul(square.transpose()),
      itself: turned.transpose().matmul(turned).relu(),
      runs: z
        .transpose([1, 2, 0])
        .reshape([40, 360])
        .matmul(z.reshape([40, 12, 30]).transpose([1, 2, 0]).reshape([360, 40])),
      seen: seen.transpose().matmul(seen),
      across: seen.matmul(seen.slice([0, 0], [960, 41]).transpose()).sum(1),
    };
  },
};

describe('products of index maps agree with those of copies', () => {
  it('where heads are merged and split', async () => {
    const products = await agree(heads);
    expect(new Set(products.map(({ tiling }) => tiling.rowsA)).size).toBe(2);
    expect(products.some(({ tiling }) => tiling.split === 'matrices')).toBe(true);
  }, 120_000);

  it('where they are patches of images, and their gradients', async () => {
    const products = await agree(convolutions);
    const walked = products.filter(({ a, tiling }) => a.digits && !tiling.packA);
    expect(walked.some(({ tiling }) => tiling.kBlocks > 1)).toBe(true);
    expect(new Set(walked.map(({ tiling }) => tiling.rowsA)).size).toBe(2);
    expect(products.some(({ a, tiling }) => a.digits && tiling.packA)).toBe(true);
  }, 120_000);

  it('where k is long', async () => {
    const products = await agree(long);
    expect(products.some(({ b, tiling }) => b.digits && tiling.kBlocks > 1)).toBe(true);
    expect(products.some(({ a, lastK }) => a.digits && lastK !== undefined)).toBe(true);
  }, 120_000);
});

import { expect, it } from 'vitest';
import { uniform } from '../../bench/golden/hash.js';
import { evaluateGraph } from '../../src/graph/evaluate.js';
import {
  compileFunction,
  concat,
  f32,
  pad,
  softmax,
  type Tensor,
  type TensorType,
  trace,
} from '../../src/index.js';
import { numel } from '../../src/shape.js';

// Values that are stored as parts of others, of sizes around vectors and tiles: the bits of a program that copies, the
// numbers of the reference, and nothing written beside.

const SIZES = [1, 3, 4, 5, 31, 33];

type Given = Record<string, Tensor>;
type Model = { types: Record<string, TensorType>; f(given: Given): Record<string, Tensor> };

/** A product, a map, a row of sums and a softmax beside each other, and one after the other. */
const joined: Model = {
  types: Object.fromEntries(
    SIZES.flatMap((n, i) => [
      [`x${i}`, f32(SIZES[SIZES.length - 1 - i], n)],
      [`w${i}`, f32(n, 7)],
      [`v${i}`, f32(4 + i, n)],
    ]),
  ),
  f: (given) =>
    Object.fromEntries(
      SIZES.flatMap((_, i) => {
        const [x, w, v] = [given[`x${i}`], given[`w${i}`], given[`v${i}`]];
        const wide = concat(
          [x.matmul(w).tanh(), x.mul(2).add(1), x.sum(1, { keepDims: true }), softmax(x)],
          1,
        );
        const long = concat([x.mul(0.5), v.matmul(w.matmul(w.transpose())), softmax(v, 0)], 0);
        return [
          [`wide${i}`, wide],
          [`long${i}`, long.matmul(w)],
        ];
      }),
    ),
};

const padded: Model = {
  types: Object.fromEntries(
    SIZES.flatMap((n, i) => [
      [`x${i}`, f32(n, 5)],
      [`w${i}`, f32(5, n)],
    ]),
  ),
  f: (given) =>
    Object.fromEntries(
      SIZES.flatMap((_, i) => {
        const [x, w] = [given[`x${i}`], given[`w${i}`]];
        const p = pad(x.matmul(w).relu(), [i % 3, 1], [2, i % 4]);
        const both = pad(concat([x.tanh(), x.matmul(w)], 1), [1, 1], [0, 3]);
        return [
          [`p${i}`, p.reshape([1, -1])],
          [`both${i}`, both.transpose().matmul(both)],
        ];
      }),
    ),
};

const heads: Model = {
  types: Object.fromEntries(
    SIZES.flatMap((d, i) => [
      [`q${i}`, f32(2, 9, 3 * d)],
      [`o${i}`, f32(3 * d, 6)],
    ]),
  ),
  f: (given) =>
    Object.fromEntries(
      SIZES.map((d, i) => {
        const q = given[`q${i}`].reshape([2, 9, 3, d]).transpose([0, 2, 1, 3]);
        const scores = softmax(q.matmul(q.transpose([0, 1, 3, 2])).mul(1 / d));
        const merged = scores
          .matmul(q)
          .transpose([0, 2, 1, 3])
          .reshape([2, 9, 3 * d]);
        return [`y${i}`, concat([merged, merged.mul(2)], 0).matmul(given[`o${i}`])];
      }),
    ),
};

const turned: Model = {
  types: Object.fromEntries(
    SIZES.flatMap((n, i) => [
      [`x${i}`, f32(n, 8)],
      [`w${i}`, f32(8, 6)],
    ]),
  ),
  f: (given) =>
    Object.fromEntries(
      SIZES.flatMap((_, i) => {
        const h = given[`x${i}`].matmul(given[`w${i}`]);
        return [
          [`t${i}`, h.tanh().transpose()],
          [`e${i}`, given[`x${i}`].exp().transpose()],
        ];
      }),
    ),
};

it.each([
  ['beside each other and one after the other', joined],
  ['inside of zeros', padded],
  ['as heads that are merged', heads],
  ['in another order', turned],
])(
  'parts %s',
  async (_, { types, f }) => {
    const graph = trace('parts', types, f);
    const inputs = Object.fromEntries(
      Object.entries(types).map(([name, { shape }], i) => [name, uniform(numel(shape), 1, i)]),
    );
    const run = async (options: object) => {
      const compiled = await compileFunction(graph, options);
      const results = compiled.call(inputs);
      const { schedules } = compiled.module;
      await compiled.close();
      return { results, schedule: schedules.call };
    };
    const { results, schedule } = await run({ threads: 3, threadShare: 0 });
    const copying = await run({ without: ['strided-stores'] });
    expect([...schedule.storage.values()].filter((at) => at.kind === 'part').length).toBeGreaterThan(
      SIZES.length,
    );
    expect(schedule.kernels.length).toBeLessThan(copying.schedule.kernels.length);
    expect(results).toEqual(copying.results);
    expect((await run({ poison: true })).results).toEqual(results);
    const { outputs } = evaluateGraph(graph, inputs, {}, 'float64');
    for (const [name, of] of Object.entries(outputs)) {
      const worst = Math.max(
        ...Array.from(of.data, (x, i) => Math.abs(x - results[name][i]) / (1 + Math.abs(x))),
      );
      expect(worst, name).toBeLessThan(2e-5);
    }
  },
  120_000,
);

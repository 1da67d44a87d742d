import { describe, expect, it } from 'vitest';
import { compileProgram } from '../../src/emit/compile.js';
import {
  convTranspose2d,
  f32,
  gradients,
  logSumExp,
  matmul,
  mean,
  rsqrt,
  type Tensor,
  trace,
} from '../../src/index.js';
import { keepOff } from '../../src/loops/in-place.js';
import { readLibrary } from '../../src/run/node.js';

// Kernels that write one value in parts: `poison` proves from their programs that they keep off each other's elements.

/** Compiles with the proof, as far as the source; returns that. */
async function proven(
  types: Record<string, ReturnType<typeof f32>>,
  f: (given: Record<string, Tensor>) => Tensor,
) {
  const graph = trace('parts', types, (given) => {
    const y = f(given);
    const loss = y.sin().mul(y).add(y.mul(0.3)).mean();
    const wanted = Object.values(given);
    const flows = gradients(loss, wanted);
    return { y, loss, ...Object.fromEntries(flows.map((flow, i) => [`d${i}`, flow!])) };
  });
  const input = { name: 'parts', variables: [], entries: { call: graph } };
  const options = {
    library: await readLibrary(),
    asc: async () => new Uint8Array(),
    poison: true,
    threadShare: 0,
  };
  return (await compileProgram(input, options)).source.text;
}

describe('parts of one value are seen to lie apart', () => {
  it.each([
    [33, 17, 3],
    [2, 5, 3],
    [1, 9, 7],
  ])('of the last of columns of a product of what is normed: [%i, %i, %i]', async (b, n, m) => {
    const text = await proven({ x: f32(b, n, m), w: f32(b, m, m) }, ({ x, w }) => {
      const d = x.sub(mean(x, 2, { keepDims: true }));
      const normed = d.mul(rsqrt(mean(d.square(), 2, { keepDims: true }).add(0.1)));
      return matmul(normed, w)
        .mul(0.577)
        .slice([0, 0, m - 1], [b, n, 1]);
    });
    expect(text).toContain('function');
  });

  it.each([
    [
      [1, 3],
      [1, 2],
      [3, 17, 5, 7],
    ],
    [
      [2, 3],
      [2, 2],
      [2, 4, 5, 3],
    ],
  ] as const)('of a transposed convolution of stride %j and dilation %j', async (stride, dilation, shape) => {
    const text = await proven({ x: f32(...shape), w: f32(5, 4, 2, shape[3]) }, ({ x, w }) =>
      convTranspose2d(logSumExp(x, 0, { keepDims: true }), w, { stride, dilation, padding: 'same' }),
    );
    expect(text).toContain('function');
  });
});

it('elements that digits do not tell apart are compared one by one: the gap between two runs, and no more', () => {
  const region = (offset: number, n = 5) => ({
    whole: null as never,
    sizes: [3, n, 2],
    strides: [35, 7, 1],
    offset,
  });
  // Four words of every seven, and a gap of three: rows begin in it, so that no digit tells them.
  const store = (n: number) => ({
    kind: 'store' as const,
    ...{ buffer: 0, bytes: 16, around: [] },
    at: {
      buffer: null,
      constant: 24,
      terms: new Map([
        [{ low: 0, high: 2 }, 140],
        [{ low: 0, high: n }, 28],
      ]),
    },
  });
  expect([10, 11].map((offset) => keepOff([store(3)], region(offset)))).toEqual([true, true]);
  expect([9, 12, 13].map((offset) => keepOff([store(3)], region(offset)))).toEqual([false, false, false]);
  // Counted from where the runs begin, digits do tell them, however many there are.
  expect(keepOff([store(Number.POSITIVE_INFINITY)], region(10))).toBe(true);
  expect(keepOff([store(Number.POSITIVE_INFINITY)], region(9))).toBe(false);
  expect(keepOff([store(2 ** 22)], region(12, 2 ** 22))).toBe(false);
});

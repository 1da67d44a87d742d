import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { uniform } from '../../bench/golden/hash.js';
import {
  avgPool,
  compileFunction,
  conv1d,
  conv2d,
  convTranspose1d,
  convTranspose2d,
  f32,
  gradients,
  maxPool,
  type Tensor,
  trace,
} from '../../src/index.js';
import { numel } from '../../src/shape.js';
import type { Eager } from '../../src/tape/tape.js';
import { leaf, onTape } from './run.js';

// Convolutions and pools with their gradients, against PyTorch, whose layout is taken at the door. test/ops/images.py wrote the
// numbers.

interface Case {
  kind: 'conv' | 'convTranspose' | 'maxPool' | 'avgPool';
  image: number[];
  filters?: number[];
  out?: number;
  size?: number[];
  options: object;
  shape: number[];
  /** Of the result, and of the gradients for image, filters and bias: each element times a number of its own, sum of squares. */
  results: [number, number][];
}

const file = process.env.IMAGES ?? new URL('./images.json', import.meta.url);
const cases: Case[] = JSON.parse(readFileSync(file, 'utf8'));

const convolutions = { conv: [conv1d, conv2d], convTranspose: [convTranspose1d, convTranspose2d] };
const pools = { maxPool, avgPool };

function computed({ kind, size, options, image }: Case, [x, w, bias]: readonly Tensor[]): Tensor {
  if (kind === 'maxPool' || kind === 'avgPool')
    return pools[kind](x, size!, { ...options, channelsFirst: true });
  return convolutions[kind][image.length - 3](x, w, { ...options, bias, channelsFirst: true });
}

const shapesOf = ({ image, filters, out }: Case) => [image, ...(filters ? [filters, [out!]] : [])];
const values = (shape: number[], salt: number) => uniform(numel(shape), 1, salt);

function printOf(data: ArrayLike<number>): [number, number] {
  const factors = uniform(data.length, 1, 99);
  let [sum, squares] = [0, 0];
  for (let i = 0; i < data.length; i++) {
    sum += data[i] * factors[i];
    squares += data[i] ** 2;
  }
  return [sum, squares];
}

function isNear(got: readonly number[][], want: readonly number[][], within: number): void {
  expect(got).toHaveLength(want.length);
  got.forEach(([sum, squares], i) => {
    expect(Math.abs(squares - want[i][1])).toBeLessThanOrEqual(within * Math.max(1, want[i][1]));
    expect(Math.abs(sum - want[i][0])).toBeLessThanOrEqual(within * Math.max(1, Math.sqrt(want[i][1])));
  });
}

const named = cases.map((c) => ({ name: `${c.kind} of [${c.image}] ${JSON.stringify(c.options)}`, c }));

describe('images', () => {
  it.each(named)('as PyTorch on the tape: $name', ({ c }) => {
    onTape('float64', () => {
      const inputs = shapesOf(c).map((shape, i) => leaf({ shape, dtype: 'f32' }, values(shape, i + 1)));
      const y = computed(c, inputs) as Eager;
      expect(y.shape).toEqual(c.shape);
      const weights = leaf({ shape: c.shape, dtype: 'f32' }, values(c.shape, 4));
      const flows = gradients(y.mul(weights).sum(), inputs) as Eager[];
      isNear(
        [y, ...flows].map(({ data }) => printOf(data)),
        c.results,
        1e-12,
      );
    });
  });

  it('as PyTorch compiled, every other one', async () => {
    const some = cases.filter((_, k) => k % 2 === 0);
    const inputs: Record<string, ReturnType<typeof f32>> = {};
    const data: Record<string, Float32Array> = {};
    some.forEach((c, k) => {
      [...shapesOf(c), c.shape].forEach((shape, i, { length }) => {
        inputs[`in${k}_${i}`] = f32(...shape);
        data[`in${k}_${i}`] = values(shape, i === length - 1 ? 4 : i + 1);
      });
    });
    const graph = trace('images', inputs, (given) =>
      Object.fromEntries(
        some.flatMap((c, k) => {
          const own = shapesOf(c).map((_, i) => given[`in${k}_${i}`]);
          const y = computed(c, own);
          const flows = gradients(y.mul(given[`in${k}_${own.length}`]).sum(), own) as Tensor[];
          return [y, ...flows].map((result, r) => [`out${k}_${r}`, result]);
        }),
      ),
    );
    const compiled = await compileFunction(graph, { threads: 2, threadShare: 0 });
    const got = compiled.call(data);
    some.forEach((c, k) => {
      isNear(
        c.results.map((_, r) => printOf(got[`out${k}_${r}`])),
        c.results,
        1e-5,
      );
    });
    await compiled.close();
  }, 120_000);
});

import { describe, expect, it } from 'vitest';
import { evaluateGraph } from '../../src/graph/evaluate.js';
import { openIndices } from '../../src/graph/indices.js';
import { compileFunction, gather, grad, type Tensor, tensor, trace } from '../../src/index.js';
import { argmax, argmin, maxWithIndex, minWithIndex } from '../../src/ops/index.js';
import type { Eager } from '../../src/tape/tape.js';
import { f32, i32 } from '../../src/train/step.js';

const numbers = (x: Tensor) => Array.from((x as Eager).data);
const rows = [
  [1, 5, 5, 2],
  [-0, 0, -1, 0],
  [3, Number.NaN, 9, Number.NaN],
  [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
];

describe('the place of an extreme', () => {
  it('is that of the first of equals, and NaN is the most extreme, as in PyTorch', () => {
    // torch.tensor(rows).max(1) and .min(1), PyTorch 1.13.
    const x = tensor(rows);
    const most = maxWithIndex(x, 1);
    expect(numbers(most.indices)).toEqual([1, 0, 1, 0]);
    expect(numbers(most.values)).toEqual([5, -0, Number.NaN, Number.NEGATIVE_INFINITY]);
    const least = minWithIndex(x, 1);
    expect(numbers(least.indices)).toEqual([0, 2, 1, 0]);
    expect(numbers(least.values)).toEqual([1, -1, Number.NaN, Number.NEGATIVE_INFINITY]);
  });

  it('compiles to the same, for any number of threads', async () => {
    const graph = trace('places', { x: f32(4, 4), i: i32(3, 2) }, ({ x, i }) => ({
      ...x.maxWithIndex(1),
      least: x.argmin(1),
      all: x.argmax(),
      columns: x.argmax(0),
      integers: i.argmin(0),
    }));
    const inputs = { x: rows.flat(), i: [5, -(2 ** 31), 2 ** 31 - 1, -(2 ** 31), -7, 0] };
    const want = evaluateGraph(graph, inputs, {}).outputs;
    expect(Array.from(want.integers.data)).toEqual([2, 0]);
    for (const threads of [1, 2]) {
      const compiled = await compileFunction(graph, { threads, threadShare: 0 });
      const got = compiled.call(inputs);
      for (const [name, { data }] of Object.entries(want))
        expect(Array.from(got[name])).toEqual(Array.from(data));
      await compiled.close();
    }
  });

  it('counts all elements in row-major order without an axis, and keeps axes if asked', () => {
    const x = tensor([
      [1, 2, 3],
      [9, 5, 6],
    ]);
    expect(numbers(argmax(x))).toEqual([3]);
    expect(argmax(x).shape).toEqual([]);
    expect(argmax(x, undefined, { keepDims: true }).shape).toEqual([1, 1]);
    expect(argmin(x, -1, { keepDims: true }).shape).toEqual([2, 1]);
    expect(maxWithIndex(x, 0).values.shape).toEqual([3]);
  });

  it('gets the gradient of the value alone, in one element, whatever ties', () => {
    const of = (f: (x: Tensor) => Tensor) => grad(f)([1, 5, 5, 2]).map((g) => g + 0);
    expect(of((x) => maxWithIndex(x).values)).toEqual([0, 1, 0, 0]);
    expect(of((x) => minWithIndex(x).values)).toEqual([1, 0, 0, 0]);
    expect(of((x) => x.mul(argmax(x).cast('f32')).sum())).toEqual([1, 1, 1, 1]);
    expect(of((x) => grad((y) => maxWithIndex(y).values.square())(x).sum())).toEqual([0, 2, 0, 0]);
  });

  it('is an index of its axis for any numbers, so nothing has to look at it', () => {
    const graph = trace('chosen', { x: f32(5, 7), table: f32(7, 3) }, ({ x, table }) => ({
      most: gather(table, argmax(x, 1)),
      least: gather(table, argmin(x, 1)),
    }));
    expect(openIndices(graph)).toEqual([]);
  });

  it('is refused where there is none, in words of the function that was called', () => {
    const x = tensor([[], []]);
    expect(() => argmax(x, 1)).toThrow(/^argmax: there is nothing to choose from along axis 1 of \[2, 0\]/);
    expect(() => minWithIndex(x)).toThrow(/^minWithIndex: there is nothing to choose from in \[2, 0\]/);
    expect(() => argmax(tensor([1]), 1)).toThrow(/^argmax: axis 1 is out of range for a tensor of 1 axes/);
    expect(() => argmax(tensor([1]), { keepDims: true } as never)).toThrow(
      /^argmax: the axis is a number, got/,
    );
    expect(() => argmax(tensor([1]), 0, { keepdim: true } as never)).toThrow(/^argmax: .*keepdim/);
    expect(() => argmax(tensor([1]).less(2), 0)).toThrow(/^argmax: takes f32 or i32, not bool\[1\]/);
  });
});

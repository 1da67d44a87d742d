import { describe, expect, it } from 'vitest';
import {
  cumulativeSum,
  DataError,
  flip,
  logSumExp,
  maskedFill,
  oneHot,
  scatterAdd,
  scatterAddAlong,
  stack,
  take,
  takeAlong,
  tensor,
  tile,
  tril,
  triu,
} from '../../src/index.js';
import type { Eager } from '../../src/tape/tape.js';
import { f32, i32 } from '../../src/train/step.js';
import { testComposed } from './composed.js';

const list = (x: unknown) => Array.from((x as Eager).data);
const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const total = (values: number[]) => values.reduce((a, b) => a + b, 0);

describe('functions that choose and arrange elements', () => {
  testComposed([
    {
      name: 'stack in the middle',
      inputs: { a: f32(2, 5), b: f32(2, 5) },
      f: ({ a, b }) => stack([a, b, a], 1),
      shape: [2, 3, 5],
      want: ([i, which, j], read) => read(which === 1 ? 'b' : 'a', i, j),
    },
    {
      name: 'stack at the end',
      inputs: { a: f32(3), b: f32(3) },
      f: ({ a, b }) => stack([a, b], -1),
      shape: [3, 2],
      want: ([i, which], read) => read(which ? 'b' : 'a', i),
    },
    {
      name: 'flip of two axes',
      inputs: { x: f32(3, 4, 5) },
      f: ({ x }) => flip(x, [0, -1]),
      shape: [3, 4, 5],
      want: ([i, j, k], read) => read('x', 2 - i, j, 4 - k),
    },
    {
      name: 'flip of integers',
      inputs: { x: i32(7) },
      f: ({ x }) => flip(x),
      shape: [7],
      want: ([i], read) => read('x', 6 - i),
    },
    {
      name: 'tile',
      inputs: { x: f32(2, 3) },
      f: ({ x }) => tile(x, [2, 3]),
      shape: [4, 9],
      want: ([i, j], read) => read('x', i % 2, j % 3),
    },
    {
      name: 'oneHot',
      inputs: { ids: i32(2, 3) },
      given: { ids: [0, 4, 2, 2, 1, 0] },
      f: ({ ids }) => oneHot(ids, 5),
      shape: [2, 3, 5],
      want: ([i, j, k], read) => (read('ids', i, j) === k ? 1 : 0),
    },
    {
      name: 'take along the last axis',
      inputs: { x: f32(2, 3, 4), ids: i32(2, 2) },
      given: { ids: [3, 0, 3, 1] },
      f: ({ x, ids }) => take(x, ids, 2),
      shape: [2, 3, 2, 2],
      want: ([i, j, a, b], read) => read('x', i, j, read('ids', a, b)),
    },
    {
      name: 'take along the middle',
      inputs: { x: f32(2, 3, 4), ids: i32(5) },
      given: { ids: [2, 2, 0, 1, 2] },
      f: ({ x, ids }) => take(x, ids, -2),
      shape: [2, 5, 4],
      want: ([i, j, k], read) => read('x', i, read('ids', j), k),
    },
    {
      name: 'takeAlong the middle',
      inputs: { x: f32(2, 3, 4), ids: i32(2, 5, 4) },
      given: { ids: range(40).map((i) => (i * i + 1) % 3) },
      f: ({ x, ids }) => takeAlong(x, ids, 1),
      shape: [2, 5, 4],
      want: ([i, j, k], read) => read('x', i, read('ids', i, j, k), k),
    },
    {
      name: 'takeAlong of a vector',
      inputs: { x: f32(6), ids: i32(4) },
      given: { ids: [5, 5, 0, 3] },
      f: ({ x, ids }) => takeAlong(x, ids),
      shape: [4],
      want: ([i], read) => read('x', read('ids', i)),
    },
    {
      name: 'gather along the last axis, of a matrix of ids',
      inputs: { x: f32(2, 5), ids: i32(2, 3) },
      given: { ids: [4, 0, 1, 1, 3, 0] },
      f: ({ x, ids }) => x.gather(ids, -1),
      shape: [2, 2, 3],
      want: ([i, j, k], read) => read('x', i, read('ids', j, k)),
    },
    {
      name: 'scatterAdd along the middle, with ids that repeat',
      inputs: { x: f32(2, 4, 3), ids: i32(5), u: f32(2, 5, 3) },
      given: { ids: [3, 0, 3, 3, 1] },
      f: ({ x, ids, u }) => scatterAdd(x, ids, u, 1),
      shape: [2, 4, 3],
      want: ([i, j, k], read) =>
        read('x', i, j, k) + total(range(5).map((l) => (read('ids', l) === j ? read('u', i, l, k) : 0))),
    },
    {
      name: 'scatterAdd along the last axis, by a matrix of ids',
      inputs: { x: f32(3, 4), ids: i32(2, 2), u: f32(3, 2, 2) },
      given: { ids: [3, 0, 3, 1] },
      f: ({ x, ids, u }) => scatterAdd(x, ids, u, -1),
      shape: [3, 4],
      want: ([i, j], read) =>
        read('x', i, j) +
        total(range(4).map((l) => (read('ids', l >> 1, l % 2) === j ? read('u', i, l >> 1, l % 2) : 0))),
    },
    {
      name: 'scatterAddAlong the first axis',
      inputs: { x: f32(3, 4), ids: i32(5, 4), u: f32(5, 4) },
      given: { ids: range(20).map((i) => (i * i + 1) % 3) },
      f: ({ x, ids, u }) => scatterAddAlong(x, ids, u, 0),
      shape: [3, 4],
      want: ([i, j], read) =>
        read('x', i, j) + total(range(5).map((r) => (read('ids', r, j) === i ? read('u', r, j) : 0))),
    },
    {
      name: 'tril with a diagonal above',
      inputs: { x: f32(2, 4, 5) },
      f: ({ x }) => tril(x, 1),
      shape: [2, 4, 5],
      want: ([b, i, j], read) => (j - i <= 1 ? read('x', b, i, j) : 0),
    },
    {
      name: 'triu with a diagonal below',
      inputs: { x: f32(5, 3) },
      f: ({ x }) => triu(x, -1),
      shape: [5, 3],
      want: ([i, j], read) => (j - i >= -1 ? read('x', i, j) : 0),
    },
    {
      name: 'maskedFill',
      inputs: { x: f32(3, 4), y: f32(4) },
      f: ({ x, y }) => maskedFill(x, y.greater(0), 7),
      shape: [3, 4],
      want: ([i, j], read) => (read('y', j) > 0 ? 7 : read('x', i, j)),
    },
    {
      name: 'cumulativeSum along the first axis',
      inputs: { x: f32(9, 2) },
      f: ({ x }) => cumulativeSum(x, 0),
      shape: [9, 2],
      want: ([i, j], read) => total(range(i + 1).map((r) => read('x', r, j))),
    },
    {
      name: 'cumulativeSum of integers',
      inputs: { x: i32(2, 5) },
      f: ({ x }) => cumulativeSum(x),
      shape: [2, 5],
      want: ([i, j], read) => total(range(j + 1).map((c) => read('x', i, c))),
    },
    {
      name: 'logSumExp',
      inputs: { x: f32(3, 4) },
      f: ({ x }) => logSumExp(x, 0, { keepDims: true }),
      shape: [1, 4],
      want: ([, j], read) => Math.log(total(range(3).map((i) => Math.exp(read('x', i, j))))),
    },
  ]);

  it('logSumExp is safe for numbers of any size', () => {
    const [inf, nan] = [Number.POSITIVE_INFINITY, Number.NaN];
    const rows = [
      [1e30, 1e30],
      [-1e30, -1e30],
      [-inf, -inf],
      [inf, 3],
      [-inf, 5],
      [nan, 1],
    ];
    expect(list(logSumExp(tensor(rows)))).toEqual([1e30, -1e30, -inf, inf, 5, nan].map(Math.fround));
  });

  it('say what does not fit', () => {
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const ids = tensor([0, 1], { dtype: 'i32' });
    expect(() => stack([])).toThrow('stack: needs an array of at least one tensor');
    expect(() => stack([x, ids])).toThrow('stack: shapes differ: [2, 3] and [2]');
    expect(() => stack([x], 4)).toThrow('stack: axis 4 is out of range for a tensor of 3 axes');
    expect(() => flip(x, 2)).toThrow('flip: axis 2 is out of range');
    expect(() => tile(x, [2])).toThrow('tile: expected a whole number for each axis of [2, 3]');
    expect(() => tile(x, [1, 0.5])).toThrow('tile');
    expect(() => take(x, ids, 3)).toThrow('take: axis 3 is out of range');
    expect(() => takeAlong(x, ids)).toThrow('takeAlong: ids [2] must have the axes of [2, 3]');
    expect(() => scatterAdd(x, ids, x, 1)).toThrow(
      'scatter_add: updates must be [2, 2] for ids [2] along axis 1, not [2, 3]',
    );
    expect(() => scatterAddAlong(x, ids.reshape([2, 1]), x)).toThrow(
      'scatterAddAlong: updates [2, 3] must have the shape of ids, [2, 1]',
    );
    expect(() => oneHot(ids, 1)).toThrow(DataError);
    expect(() => takeAlong(x, tensor([[3], [0]], { dtype: 'i32' }))).toThrow(DataError);
    expect(() => maskedFill(ids, x.greater(0), 1)).toThrow();
    expect(() => maskedFill(tensor([1, 2, 3]), x.greater(0), 1)).toThrow(
      'maskedFill: a condition of [2, 3] does not fit into [3]',
    );
    expect(() => tril(ids)).toThrow('tril: expected a matrix or several, got [2]');
    expect(() => triu(x, 0.5)).toThrow('triu: diagonal must be a whole number');
    expect(() => logSumExp(ids)).toThrow('logSumExp: takes f32');
  });
});

import { describe, expect, it } from 'vitest';
import { compileFunction, f32, gather, grad, i32, tensor, topK, trace } from '../../src/index.js';
import type { Eager } from '../../src/tape/tape.js';

const list = (x: unknown) => Array.from((x as Eager).data);
const { NaN: nan, NEGATIVE_INFINITY: none, POSITIVE_INFINITY: most } = Number;

describe('topK', () => {
  const ROWS: [name: string, row: number[], k: number, values: number[], indices: number[]][] = [
    ['equals', [1, 3, 3, 2], 3, [3, 3, 2], [1, 2, 3]],
    ['all', [2, 1, 2, 4], 4, [4, 2, 2, 1], [3, 0, 2, 1]],
    ['NaN', [1, nan, most, nan], 3, [nan, nan, most], [1, 3, 2]],
    ['infinities', [none, 5, none, none], 4, [5, none, none, none], [1, 0, 2, 3]],
    ['zeros of both signs', [0, -0, 0, -1], 3, [0, -0, 0], [0, 1, 2]],
    ['zeros of both signs, a negative one first', [-0, 0, -0, 0], 3, [-0, 0, -0], [0, 1, 2]],
  ];

  it.each(ROWS)('of %s, the first before the later of equals', (_, row, k, values, indices) => {
    const found = topK(tensor(row), k);
    expect([list(found.values), list(found.indices)]).toEqual([values.map((x) => x + 0 || x), indices]);
  });

  it('is the same compiled', async () => {
    const graph = trace('top', { x: f32(6, 4), n: i32(6) }, ({ x, n }) => ({
      ...topK(x, 4),
      whole: topK(n, 3).values,
      first: topK(n, 3).indices,
      columns: topK(x.transpose(), 2, 0).values,
      // Its places are known to lie within the axis.
      again: gather(n, topK(n, 3).indices),
    }));
    const compiled = await compileFunction(graph);
    const n = [-(2 ** 31), 7, 2 ** 31 - 1, 7, -1, -(2 ** 31)];
    const out = compiled.call({ x: ROWS.flatMap(([, row]) => row), n });
    ROWS.forEach(([, row], i) => {
      const whole = topK(tensor(row), 4);
      expect([...out.values.subarray(4 * i, 4 * i + 4)]).toEqual(list(whole.values));
      expect([...out.indices.subarray(4 * i, 4 * i + 4)]).toEqual(list(whole.indices));
    });
    const columns = topK(tensor(ROWS.map(([, row]) => row)).transpose(), 2, 0).values;
    expect([...out.columns]).toEqual(list(columns));
    expect([[...out.whole], [...out.first], [...out.again]]).toEqual([
      [2 ** 31 - 1, 7, 7],
      [2, 1, 3],
      [2 ** 31 - 1, 7, 7],
    ]);
  });

  it('has a gradient at the chosen elements, of any order', () => {
    const x = tensor([1, 4, 2, 3]);
    const f = (y: typeof x) =>
      topK(y, 2)
        .values.mul(tensor([10, 1]))
        .square()
        .sum();
    expect(list(grad(f as never)(x as never))).toEqual([0, 800, 0, 6]);
    const inner = grad(f as never) as unknown as (y: typeof x) => typeof x;
    expect(list(grad(((y: typeof x) => inner(y).sum()) as never)(x as never))).toEqual([0, 200, 0, 2]);
  });

  it('names a k that does not fit', () => {
    const x = tensor([[1, 2]]);
    expect(() => topK(x, 3)).toThrow('topK: k is 3, and axis 1 of [1, 2] has 2 elements');
    expect(() => topK(x, 0)).toThrow('topK: k is 0');
    expect(() => topK(x, 1.5)).toThrow('topK: k is 1.5');
    expect(() => topK(x, 1, 2)).toThrow('topK: axis 2 is out of range');
    expect(() => topK(x.less(1), 1)).toThrow('topK: takes f32 or i32, not bool');
  });
});

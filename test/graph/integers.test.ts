import { describe, expect, it } from 'vitest';
import { openIndices } from '../../src/graph/indices.js';
import { integerBounds } from '../../src/graph/integers.js';
import { cast, concat, f32, gather, i32, iota, random, type Tensor, trace, where } from '../../src/index.js';

const types = { ids: i32(4), free: i32(4), x: f32(4) };

/** Bounds of what a function makes of ids from 0 to 9, of any integers, and of any floats. */
function bounds(f: (ids: Tensor, free: Tensor, x: Tensor) => Tensor): [number, number] {
  const graph = trace('g', types, ({ ids, free, x }) => ({ y: f(ids, free, x) }));
  const { lo, hi } = integerBounds(graph.nodes, new Map([['ids', { lo: 0, hi: 9 }]])).get(
    graph.outputs[0].node,
  )!;
  return [lo, hi];
}

const ALL: [number, number] = [-(2 ** 31), 2 ** 31 - 1];

describe('bounds of integers', () => {
  it.each<[string, (ids: Tensor, free: Tensor, x: Tensor) => Tensor, [number, number]]>([
    ['sums', (ids) => ids.add(1), [1, 10]],
    ['differences', (ids) => ids.sub(ids.mul(2)), [-18, 9]],
    ['products', (ids) => ids.mul(ids).neg(), [-81, 0]],
    ['what wraps', (_, free) => free.add(1), ALL],
    ['what wraps later', (ids) => ids.mul(2 ** 28), ALL],
    [
      'absolute values, of which one is negative',
      (_, free) => cast(free.maximum(-5), 'i32').minimum(3),
      [-5, 3],
    ],
    ['choices', (ids, free, x) => where(x.greater(0), ids, free.minimum(3).maximum(2)), [0, 9]],
    ['joined ones', (ids) => concat([ids, ids.sub(3)]), [-3, 9]],
    ['places', () => iota(4).mul(3), [0, 9]],
    ['sums over axes', (ids) => ids.sum(), [0, 36]],
    ['casts of what may be NaN', (_, __, x) => cast(x.maximum(3).minimum(5), 'i32'), [0, 5]],
    ['casts of anything', (_, __, x) => cast(x, 'i32'), ALL],
    ['casts of what is cut', (_, __, x) => cast(x.maximum(-0.5).minimum(2.5), 'i32'), [0, 2]],
    ['casts of what is clamped', (_, __, x) => cast(x.clamp(-2, 7.5), 'i32'), [-2, 7]],
    ['whole numbers that are clamped', (ids) => ids.sub(5).clamp(0), [0, 4]],
    ['signs of what may be NaN', (_, __, x) => cast(x.clamp(3, 5).sign(), 'i32'), [0, 1]],
    ['floors and signs', (_, __, x) => cast(x.clamp(3, 7.5).floor().mul(x.sign()), 'i32'), [-7, 7]],
    [
      'products of random numbers, which may round up',
      (ids) => cast(random(ids, 1, 2).mul(10), 'i32'),
      [0, 10],
    ],
    [
      'sums that lose their small part',
      (_, __, x) =>
        cast(
          x
            .sigmoid()
            .add(2 ** 24)
            .sub(2 ** 24),
          'i32',
        ),
      [-16, 33],
    ],
  ])('%s', (_, f, [lo, hi]) => {
    const [from, to] = bounds(f);
    expect(from).toBeGreaterThanOrEqual(lo - 50 * Number(lo === -16));
    expect(from).toBeLessThanOrEqual(lo);
    expect(to).toBeGreaterThanOrEqual(hi);
    expect(to).toBeLessThanOrEqual(hi + 50 * Number(hi === 33));
  });
});

describe('open indices', () => {
  const open = (f: (t: Tensor, ids: Tensor, free: Tensor) => Tensor) => {
    const graph = trace('g', { t: f32(10), ...types }, ({ t, ids, free }) => ({ y: f(t, ids, free).sum() }));
    return openIndices(graph).map((node) => node.inputs[0].op.name);
  };
  it('are those that are neither data nor proven, once each', () => {
    expect(open((t, ids) => gather(t, ids))).toEqual([]);
    expect(open((t, ids) => gather(t, ids).add(gather(t, ids.neg().add(9))))).toEqual([]);
    expect(open((t, ids) => gather(t, ids).add(gather(t, ids.add(1))))).toEqual(['add']);
    expect(open((t, _, free) => gather(t, free.minimum(9)))).toEqual(['minimum']);
    const twice = (t: Tensor, ids: Tensor) => {
      const next = ids.add(1);
      return gather(t, next).add(gather(t.mul(2), next));
    };
    expect(open(twice)).toEqual(['add']);
  });
});

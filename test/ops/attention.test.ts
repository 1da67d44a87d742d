import { describe, expect, it } from 'vitest';
import { attention, attentionWeights, tensor } from '../../src/index.js';
import type { Eager } from '../../src/tape/tape.js';
import { f32 } from '../../src/train/step.js';
import { type Composed, testComposed } from './composed.js';

interface Kind {
  heads: number;
  groups?: number;
  queries: number;
  keys: number;
  causal?: boolean;
  /** Shape of a bool mask, made of an input's sign, or of one that is added. */
  mask?: number[];
  added?: number[];
  scale?: number;
}

const [BATCH, D, E] = [2, 4, 3];

/** By the definition, query by query. */
function composed(name: string, kind: Kind): Composed {
  const { heads, groups = heads, queries, keys, causal = false, mask, added, scale = 0.5 } = kind;
  const range = (n: number) => Array.from({ length: n }, (_, i) => i);
  const full = [BATCH, heads, queries, keys];
  const broadcast = (shape: number[], at: number[]) =>
    shape.map((n, i) => (n === 1 ? 0 : at[full.length - shape.length + i]));
  return {
    name,
    inputs: {
      q: f32(BATCH, heads, queries, D),
      k: f32(BATCH, groups, keys, D),
      v: f32(BATCH, groups, keys, E),
      ...((mask ?? added) && { m: f32(...(mask ?? added)!) }),
    },
    f: ({ q, k, v, m }) =>
      attention(q, k, v, {
        causal,
        ...(kind.scale !== undefined && { scale }),
        ...(mask && { mask: m.greater(0) }),
        ...(added && { mask: m }),
      }),
    shape: [BATCH, heads, queries, E],
    want([b, h, i, e], read) {
      const g = Math.floor(h / (heads / groups));
      const weights = range(keys).map((j) => {
        const dot = range(D).reduce((sum, d) => sum + read('q', b, h, i, d) * read('k', b, g, j, d), 0);
        if (causal && j - i > keys - queries) return 0;
        if (mask && read('m', ...broadcast(mask, [b, h, i, j])) <= 0) return 0;
        return Math.exp(dot * scale + (added ? read('m', ...broadcast(added, [b, h, i, j])) : 0));
      });
      const all = weights.reduce((a, x) => a + x, 0);
      return range(keys).reduce(
        (sum, j) => sum + (weights[j] && (weights[j] / all) * read('v', b, g, j, e)),
        0,
      );
    },
  };
}

describe('attention', () => {
  testComposed([
    composed('to all', { heads: 2, queries: 5, keys: 6 }),
    composed('causal', { heads: 2, queries: 5, keys: 5, causal: true }),
    composed('causal, after earlier keys', { heads: 1, queries: 2, keys: 5, causal: true }),
    composed('causal, where the first queries see nothing', { heads: 1, queries: 5, keys: 3, causal: true }),
    composed('groups of heads', { heads: 6, groups: 2, queries: 3, keys: 4 }),
    composed('one group', { heads: 3, groups: 1, queries: 3, keys: 4, causal: true }),
    composed('a mask by key, with queries that see none', {
      heads: 2,
      queries: 3,
      keys: 3,
      mask: [BATCH, 1, 1, 3],
    }),
    composed('a mask for each head of groups', { heads: 4, groups: 2, queries: 3, keys: 4, mask: [4, 3, 4] }),
    composed('a mask of a matrix, and causal', { heads: 2, queries: 4, keys: 4, mask: [4, 4], causal: true }),
    composed('scores with something added', {
      heads: 4,
      groups: 2,
      queries: 3,
      keys: 4,
      added: [1, 4, 3, 4],
    }),
    composed('a scale of its own', { heads: 1, queries: 3, keys: 4, scale: 0.125 }),
  ]);

  it('of matrices alone, and the same with fewer axes', () => {
    const x = tensor([
      [1, 0],
      [0, 2],
      [1, 1],
    ]);
    const row = attention(x, x, x, { causal: true }) as Eager;
    expect(row.shape).toEqual([3, 2]);
    expect(Array.from(row.data.slice(0, 2))).toEqual([1, 0]);
  });

  it.each([
    [4, 4, { causal: true }],
    [4, 2, { scale: 0.3 }],
    [4, 1, { mask: tensor([1, -1, 1, 1, -1]).greater(0) }],
  ])('has weights that can be looked at: %i heads, %i groups, %o', (heads, groups, options) => {
    const wave = (count: number, places: number) =>
      tensor(Array.from({ length: count * places * D }, (_, i) => Math.sin(i))).reshape([
        1,
        count,
        places,
        D,
      ]);
    const [q, k] = [wave(heads, 3), wave(groups, 5)];
    const identity = tensor(Array.from({ length: 25 }, (_, i) => Number(i % 6 === 0))).reshape([1, 1, 5, 5]);
    const values = identity.add(tensor(0).broadcastTo([1, groups, 5, 5]));
    const weights = attentionWeights(q, k, options) as Eager;
    expect(weights.shape).toEqual([1, heads, 3, 5]);
    // Values that are the places themselves come out as how much each was taken of.
    const want = Array.from((attention(q, k, values, options) as Eager).data);
    expect(Array.from(weights.data)).toEqual(want);
    expect(want.some((weight) => weight > 0 && weight < 1)).toBe(true);
    expect(() => attentionWeights(q, wave(groups, 5).slice([0, 0, 0, 1], [1, groups, 5, 3]))).toThrow(
      'attentionWeights: q [1, 4, 3, 4], k [1, ',
    );
  });

  it('gives zeros for a query that may see nothing, with a gradient of zeros', () => {
    const none = attention(tensor([[1, 2]]), tensor([[3, 4]]), tensor([[5]]), {
      mask: tensor([[-1]]).greater(0),
    }) as Eager;
    expect(Array.from(none.data)).toEqual([0]);
  });

  it('says what does not fit', () => {
    const x = (...shape: number[]) =>
      tensor(new Array(shape.reduce((a, b) => a * b, 1)).fill(1)).reshape(shape);
    const q = x(2, 4, 3, 8);
    expect(() => attention(q, x(2, 4, 5, 7), x(2, 4, 5, 8))).toThrow('queries and keys differ in width');
    expect(() => attention(q, x(2, 4, 5, 8), x(2, 4, 6, 8))).toThrow('a value for each key');
    expect(() => attention(q, x(2, 3, 5, 8), x(2, 3, 5, 8))).toThrow('4 heads cannot share 3 groups');
    expect(() => attention(q, x(1, 4, 5, 8), x(1, 4, 5, 8))).toThrow('differ in their leading axes');
    expect(() => attention(q, x(4, 5, 8), x(4, 5, 8))).toThrow('expected as many axes of each');
    expect(() => attention(q, q, q, { mask: x(5, 3).greater(0) })).toThrow(
      'the mask [5, 3] does not broadcast to the scores [2, 4, 3, 3]',
    );
    expect(() => attention(q, q, q, { mask: tensor([1], { dtype: 'i32' }) })).toThrow(
      'a mask is bool or f32',
    );
    expect(() => attention(q, q, q, { casual: true } as never)).toThrow('did you mean causal');
    expect(() => attention(q, q, q, { scale: Number.NaN })).toThrow('attention: scale');
  });
});

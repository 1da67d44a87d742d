import type { Graph } from '../../src/graph/graph.js';
import {
  attention,
  f32,
  gradients,
  lowerTriangle,
  matmul,
  rotary,
  softmax,
  type Tensor,
  trace,
  where,
} from '../../src/index.js';

// Attention in many forms, each with its gradient, as graphs.

export interface Sizes {
  batch: number;
  heads: number;
  groups?: number;
  queries: number;
  keys?: number;
  /** Widths of a head's keys and values. */
  d: number;
  e?: number;
}

type Given = Record<'q' | 'k' | 'v' | 'm', Tensor>;

/** The form with gradients by q, k and v of a loss; `mask`: the shape of what is given as m. */
export function attentionGraph(sizes: Sizes, f: (given: Given) => Tensor, mask: number[] = [1]): Graph {
  const { batch, heads, groups = heads, queries, keys = queries, d, e = d } = sizes;
  const types = {
    q: f32(batch, heads, queries, d),
    k: f32(batch, groups, keys, d),
    v: f32(batch, groups, keys, e),
    m: f32(...mask),
    w: f32(batch, heads, queries, e),
  };
  return trace('attention', types, ({ q, k, v, m, w }) => {
    const given = { q, k, v, m };
    const y = f(given);
    const [dq, dk, dv] = gradients(y.mul(y).mul(w).sum(), [given.q, given.k, given.v]);
    return { y, dq: dq!, dk: dk!, dv: dv! };
  });
}

const turned = (k: Tensor) => k.transpose([0, 1, 3, 2]);
const causal = (q: Tensor, k: Tensor) => lowerTriangle(q.shape[2], k.shape[2], k.shape[2] - q.shape[2]);

/** By hand, without taking off the largest score. */
function plainSoftmax(scores: Tensor): Tensor {
  const e = scores.exp();
  return e.div(e.sum(-1, { keepDims: true }));
}

/** By hand, with the largest score taken off as any other number is; `beside`: exponentials of 0 that share the weights. */
function lessLargest(scores: Tensor, beside = 0): Tensor {
  const most = scores.max(-1, { keepDims: true });
  const e = scores.sub(most).exp();
  return e.div(e.sum(-1, { keepDims: true }).add(most.neg().exp().mul(beside)));
}

/** The weights' sum is divided by when values have been summed. */
function divideLast({ q, k, v }: Given): Tensor {
  const e = matmul(q, turned(k)).mul(0.3).exp();
  return matmul(e, v).div(e.sum(-1, { keepDims: true }));
}

const base: Sizes = { batch: 2, heads: 2, queries: 48, d: 8 };

/** Forms that are made in blocks, of which scores take more than 4,096 bytes. */
export const FORMS: Record<string, () => Graph> = {
  'to all': () => attentionGraph(base, ({ q, k, v }) => attention(q, k, v)),
  causal: () => attentionGraph(base, ({ q, k, v }) => attention(q, k, v, { causal: true })),
  'causal, of odd sizes': () =>
    attentionGraph({ batch: 1, heads: 3, queries: 33, d: 7, e: 5 }, ({ q, k, v }) =>
      attention(q, k, v, { causal: true }),
    ),
  'causal, of a prime number of queries in one head': () =>
    attentionGraph({ batch: 1, heads: 1, queries: 67, d: 3 }, ({ q, k, v }) =>
      attention(q, k, v, { causal: true }),
    ),
  'causal, with more keys than queries': () =>
    attentionGraph({ batch: 1, heads: 2, queries: 40, keys: 64, d: 4 }, ({ q, k, v }) =>
      attention(q, k, v, { causal: true }),
    ),
  'causal, where the first queries see nothing': () =>
    attentionGraph({ batch: 1, heads: 1, queries: 64, keys: 40, d: 4 }, ({ q, k, v }) =>
      attention(q, k, v, { causal: true }),
    ),
  'across, to another number of keys': () =>
    attentionGraph({ batch: 2, heads: 2, queries: 34, keys: 50, d: 4, e: 6 }, ({ q, k, v }) =>
      attention(q, k, v),
    ),
  'groups of heads, causal': () =>
    attentionGraph({ batch: 2, heads: 4, groups: 2, queries: 48, d: 4 }, ({ q, k, v }) =>
      attention(q, k, v, { causal: true }),
    ),
  'one group for all heads': () =>
    attentionGraph({ batch: 1, heads: 3, groups: 1, queries: 48, d: 4 }, ({ q, k, v }) => attention(q, k, v)),
  'a mask of keys for each text': () =>
    attentionGraph(
      base,
      ({ q, k, v, m }) => attention(q, k, v, { mask: m.greater(0), causal: true }),
      [2, 1, 1, 48],
    ),
  'a mask for each query and key, with rows that see nothing': () =>
    attentionGraph(base, ({ q, k, v, m }) => attention(q, k, v, { mask: m.greater(1.2) }), [48, 48]),
  'a mask that is added, for each head': () =>
    attentionGraph(base, ({ q, k, v, m }) => attention(q, k, v, { mask: m }), [1, 2, 48, 48]),
  'a scale of its own': () =>
    attentionGraph(base, ({ q, k, v }) => attention(q, k, v, { scale: 0.7, causal: true })),
  'turned queries and keys': () =>
    attentionGraph(base, ({ q, k, v }) => attention(rotary(q), rotary(k), v, { causal: true })),
  'by hand': () => attentionGraph(base, ({ q, k, v }) => softmax(matmul(q, turned(k)).mul(0.4)).matmul(v)),
  'by hand, masked': () =>
    attentionGraph(base, ({ q, k, v }) => {
      const scores = where(causal(q, k), matmul(q, turned(k)).div(3), -Infinity);
      return softmax(scores).matmul(v);
    }),
  'by hand, with a triangle of minus infinity added': () =>
    attentionGraph(base, ({ q, k, v }) => {
      const added = where(causal(q, k), 0, -Infinity);
      return softmax(matmul(q, turned(k)).mul(0.4).add(added)).matmul(v);
    }),
  'by hand, without the largest': () =>
    attentionGraph(base, ({ q, k, v }) => plainSoftmax(matmul(q, turned(k)).mul(0.2)).matmul(v)),
  'by hand, less the largest, through which a gradient goes too': () =>
    attentionGraph(base, ({ q, k, v }) =>
      lessLargest(where(causal(q, k), matmul(q, turned(k)), -Infinity)).matmul(v),
    ),
  'by hand, with something that is seen beside all keys': () =>
    attentionGraph(base, ({ q, k, v }) => lessLargest(matmul(q, turned(k)).mul(0.3), 1).matmul(v)),
  'by hand, divided last': () => attentionGraph(base, divideLast),
  'by hand, with capped scores': () =>
    attentionGraph(base, ({ q, k, v }) => softmax(matmul(q, turned(k)).tanh().mul(2)).matmul(v)),
  'by hand, of a window of places': () =>
    attentionGraph({ batch: 1, heads: 1, queries: 96, d: 4 }, ({ q, k, v }) => {
      const seen = where(lowerTriangle(96, 96, -9), -Infinity, where(lowerTriangle(96, 96), 0, -Infinity));
      return softmax(matmul(q, turned(k)).add(seen)).matmul(v);
    }),
  'of a text to itself, as queries, keys and values': () =>
    attentionGraph(base, ({ q, k, v }) =>
      softmax(matmul(q, turned(q)).mul(0.2))
        .matmul(q)
        .add(k.mul(v)),
    ),
  'forward alone': () =>
    trace('forward', { x: f32(2, 2, 48, 4) }, ({ x }) => ({ y: attention(x, x, x, { causal: true }) })),
  'of matrices': () =>
    trace('matrices', { x: f32(48, 4), y: f32(64, 4) }, ({ x, y }) => {
      const z = attention(x, y, y);
      const [dx, dy] = gradients(z.mul(z).sum(), [x, y]);
      return { z, dx: dx!, dy: dy! };
    }),
  'two layers': () =>
    trace('layers', { x: f32(2, 2, 40, 4) }, ({ x }) => {
      const first = attention(x, x, x, { causal: true });
      const y = attention(first.add(x), first, x, { causal: true });
      const [dx] = gradients(y.mul(y).sum(), [x]);
      return { y, dx: dx! };
    }),
};

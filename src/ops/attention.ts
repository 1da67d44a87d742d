import { boolean, checkOptions, finite } from '../check.js';
import { DTypeError, ShapeError } from '../errors.js';
import { formatShape, formatType, requireDType, type Shape } from '../shape.js';
import { equal, where } from './compare.js';
import { add, div, exp, mul, sub } from './elementwise.js';
import { finiteMax } from './functions.js';
import { lowerTriangle } from './masks.js';
import { matmul } from './matmul.js';
import { reshape, transpose } from './movement.js';
import { sum } from './reduce.js';
import { type Tensor, type TensorLike, toTensor } from './tensor.js';

export interface AttentionOptions {
  /**
   * Broadcast to [..., heads, queries, keys]. bool: which keys a query may see; a query that may see none gets zeros.
   * f32: added to the scores.
   */
  mask?: Tensor | undefined;
  /** A query sees no later keys: of as many keys as queries those up to its own place; the last query sees all. */
  causal?: boolean | undefined;
  /** Of the scores; 1 / sqrt(width of a head) unless given. */
  scale?: number | undefined;
}

/**
 * softmax(q kᵀ / sqrt(d)) v, for each head: what every query makes of the values whose keys are like it. (Vaswani et
 * al.
 * 2017, equation 1.) q: f32[..., heads, queries, d]; k: [..., groups, keys, d]; v: [..., groups, keys, e] ->
 * [..., heads, queries, e]. Heads share keys and values where there are fewer groups (Ainslie et al. 2023): head h
 * those
 * of group floor(h / (heads / groups)). Compiled, it is made in blocks where its scores would not stay in the cache:
 * they are
 * then never in memory as a whole, and values that a causal mask hides are not looked at, be they NaN.
 *
 * @example
 * ```ts
 * import { attention, tensor } from '2headgrad';
 * // One head, two queries: each looks most at the key that is like it.
 * const q = tensor([[[4, 0], [0, 4]]]);
 * console.log(attention(q, q, tensor([[[1], [2]]]), { scale: 1 })); // Tensor f32[1, 2, 1] [1, 2]
 * ```
 */
export function attention(
  q: TensorLike,
  k: TensorLike,
  v: TensorLike,
  options: AttentionOptions = {},
): Tensor {
  const [queries, keys, values] = [toTensor(q), toTensor(k), toTensor(v)];
  for (const t of [queries, keys, values]) requireDType('attention', t, 'f32');
  checkShapes(queries.shape, keys.shape, values.shape);
  const { weights, inGroups, shared } = weigh('attention', queries, keys, options);
  const result = matmul(weights, inGroups(values));
  return shared ? reshape(result, [...queries.shape.slice(0, -1), values.shape.at(-1)!]) : result;
}

/**
 * What `attention` multiplies the values with: how much every query takes of each, [..., heads, queries, keys], from 0
 * to 1
 * and 1 together for a query that may see any. For looking at: `attention` itself need not keep them.
 *
 * @example
 * ```ts
 * import { attentionWeights, tensor } from '2headgrad';
 * const q = tensor([[[1, 0], [0, 1]]]);
 * console.log(attentionWeights(q, q, { causal: true, scale: 1 })); // Tensor f32[1, 2, 2] [1, 0, 0.268941, 0.731059]
 * ```
 */
export function attentionWeights(q: TensorLike, k: TensorLike, options: AttentionOptions = {}): Tensor {
  const [queries, keys] = [toTensor(q), toTensor(k)];
  for (const t of [queries, keys]) requireDType('attentionWeights', t, 'f32');
  checkShapes(queries.shape, keys.shape, keys.shape, 'attentionWeights');
  const { weights, shared } = weigh('attentionWeights', queries, keys, options);
  return shared ? reshape(weights, [...queries.shape.slice(0, -1), keys.shape.at(-2)!]) : weights;
}

interface Weighed {
  weights: Tensor;
  /** Whether heads share keys; then there is one axis for the groups in weights, and one for the heads of each. */
  shared: boolean;
  inGroups(t: Tensor): Tensor;
}

function weigh(what: string, queries: Tensor, keys: Tensor, options: AttentionOptions): Weighed {
  checkOptions(what, options, ['mask', 'causal', 'scale']);
  const d = queries.shape.at(-1)!;
  const { mask, causal = false, scale = 1 / Math.sqrt(d) } = options;
  boolean(`${what}: causal`, causal);
  finite(`${what}: scale`, scale);
  const heads = queries.shape.at(-3);
  const groups = keys.shape.at(-3);
  const shared = heads !== undefined && groups !== undefined && groups !== heads && groups !== 1;
  const grouped = (t: Tensor) => {
    const each = t.shape.at(-3) === heads ? [groups!, heads! / groups!] : [t.shape.at(-3)!, 1];
    return reshape(t, [...t.shape.slice(0, -3), ...each, ...t.shape.slice(-2)]);
  };
  const inGroups = (t: Tensor) => (shared && t.rank > 2 ? grouped(t) : t);
  const scores = mul(matmul(inGroups(queries), transposed(inGroups(keys))), scale);
  const seen = visible(what, queries.shape, keys.shape, mask, causal);
  return { weights: softmaxOf(scores, seen.map(inGroups)), shared, inGroups };
}

/** Softmax along the last axis of what masks let through; zeros where they let nothing. */
function softmaxOf(scores: Tensor, masks: readonly Tensor[]): Tensor {
  const masked = masks.reduce(
    (s, mask) => (mask.dtype === 'bool' ? where(mask, s, Number.NEGATIVE_INFINITY) : add(s, mask)),
    scores,
  );
  const e = exp(sub(masked, finiteMax('attention', masked, masked.rank - 1)));
  const total = sum(e, -1, { keepDims: true });
  return div(e, masks.length ? where(equal(total, 0), 1, total) : total);
}

function visible(what: string, q: Shape, k: Shape, mask: Tensor | undefined, causal: boolean): Tensor[] {
  const [queries, keys] = [q.at(-2)!, k.at(-2)!];
  const masks = causal ? [lowerTriangle(queries, keys, keys - queries)] : [];
  if (mask === undefined) return masks;
  const t = toTensor(mask);
  if (t.dtype === 'i32')
    throw new DTypeError(
      `${what}: a mask is bool or f32, not ${formatType(t)}: compare it, as in mask.notEqual(0)`,
    );
  const scores = [...q.slice(0, -1), keys];
  const fits =
    t.rank <= scores.length && t.shape.every((n, i) => n === 1 || n === scores[scores.length - t.rank + i]);
  if (!fits)
    throw new ShapeError(
      `${what}: the mask ${formatShape(t.shape)} does not broadcast to the scores ${formatShape(scores)}`,
    );
  return [...masks, t];
}

function checkShapes(q: Shape, k: Shape, v: Shape, what = 'attention'): void {
  const wrong = (why: string) =>
    new ShapeError(
      `${what}: q ${formatShape(q)}, k ${formatShape(k)}${what === 'attention' ? `, v ${formatShape(v)}` : ''}: ${why}`,
    );
  if (q.length < 2 || k.length !== q.length || v.length !== q.length)
    throw wrong('expected as many axes of each, [..., heads, places, width]');
  if (q.at(-1) !== k.at(-1)) throw wrong('queries and keys differ in width');
  if (k.at(-2) !== v.at(-2)) throw wrong('there must be a value for each key');
  if (k.at(-2) === 0) throw wrong('there are no keys to look at');
  if (formatShape(k.slice(0, -2)) !== formatShape(v.slice(0, -2)))
    throw wrong('keys and values differ in their leading axes');
  const [heads, groups] = [q.at(-3) ?? 1, k.at(-3) ?? 1];
  if (groups === 0 || heads % groups !== 0)
    throw wrong(`${heads} heads cannot share ${groups} groups of keys: groups must divide heads`);
  if (formatShape(q.slice(0, -3)) !== formatShape(k.slice(0, -3)))
    throw wrong('queries and keys differ in their leading axes');
}

function transposed(t: Tensor): Tensor {
  const axes = t.shape.map((_, i) => i);
  return transpose(t, [...axes.slice(0, -2), t.rank - 1, t.rank - 2]);
}

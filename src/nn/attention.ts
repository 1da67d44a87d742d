import { boolean, checkOptions, fraction, shown, wholeNumber } from '../check.js';
import { OptionError } from '../errors.js';
import { type AttentionOptions, attention, attentionWeights } from '../ops/attention.js';
import { reshape, transpose } from '../ops/movement.js';
import { rotary } from '../ops/rotary.js';
import { split } from '../ops/split.js';
import type { Tensor } from '../ops/tensor.js';
import { type KeyValueCache, onePlace, remember } from './cache.js';
import { dropout } from './dropout.js';
import { checkInput } from './inputs.js';
import { linear } from './layers.js';
import { layerOf, type Module } from './module.js';

export interface MultiHeadAttentionOptions {
  /** A place sees no later ones. */
  causal?: boolean | undefined;
  /** Of keys and values, which heads then share; as many as heads unless given. */
  groups?: number | undefined;
  /** Width of the places that are looked at, where they are others: `layer(x, { memory })`. */
  memory?: number | undefined;
  /** Turn queries and keys by their places (see `rotary`); with this base, or `true` for 10,000. */
  rotary?: boolean | number | undefined;
  /** In the products around it; by default yes. */
  bias?: boolean | undefined;
  /** Of what comes out; 0 unless given. */
  dropout?: number | undefined;
}

export interface AttentionInputs {
  /** f32[batch, keys, memory]: what is looked at, if the layer has `memory`. */
  memory?: Tensor | undefined;
  /** Broadcast to [batch, heads, places, keys] (see `attention`). */
  mask?: Tensor | undefined;
  /** Of causal attention to one place at a time: x is f32[batch, 1, width], and sees the places before it from here. */
  cache?: KeyValueCache | undefined;
  /** With a cache, i32 of one element: where x stands. */
  place?: Tensor | undefined;
  /** Called with how much each place takes of which, f32[batch, heads, places, keys]: see `attentionWeights`. */
  watch?: ((weights: Tensor) => void) | undefined;
}

/**
 * Attention of several heads: each makes queries, keys and values of its own, and what they find is joined again.
 * x: f32[batch, places, width] -> the same. (Vaswani et al. 2017, section 3.2.2.)
 *
 * `input` has the matrices of queries, keys and values side by side, head by head; with `memory`, `query` has the first
 * and `memory` the other two.
 *
 * @example
 * ```ts
 * import { f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.multiHeadAttention(16, 2, { causal: true }),
 *   batch: { x: f32(4, 20, 16), y: f32(4, 20, 16) },
 *   loss: (model, { x, y }) => meanSquaredError(model(x), y),
 *   optimizer: optim.adam(),
 * });
 * console.log(step.interpret().parameterCount); // 1088
 * ```
 */
export function multiHeadAttention(
  width: number,
  heads: number,
  options: MultiHeadAttentionOptions = {},
): Module<[x: Tensor, more?: AttentionInputs]> {
  const what = 'multiHeadAttention';
  checkOptions(what, options, ['causal', 'groups', 'memory', 'rotary', 'bias', 'dropout']);
  wholeNumber(`${what}: width`, width);
  wholeNumber(`${what}: heads`, heads);
  const { causal = false, groups = heads, memory: seen, rotary: turned = false, bias = true } = options;
  const { dropout: dropped = 0 } = options;
  wholeNumber(`${what}: groups`, groups);
  fraction(`${what}: dropout`, dropped);
  boolean(`${what}: causal`, causal);
  if (typeof turned !== 'number') boolean(`${what}: rotary`, turned);
  if (width % heads !== 0) throw new OptionError(`${what}: ${heads} heads do not divide a width of ${width}`);
  if (heads % groups !== 0) throw new OptionError(`${what}: ${groups} groups do not divide ${heads} heads`);
  const size = width / heads;
  if (turned && size % 2 !== 0)
    throw new OptionError(`${what}: rotary turns pairs, and the width of a head, ${size}, is odd`);
  if (turned && seen !== undefined)
    throw new OptionError(`${what}: rotary needs queries and keys of one text, not of a memory`);
  const shared = groups * size;
  const dense = (inputs: number, outputs: number) => linear(inputs, outputs, { bias });
  const inputs =
    seen === undefined
      ? { input: dense(width, width + 2 * shared) }
      : { query: dense(width, width), memory: dense(seen, 2 * shared) };
  const output = dense(width, width);
  const drop = dropped > 0 ? dropout(dropped) : null;
  const apart = (t: Tensor, count: number) =>
    transpose(reshape(t, [t.shape[0], t.shape[1], count, size]), [0, 2, 1, 3]);
  const base = typeof turned === 'number' ? { base: turned } : {};
  const turn = (t: Tensor, positions?: Tensor) =>
    turned ? rotary(t, { ...base, ...(positions && { positions }) }) : t;
  const fromCache = (q: Tensor, k: Tensor, v: Tensor, { cache, place, mask, watch }: AttentionInputs) => {
    if (!causal || seen !== undefined || mask || q.shape[2] !== 1)
      throw new OptionError(
        `${what}: a cache is for causal attention of a text to itself, one place at a time and without a mask`,
      );
    const at = onePlace(what, place, cache!.keys.shape[2]);
    const kept = remember(what, cache!, turn(k, at), v, at);
    return found(turn(q, at), kept.keys, kept.values, { mask: kept.seen }, watch);
  };

  const forward = (x: Tensor, more: AttentionInputs = {}) => {
    checkOptions(what, more, ['memory', 'mask', 'cache', 'place', 'watch']);
    if (more.watch !== undefined && typeof more.watch !== 'function')
      throw new OptionError(`${what}: watch is a function that gets the weights, not ${shown(more.watch)}`);
    const made = (width: number) => `${what}(${width}, ${heads})`;
    const fits = (size: number) => (size % heads === 0 ? { fits: made } : {});
    checkInput(x, { layer: made(width), form: ['batch', 'places', width], ...fits(x.shape.at(-1)!) });
    if ((more.memory !== undefined) !== (seen !== undefined))
      throw new OptionError(
        seen === undefined
          ? `${what}: it was made without a memory: give its width, as in { memory: ${width} }`
          : `${what}: it looks at a memory: call it with (x, { memory })`,
      );
    if (more.memory)
      checkInput(more.memory, { layer: `${made(width)}: memory`, form: ['batch', 'places', seen!] });
    const [q, k, v] = inputs.input
      ? split(inputs.input(x), [width, shared, shared], -1)
      : [inputs.query(x), ...split(inputs.memory(more.memory!), [shared, shared], -1)];
    const [queries, keys, values] = [apart(q, heads), apart(k, groups), apart(v, groups)];
    const options = { causal, ...(more.mask && { mask: more.mask }) };
    const heard = more.cache
      ? fromCache(queries, keys, values, more)
      : found(turn(queries), turn(keys), values, options, more.watch);
    const joined = output(reshape(transpose(heard, [0, 2, 1, 3]), x.shape));
    return drop ? drop(joined) : joined;
  };
  return layerOf({ ...inputs, output, ...(drop && { dropout: drop }) }, forward, what);
}

/** What the queries find; whoever watches gets to know where. */
function found(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: AttentionOptions,
  watch?: (weights: Tensor) => void,
): Tensor {
  watch?.(attentionWeights(q, k, options));
  return attention(q, k, v, options);
}

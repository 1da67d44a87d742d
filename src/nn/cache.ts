import { checkGiven, checkOptions, wholeNumber } from '../check.js';
import { ShapeError } from '../errors.js';
import * as init from '../init/init.js';
import { equal, lessEqual, where } from '../ops/compare.js';
import { asIndices } from '../ops/gather.js';
import { iota } from '../ops/leaf.js';
import { reshape } from '../ops/movement.js';
import { type Tensor, toTensor, type Variable } from '../ops/tensor.js';
import { formatShape, formatType } from '../shape.js';
import { state } from './module.js';

/** Keys and values of the places that were seen, f32[batch, groups, places, size] each. */
export interface KeyValueCache {
  readonly keys: Variable;
  readonly values: Variable;
}

export interface KeyValueCacheOptions {
  /** Texts at a time; 1 unless given. */
  batch?: number | undefined;
  /** Of keys and values, as the attention has them: its heads, unless they share. */
  groups: number;
  /** The most that are kept. */
  places: number;
  /** Width of a head. */
  size: number;
}

/**
 * State for what an attention has made of the places before, so that the next one costs no more than a look at them.
 * @example
 * ```ts
 * import { nn } from '2headgrad';
 * // For a text of up to 64 places, two heads of width 8.
 * const cache = nn.keyValueCache({ groups: 2, places: 64, size: 8 });
 * console.log(cache.keys.shape, cache.keys.kind); // [ 1, 2, 64, 8 ] state
 * ```
 */
export function keyValueCache(options: KeyValueCacheOptions): KeyValueCache {
  checkGiven('keyValueCache', options, '{ groups, places, size }');
  checkOptions('keyValueCache', options, ['batch', 'groups', 'places', 'size']);
  const { batch = 1, groups, places, size } = options;
  for (const [name, value] of Object.entries({ batch, groups, places, size }))
    wholeNumber(`keyValueCache: ${name}`, value);
  const make = () => state([batch, groups, places, size], init.zeros);
  return { keys: make(), values: make() };
}

/** The place of a token, i32 of one element, as i32[1] below `places`. */
export function onePlace(what: string, place: Tensor | undefined, places: number): Tensor {
  if (place === undefined) throw new ShapeError(`${what}: a cache needs the place of x, { cache, place }`);
  const t = toTensor(place);
  if (t.dtype !== 'i32' || t.shape.some((n) => n !== 1))
    throw new ShapeError(`${what}: place must be one i32, not ${formatType(t)}`);
  return asIndices(reshape(t, [1]), places, `${what}: place`);
}

/**
 * Puts the key and the value of a place, f32[batch, groups, 1, size], into a cache; gives all that it then has, and which
 * of its places are seen from there: those up to it, bool[places].
 */
export function remember(
  what: string,
  cache: KeyValueCache,
  k: Tensor,
  v: Tensor,
  place: Tensor,
): { keys: Tensor; values: Tensor; seen: Tensor } {
  const [batch, groups, , size] = k.shape;
  const places = cache.keys.shape[2];
  const expected = formatShape([batch, groups, places, size]);
  for (const { shape } of [cache.keys, cache.values])
    if (formatShape(shape) !== expected)
      throw new ShapeError(`${what}: the cache is ${formatShape(shape)}, and must be ${expected} here`);
  const here = equal(reshape(iota(places), [places, 1]), place);
  const [keys, values] = [where(here, k, cache.keys), where(here, v, cache.values)];
  cache.keys.assign(keys);
  cache.values.assign(values);
  return { keys, values, seen: lessEqual(iota(places), place) };
}

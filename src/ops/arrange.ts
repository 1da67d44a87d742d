import { shown } from '../check.js';
import { ShapeError } from '../errors.js';
import { formatShape, normalizeAxes, normalizeAxis, numel, type Shape } from '../shape.js';
import { cast, equal } from './compare.js';
import { add, mul, sub } from './elementwise.js';
import { asIndices, gather, scatterAdd } from './gather.js';
import { iota } from './leaf.js';
import { broadcastTo, concat, reshape } from './movement.js';
import { type Tensor, type TensorLike, toTensor } from './tensor.js';

// Functions that put elements in another order, or choose among them, written in ops.

/**
 * Tensors of one shape along a new axis: n times [a, b] at axis 0 is [n, a, b].
 * @example
 * ```ts
 * import { stack, tensor } from '2headgrad';
 * console.log(stack([tensor([1, 2]), tensor([3, 4])], 1)); // Tensor f32[2, 2] [1, 3, 2, 4]
 * ```
 */
export function stack(tensors: readonly Tensor[], axis = 0): Tensor {
  if (!Array.isArray(tensors) || tensors.length === 0)
    throw new ShapeError(`stack: needs an array of at least one tensor, got ${shown(tensors)}`);
  const list = tensors.map((t) => toTensor(t));
  const [first] = list;
  const odd = list.find((t) => formatShape(t.shape) !== formatShape(first.shape));
  if (odd)
    throw new ShapeError(`stack: shapes differ: ${formatShape(first.shape)} and ${formatShape(odd.shape)}`);
  const at = normalizeAxis('stack', axis, first.rank + 1);
  const shape = [...first.shape.slice(0, at), 1, ...first.shape.slice(at)];
  return concat(
    list.map((t) => reshape(t, shape)),
    at,
  );
}

/**
 * The elements in the opposite order along `axes` (all, unless given).
 * @example
 * ```ts
 * import { flip, tensor } from '2headgrad';
 * console.log(flip(tensor([[1, 2], [3, 4]]), 1)); // Tensor f32[2, 2] [2, 1, 4, 3]
 * ```
 */
export function flip(x: TensorLike, axes?: number | readonly number[]): Tensor {
  const t = toTensor(x);
  return normalizeAxes('flip', axes, t.rank).reduce((y, axis) => {
    const n = y.shape[axis];
    return n < 2 ? y : take(y, sub(n - 1, iota(n)), axis);
  }, t);
}

/**
 * x side by side with itself, `counts` times along each axis: tile of [2, 3] by [1, 2] is [2, 6].
 * @example
 * ```ts
 * import { tensor, tile } from '2headgrad';
 * console.log(tile(tensor([[1, 2]]), [2, 2])); // Tensor f32[2, 4] [1, 2, 1, 2, 1, 2, 1, 2]
 * ```
 */
export function tile(x: TensorLike, counts: readonly number[]): Tensor {
  const t = toTensor(x);
  if (!Array.isArray(counts) || counts.length !== t.rank || counts.some((n) => !Number.isInteger(n) || n < 0))
    throw new ShapeError(
      `tile: expected a whole number for each axis of ${formatShape(t.shape)}, got ${shown(counts)}`,
    );
  const between = t.shape.flatMap((n) => [1, n]);
  const repeated = t.shape.flatMap((n, i) => [counts[i], n]);
  return reshape(
    broadcastTo(reshape(t, between), repeated),
    t.shape.map((n, i) => n * counts[i]),
  );
}

/**
 * 1 at the place that each id names and 0 elsewhere: i32[...], each in [0, size) -> f32[..., size].
 * @example
 * ```ts
 * import { oneHot, tensor } from '2headgrad';
 * console.log(oneHot(tensor([2, 0], { dtype: 'i32' }), 3)); // Tensor f32[2, 3] [0, 0, 1, 1, 0, 0]
 * ```
 */
export function oneHot(ids: Tensor, size: number): Tensor {
  const index = asIndices(ids, size, 'oneHot');
  return cast(equal(iota(size), reshape(index, [...index.shape, 1])), 'f32');
}

/**
 * The slices of x along `axis` that ids name: [..., n, ...] and i32[ids...] -> [..., ids..., ...]; `gather` by another
 * name.
 * @example
 * ```ts
 * import { take, tensor } from '2headgrad';
 * console.log(take(tensor([[1, 2, 3], [4, 5, 6]]), tensor([2, 0], { dtype: 'i32' }), 1)); // Tensor f32[2, 2] [3, 1, 6, 4]
 * ```
 */
export function take(x: TensorLike, ids: Tensor, axis = 0): Tensor {
  const t = toTensor(x);
  return gather(t, ids, normalizeAxis('take', axis, t.rank));
}

/**
 * The element of each place that an id names along `axis`: x [a, n, b] and ids i32[a, m, b], each in [0, n) -> [a, m,
 * b],
 * y[i, j, k] = x[i, ids[i, j, k], k]. All axes but that one agree.
 *
 * @example
 * ```ts
 * import { takeAlong, tensor } from '2headgrad';
 * console.log(takeAlong(tensor([[1, 2, 3], [4, 5, 6]]), tensor([[2], [0]], { dtype: 'i32' }))); // Tensor f32[2, 1] [3, 4]
 * ```
 */
export function takeAlong(x: TensorLike, ids: Tensor, axis = -1): Tensor {
  const t = toTensor(x);
  const { rows, shape } = placesAlong('takeAlong', t.shape, ids, axis);
  return reshape(gather(reshape(t, [numel(t.shape)]), rows), shape);
}

/**
 * base with updates added to the places that `takeAlong` would read: base [a, n, b]; ids and updates [a, m, b].
 * @example
 * ```ts
 * import { scatterAddAlong, tensor } from '2headgrad';
 * const ids = tensor([[0, 0, 2]], { dtype: 'i32' });
 * console.log(scatterAddAlong(tensor([[0, 0, 0]]), ids, tensor([[1, 2, 3]]))); // Tensor f32[1, 3] [3, 0, 3]
 * ```
 */
export function scatterAddAlong(base: TensorLike, ids: Tensor, updates: TensorLike, axis = -1): Tensor {
  const [t, u] = [toTensor(base), toTensor(updates)];
  const { rows, shape } = placesAlong('scatterAddAlong', t.shape, ids, axis);
  if (formatShape(u.shape) !== formatShape(shape))
    throw new ShapeError(
      `scatterAddAlong: updates ${formatShape(u.shape)} must have the shape of ids, ${formatShape(shape)}`,
    );
  return reshape(scatterAdd(reshape(t, [numel(t.shape)]), rows, reshape(u, [numel(shape)])), t.shape);
}

/** Where the places that ids name along an axis lie among all elements. */
function placesAlong(what: string, shape: Shape, ids: Tensor, axis: number) {
  const at = normalizeAxis(what, axis, shape.length);
  const index = asIndices(ids, shape[at], what);
  const fits = index.rank === shape.length && shape.every((n, i) => i === at || n === index.shape[i]);
  if (!fits)
    throw new ShapeError(
      `${what}: ids ${formatShape(index.shape)} must have the axes of ${formatShape(shape)}, of any size along axis ${axis}`,
    );
  if (numel(shape) >= 2 ** 31)
    throw new ShapeError(`${what}: ${formatShape(shape)} has more elements than an i32 can count`);
  const inner = numel(shape.slice(at + 1));
  const along = (n: number, step: number, place: number) =>
    reshape(
      mul(iota(n), step),
      shape.map((_, i) => (i === place ? n : 1)),
    );
  // The first element of each line along the axis, one term for each other axis.
  const firsts = shape.flatMap((n, i) => {
    if (i === at || n === 1) return [];
    return [along(n, numel(shape.slice(i + 1)), i)];
  });
  const rows = firsts.reduce((sum, term) => add(sum, term), mul(index, inner));
  return { rows: reshape(rows, [numel(index.shape)]), shape: index.shape };
}

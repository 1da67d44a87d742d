import { checkOptions, shown } from '../check.js';
import { ShapeError } from '../errors.js';
import { formatShape, normalizeAxis, numel, requireDType, severalResults } from '../shape.js';
import { equal, notEqual, where } from './compare.js';
import { neg, sub } from './elementwise.js';
import { iota } from './leaf.js';
import { reshape } from './movement.js';
import { type Attrs, defineOp, type Op } from './op.js';
import { max, type ReduceOptions } from './reduce.js';
import { applyForAll } from './results.js';
import { type Tensor, type TensorLike, toTensor } from './tensor.js';

/** `anyZero`: of zeros of both signs the value is +0, as that of `max`, whichever was chosen; that spares a look at it. */
type AxisAttrs = { axis: number; anyZero?: true } & Attrs;

/** Positions along an axis, in a shape that broadcasts against x. */
export function places(x: Tensor, axis: number): Tensor {
  return reshape(
    iota(x.shape[axis]),
    x.shape.map((size, i) => (i === axis ? size : 1)),
  );
}

const maxWithIndexOp: Op<AxisAttrs> = defineOp<AxisAttrs>({
  name: 'max_with_index',
  onnx: (to, [x], { attrs: { axis } }) => [
    to.node('ReduceMax', [x, to.ints([axis])]),
    to.cast(to.node('ArgMax', [x], { axis }), 'i32'),
  ],
  type([x], { axis }) {
    requireDType('maxWithIndex', x, 'f32', 'i32');
    normalizeAxis('maxWithIndex', axis, x.shape.length);
    if (x.shape[axis] === 0)
      throw new ShapeError(`maxWithIndex: axis ${axis} of ${formatShape(x.shape)} is empty`);
    const shape = x.shape.map((size, i) => (i === axis ? 1 : size));
    return severalResults([
      { shape, dtype: x.dtype },
      { shape, dtype: 'i32' },
    ]);
  },
  vjp: null,
  // To the one element that was chosen.
  vjpOfSeveral({ inputs: [x], outputs: [, index], cotangents: [g], attrs: { axis } }) {
    return [g && where(equal(places(x, axis), index), g, 0)];
  },
  reference([x], { axis, anyZero }, out) {
    const [values, indices] = out.results!;
    const n = x.shape[axis];
    const inner = x.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
    for (let o = 0; o < values.data.length; o++) {
      const first = Math.floor(o / inner) * inner * n + (o % inner);
      let best = 0;
      for (let i = 1; i < n; i++) {
        const [most, next] = [x.data[first + best * inner], x.data[first + i * inner]];
        if (next > most || (Number.isNaN(next) && !Number.isNaN(most))) best = i;
      }
      values.data[o] = x.data[first + best * inner];
      for (let i = best; anyZero && values.data[o] === 0 && i < n; i++)
        if (Object.is(x.data[first + i * inner], 0)) values.data[o] = 0;
      indices.data[o] = best;
    }
  },
  lower: {
    kind: 'composite',
    expand([x], attrs) {
      const axis = attrs.axis as number;
      const largest = max(x, axis, { keepDims: true });
      const last = x.shape[axis] - 1;
      const fromEnd = sub(last, places(x, axis));
      // There is always a hit, so that 0 for the others does no harm, and keeps the place within the axis for any x.
      const hits = (hit: Tensor, otherwise: Tensor | number) => where(hit, fromEnd, otherwise);
      // What is no number does not equal itself.
      const nan = x.dtype === 'f32' ? hits(notEqual(x, x), 0) : 0;
      const furthest = max(hits(equal(x, largest), nan), axis, { keepDims: true });
      const index = sub(last, furthest);
      if (attrs.anyZero || x.dtype !== 'f32') return [largest, index];
      // Of zeros of both signs the largest is +0: the element itself is the largest of those at its place.
      const there = where(equal(places(x, axis), index), x, Number.NEGATIVE_INFINITY);
      return [max(there, axis, { keepDims: true }), index];
    },
  },
});

/**
 * The largest along an axis, which stays, with a gradient to the first of those that are equal. Of zeros of both signs the value
 * is +0. For pools, whose values are then no more than a `max`.
 */
export function largestAlong(x: Tensor, axis: number): Tensor {
  return applyForAll(maxWithIndexOp, [x], { axis, anyZero: true })[0];
}

export interface MaxWithIndex {
  /** The largest elements. */
  values: Tensor;
  /** i32: where each of them stands along the axis. */
  indices: Tensor;
}

/**
 * The largest element along `axis` and its place: x: [..., n, ...] -> values and indices without that axis (`keepDims`:
 * with size 1). Without an axis, of all elements, in row-major order. Of several that are equal it takes the first, and
 * NaN
 * counts as the largest, as in PyTorch. The gradient goes to the one element that was chosen. x: f32 or i32.
 *
 * @example
 * ```ts
 * import { maxWithIndex, tensor } from '2headgrad';
 * const { values, indices } = maxWithIndex(tensor([[1, 9, 3], [7, 5, 6]]), 1);
 * console.log(values, indices); // Tensor f32[2] [9, 7] Tensor i32[2] [1, 0]
 * ```
 */
export function maxWithIndex(x: TensorLike, axis?: number, options: ReduceOptions = {}): MaxWithIndex {
  return withIndex('maxWithIndex', toTensor(x), axis, options);
}

/**
 * As maxWithIndex, of the smallest element; NaN counts as the smallest.
 * @example
 * ```ts
 * import { minWithIndex, tensor } from '2headgrad';
 * const { values, indices } = minWithIndex(tensor([[1, 9, 3], [7, 5, 6]]), 1);
 * console.log(values, indices); // Tensor f32[2] [1, 5] Tensor i32[2] [0, 1]
 * ```
 */
export function minWithIndex(x: TensorLike, axis?: number, options: ReduceOptions = {}): MaxWithIndex {
  const t = toTensor(x);
  const { values, indices } = withIndex('minWithIndex', turnedRound(t), axis, options);
  return { values: turnedRound(values), indices };
}

/**
 * Where the largest element along `axis` stands, i32: [..., n, ...] -> [..., ...]. Without an axis, its place among all
 * elements in row-major order. Of several that are equal the first; NaN counts as the largest. x: f32 or i32.
 * @example
 * ```ts
 * import { argmax, tensor } from '2headgrad';
 * console.log(argmax(tensor([[1, 9, 3], [7, 5, 6]]), 1)); // Tensor i32[2] [1, 0]
 * ```
 */
export function argmax(x: TensorLike, axis?: number, options: ReduceOptions = {}): Tensor {
  return withIndex('argmax', toTensor(x), axis, options).indices;
}

/**
 * As argmax, of the smallest element; NaN counts as the smallest.
 * @example
 * ```ts
 * import { argmin, tensor } from '2headgrad';
 * console.log(argmin(tensor([[1, 9, 3], [7, 5, 6]]), 1)); // Tensor i32[2] [0, 1]
 * ```
 */
export function argmin(x: TensorLike, axis?: number, options: ReduceOptions = {}): Tensor {
  return withIndex('argmin', turnedRound(toTensor(x)), axis, options).indices;
}

/** In the opposite order; of integers not the negative, since the smallest has none. */
function turnedRound(x: Tensor): Tensor {
  return x.dtype === 'i32' ? sub(-1, x) : neg(x);
}

function withIndex(what: string, x: Tensor, axis: number | undefined, options: ReduceOptions): MaxWithIndex {
  if (axis !== undefined && typeof axis !== 'number')
    throw new ShapeError(
      `${what}: the axis is a number, got ${shown(axis)}; options come third, as in ${what}(x, undefined, { keepDims: true })`,
    );
  checkOptions(what, options, ['keepDims']);
  requireDType(what, x, 'f32', 'i32');
  const line = axis === undefined ? reshape(x, [numel(x.shape)]) : x;
  const along = normalizeAxis(what, axis ?? 0, line.rank);
  if (line.shape[along] === 0)
    throw new ShapeError(
      `${what}: there is nothing to choose from ${axis === undefined ? 'in' : `along axis ${axis} of`} ${formatShape(x.shape)}`,
    );
  const [values, indices] = applyForAll(maxWithIndexOp, [line], { axis: along });
  const kept = axis === undefined ? x.shape.map(() => 1) : values.shape;
  const shape = options.keepDims ? kept : axis === undefined ? [] : kept.filter((_, i) => i !== along);
  return { values: reshape(values, shape), indices: reshape(indices, shape) };
}

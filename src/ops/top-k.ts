import { shown } from '../check.js';
import { ShapeError } from '../errors.js';
import { formatShape, normalizeAxis, requireDType, severalResults } from '../shape.js';
import { takeAlong } from './arrange.js';
import { cast, equal, notEqual, where } from './compare.js';
import { add, sub } from './elementwise.js';
import { type MaxWithIndex, places } from './extremes.js';
import { concat, slice } from './movement.js';
import { defineOp, type Elements, type Op } from './op.js';
import { max } from './reduce.js';
import { applyForAll } from './results.js';
import { type Tensor, type TensorLike, toTensor } from './tensor.js';

type TopKAttrs = { axis: number; k: number };

const topKOp: Op<TopKAttrs> = defineOp<TopKAttrs>({
  name: 'top_k',
  onnx(to, [x], { attrs: { axis, k } }) {
    const [values, indices] = to.nodes('TopK', [x, to.ints([k])], 2, { axis });
    return [values, to.cast(indices, 'i32')];
  },
  type([x], { axis, k }) {
    requireDType('topK', x, 'f32', 'i32');
    normalizeAxis('topK', axis, x.shape.length);
    if (!Number.isInteger(k) || k < 1 || k > x.shape[axis])
      throw new ShapeError(
        `topK: k is ${shown(k)}, and axis ${axis} of ${formatShape(x.shape)} has ${x.shape[axis]} elements: give a whole number from 1 to that`,
      );
    const shape = x.shape.map((size, i) => (i === axis ? k : size));
    return severalResults([
      { shape, dtype: x.dtype },
      { shape, dtype: 'i32' },
    ]);
  },
  vjp: null,
  // To the elements that were chosen, each of them once.
  vjpOfSeveral({ inputs: [x], outputs: [, indices], cotangents: [g], attrs: { axis, k } }) {
    if (!g) return [null];
    const parts = Array.from({ length: k }, (_, i) =>
      where(equal(places(x, axis), nth(indices, axis, i)), nth(g, axis, i), 0),
    );
    return [parts.reduce((sum, part) => add(sum, part))];
  },
  reference([x], { axis, k }, out) {
    const [values, indices] = out.results!;
    const n = x.shape[axis];
    const inner = x.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
    for (let line = 0; line < values.data.length / k; line++) {
      const [block, column] = [Math.floor(line / inner), line % inner];
      const at = (i: number, length: number) => (block * length + i) * inner + column;
      const order = Array.from({ length: n }, (_, i) => i).sort(
        (i, j) => before(x.data, at(i, n), at(j, n)) || i - j,
      );
      for (let i = 0; i < k; i++) {
        values.data[at(i, k)] = x.data[at(order[i], n)];
        indices.data[at(i, k)] = order[i];
      }
    }
  },
  lower: {
    kind: 'composite',
    // The largest, then the largest of what is left: k passes, where sorting would compare each with each.
    expand([x], { axis, k }) {
      const at = axis as number;
      const along = places(x, at);
      const last = x.shape[at] - 1;
      const lowest = x.dtype === 'i32' ? -(2 ** 31) : Number.NEGATIVE_INFINITY;
      const fromEnd = sub(last, along);
      // 0 for what is no hit does no harm, since there is always one, and keeps the place within the axis for any x.
      const placed = (hit: Tensor, otherwise: Tensor | number) => where(hit, fromEnd, otherwise);
      const nan = x.dtype === 'f32' ? placed(notEqual(x, x), 0) : 0;
      // What is taken is told by its place, since others may be equal.
      let left: Tensor | null = null;
      const [values, indices]: [Tensor[], Tensor[]] = [[], []];
      for (let i = 0; i < (k as number); i++) {
        const rest: Tensor = left ? where(left, x, lowest) : x;
        const largest = max(rest, at, { keepDims: true });
        const hits = placed(equal(rest, largest), nan);
        const furthest = max(left ? where(left, hits, 0) : hits, at, { keepDims: true });
        const index = sub(last, furthest);
        if (x.dtype !== 'f32') values.push(largest);
        indices.push(index);
        const others: Tensor = notEqual(along, index);
        left = left ? equal(where(left, cast(others, 'i32'), 0), 1) : others;
      }
      const chosen = concat(indices, at);
      // Of zeros of both signs the largest is +0, whichever was chosen: the element itself is read.
      return [x.dtype === 'f32' ? takeAlong(x, chosen, at) : concat(values, at), chosen];
    },
  },
});

/** Negative where element i comes before j: the larger first, NaN before all. */
function before(x: Elements, i: number, j: number): number {
  const [a, b] = [x[i], x[j]];
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(b)) - Number(Number.isNaN(a));
  return a === b ? 0 : a > b ? -1 : 1;
}

/** Element i along an axis, which stays. */
function nth(x: Tensor, axis: number, i: number): Tensor {
  const starts = x.shape.map((_, other) => (other === axis ? i : 0));
  return slice(
    x,
    starts,
    x.shape.map((n, other) => (other === axis ? 1 : n)),
  );
}

/**
 * The k largest elements along `axis` (the last unless given), the largest first, and their places: x: [..., n, ...] ->
 * values and indices [..., k, ...]. Of several that are equal the first comes first, and NaN counts as the largest. The
 * gradient goes to the elements that were chosen. Costs k passes over x, and compiled code for each of them: about 2 kB
 * for one
 * of k. x: f32 or i32. (PyTorch: topk.)
 *
 * @example
 * ```ts
 * import { tensor, topK } from '2headgrad';
 * const { values, indices } = topK(tensor([3, 1, 4, 1, 5]), 2);
 * console.log(values, indices); // Tensor f32[2] [5, 4] Tensor i32[2] [4, 2]
 * ```
 */
export function topK(x: TensorLike, k: number, axis = -1): MaxWithIndex {
  const t = toTensor(x);
  const at = normalizeAxis('topK', axis, t.rank);
  const [values, indices] = applyForAll(topKOp, [t], { axis: at, k });
  return { values, indices };
}

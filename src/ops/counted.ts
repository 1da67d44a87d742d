import { ShapeError } from '../errors.js';
import { formatShape, numel, requireDType, sameShape } from '../shape.js';
import { div, mul } from './elementwise.js';
import { sum } from './reduce.js';
import { apply, type ResultOf, type Tensor, type TensorLike, toTensor } from './tensor.js';

// Means over what counts, of which another part of the data has more or less: those of several batches are put together by how
// much counts in each.

const counts = new WeakMap<Tensor, Tensor>();

/** sum / count, both one number, remembered as a mean over so much. */
export function meanOfCounted(total: Tensor, count: Tensor): Tensor {
  const mean = div(total, count);
  counts.set(mean, count);
  return mean;
}

/**
 * The mean of values that count unequally: sum(values weights) / sum(weights), a scalar. Both are f32 of one shape; weights are 0 or
 * more, and where all are 0 the mean is NaN. As a loss or a metric it is exact over any number of rows in `session.evaluate`, which a
 * quotient of two sums is not, since a batch in which little counts would count as much as any other.
 * @example
 * ```ts
 * import { tensor, weightedMean } from '2headgrad';
 * console.log(weightedMean(tensor([1, 2, 3]), tensor([1, 0, 3]))); // Tensor f32[] 2.5
 * ```
 */
export function weightedMean<T extends Tensor>(values: T | number, weights: T): ResultOf<T>;
export function weightedMean(values: TensorLike, weights: Tensor): Tensor {
  const what = 'weightedMean';
  const [v, w] = [toTensor(values), toTensor(weights)];
  for (const t of [v, w]) requireDType(what, t, 'f32');
  if (!sameShape(v.shape, w.shape))
    throw new ShapeError(
      `${what}: the values are ${formatShape(v.shape)}, the weights ${formatShape(w.shape)}: give a weight for each value`,
    );
  return meanOfCounted(sum(mul(v, w)), sum(w));
}

/** A part of a sum: a mean over what counts, or over all rows. */
export interface Term {
  readonly value: Tensor;
  readonly count: Tensor | null;
}

/**
 * A number as the sum of means over what counts, scaled, and of the rest; null where it is made of no such mean, or not linearly.
 * It is followed back by `creator`, through one number after the other.
 */
export function countedTerms(of: Tensor): Term[] | null {
  const count = counts.get(of);
  if (count) return [{ value: of, count }];
  const { creator } = of;
  if (!creator?.op.linear || numel(of.shape) !== 1) return null;
  const { op, inputs, attrs } = creator;
  const each = inputs.map(countedTerms);
  const found = each.flatMap((terms, i) => (terms ? [i] : []));
  if (found.length === 0) return null;
  const { linear } = op;
  if (inputs.length > 1 && Array.isArray(linear))
    return each.flatMap((terms, i) =>
      (terms ?? [{ value: inputs[i], count: null }]).map(({ value, count }) => ({
        value: linear[i] === 1 ? value : mul(value, linear[i]),
        count,
      })),
    );
  const [at] = found;
  if (found.length > 1 || (linear === 'first' && at > 0) || linear === 'shift') return null;
  return each[at]!.map(({ value, count }) => ({
    value: apply(
      op,
      inputs.map((input, i) => (i === at ? value : input)),
      attrs,
    ),
    count,
  }));
}

import { checkOptions, oneOf } from '../check.js';
import { ShapeError } from '../errors.js';
import { formatShape, normalizeAxes, normalizeAxis, numel, requireDType } from '../shape.js';
import { geluOfErf, geluOfTanh } from './activations.js';
import { equal, greater, where } from './compare.js';
import { add, div, exp, log, mul, sub } from './elementwise.js';
import { reshape } from './movement.js';
import { nanmax, type ReduceOptions, sum } from './reduce.js';
import { belowMax, checkNotEmpty, pickFor } from './rows.js';
import { stopGradient } from './stop-gradient.js';
import { type Tensor, type TensorLike, toTensor } from './tensor.js';

// Functions written in ops: no rules of their own; the compiler fuses them from their structure.

type Axes = number | readonly number[];

/**
 * x times x. x: f32 or i32.
 * @example
 * ```ts
 * import { square, tensor } from '2headgrad';
 * console.log(square(tensor([2, -3]))); // Tensor f32[2] [4, 9]
 * ```
 */
export function square(x: TensorLike): Tensor {
  const t = toTensor(x);
  return mul(t, t);
}

/**
 * Mean over `axes` (all, unless given). x: f32: integers have to be cast, since their mean is no integer.
 * @example
 * ```ts
 * import { mean, tensor } from '2headgrad';
 * console.log(mean(tensor([[1, 2], [3, 6]]), 1)); // Tensor f32[2] [1.5, 4.5]
 * ```
 */
export function mean(x: TensorLike, axes?: Axes, options: ReduceOptions = {}): Tensor {
  const t = toTensor(x);
  requireDType('mean', t, 'f32');
  return mul(sum(t, axes, options), 1 / countAlong('mean', t, axes));
}

export interface VarianceOptions extends ReduceOptions {
  /** Divide by n - 1 (an unbiased estimate of the population's variance) instead of n. */
  unbiased?: boolean | undefined;
}

/**
 * Variance over `axes` (all, unless given), around the mean over the same axes. x: f32.
 * @example
 * ```ts
 * import { tensor, variance } from '2headgrad';
 * console.log(variance(tensor([1, 3])), variance(tensor([1, 3]), undefined, { unbiased: true })); // Tensor f32[] 1 Tensor f32[] 2
 * ```
 */
export function variance(x: TensorLike, axes?: Axes, given: VarianceOptions = {}): Tensor {
  checkOptions('variance', given, ['unbiased', 'keepDims'], {
    correction: 'unbiased: true divides by n - 1',
  });
  const { unbiased = false, ...options } = given;
  const t = toTensor(x);
  requireDType('variance', t, 'f32');
  const n = countAlong('variance', t, axes);
  if (unbiased && n < 2) throw new ShapeError('variance: an unbiased estimate needs at least two elements');
  const centred = sub(t, mean(t, axes, { keepDims: true }));
  return mul(sum(square(centred), axes, options), 1 / (unbiased ? n - 1 : n));
}

function countAlong(op: string, t: Tensor, axes: Axes | undefined): number {
  const n = numel(normalizeAxes(op, axes, t.rank).map((axis) => t.shape[axis]));
  if (n === 0) throw new ShapeError(`${op}: there are no elements along the axes of ${formatShape(t.shape)}`);
  return n;
}

/**
 * exp(x) over its sum along `axis`; the maximum is taken off first, so logits of any size are safe. x: f32.
 * @example
 * ```ts
 * import { softmax, tensor } from '2headgrad';
 * console.log(softmax(tensor([0, 0, Math.log(2)]))); // Tensor f32[3] [0.25, 0.25, 0.5]
 * ```
 */
export function softmax(x: TensorLike, axis = -1): Tensor {
  const e = exp(belowMax('softmax', x, axis));
  return div(e, sum(e, axis, { keepDims: true }));
}

/**
 * log(softmax(x)) without the rounding of a small probability. x: f32.
 * @example
 * ```ts
 * import { logSoftmax, tensor } from '2headgrad';
 * console.log(logSoftmax(tensor([0, 1000]))); // Tensor f32[2] [-1000, 0]
 * ```
 */
export function logSoftmax(x: TensorLike, axis = -1): Tensor {
  const shifted = belowMax('logSoftmax', x, axis);
  return sub(shifted, log(sum(exp(shifted), axis, { keepDims: true })));
}

/**
 * log of the sum of exp(x) along `axis`, for x of any size: minus infinity where all are, infinity where one is. x:
 * f32.
 * @example
 * ```ts
 * import { logSumExp, tensor } from '2headgrad';
 * console.log(logSumExp(tensor([1000, 1000]))); // Tensor f32[] 1000.69
 * ```
 */
export function logSumExp(x: TensorLike, axis = -1, options: ReduceOptions = {}): Tensor {
  checkOptions('logSumExp', options, ['keepDims']);
  const t = toTensor(x);
  requireDType('logSumExp', t, 'f32');
  const along = normalizeAxis('logSumExp', axis, t.rank);
  const base = finiteMax('logSumExp', t, along);
  const result = add(log(sum(exp(sub(t, base)), along, { keepDims: true })), base);
  if (options.keepDims) return result;
  return reshape(
    result,
    t.shape.filter((_, i) => i !== along),
  );
}

/**
 * The largest element along an axis, as a constant, or 0 where it is infinite: what exponentials may be taken less of.
 * @example
 * ```ts
 * import { finiteMax, tensor } from '2headgrad';
 * console.log(finiteMax('scores', tensor([1, 3, 2]), 0)); // Tensor f32[1] [3]
 * ```
 */
export function finiteMax(what: string, x: Tensor, axis: number): Tensor {
  checkNotEmpty(what, x, axis);
  const largest = stopGradient(nanmax(x, axis, { keepDims: true }));
  return where(equal(sub(largest, largest), 0), largest, 0);
}

/**
 * The element of each last-axis row that an index names: x: [..., n], ids: i32[...] -> [...].
 * @example
 * ```ts
 * import { pick, tensor } from '2headgrad';
 * console.log(pick(tensor([[1, 2], [3, 4]]), tensor([1, 0], { dtype: 'i32' }))); // Tensor f32[2] [2, 3]
 * ```
 */
export function pick(x: TensorLike, ids: Tensor): Tensor {
  return pickFor('pick', x, ids);
}

export interface GeluOptions {
  /** `none` unless told; `tanh`: the formula that GPT-2 was trained with. */
  approximate?: 'none' | 'tanh' | undefined;
}

/**
 * x times the normal distribution function of x, exactly (Hendrycks and Gimpel 2016, with erf), or by their
 * approximation
 * 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))). x: f32.
 *
 * @example
 * ```ts
 * import { gelu, tensor } from '2headgrad';
 * console.log(gelu(tensor([-1, 0, 1]))); // Tensor f32[3] [-0.158655, 0, 0.841345]
 * ```
 */
export function gelu(x: TensorLike, options: GeluOptions = {}): Tensor {
  checkOptions('gelu', options, ['approximate']);
  const { approximate = 'none' } = options;
  oneOf('gelu: approximate', approximate, ['none', 'tanh']);
  return approximate === 'none' ? geluOfErf(x) : geluOfTanh(x);
}

/**
 * x where positive, else x times `slope`.
 * @example
 * ```ts
 * import { leakyRelu, tensor } from '2headgrad';
 * console.log(leakyRelu(tensor([-1, 2]), 0.1)); // Tensor f32[2] [-0.1, 2]
 * ```
 */
export function leakyRelu(x: TensorLike, slope = 0.01): Tensor {
  const t = toTensor(x);
  return where(greater(t, 0), t, mul(t, slope));
}

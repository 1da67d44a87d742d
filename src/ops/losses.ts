import { checkOptions, oneOf, positive } from '../check.js';
import { DTypeError, OptionError, ShapeError } from '../errors.js';
import { formatShape, formatType, numel, requireDType, sameShape } from '../shape.js';
import { cast, equal, where } from './compare.js';
import { meanOfCounted } from './counted.js';
import { abs, add, exp, log, minimum, mul, neg, sub } from './elementwise.js';
import { softplus } from './exponentials.js';
import { mean, square } from './functions.js';
import { broadcastTo, reshape } from './movement.js';
import { pair } from './pointwise.js';
import { sum } from './reduce.js';
import { belowMax, pickFor } from './rows.js';
import { interpreter, type ResultOf, type Tensor, type TensorLike, toTensor } from './tensor.js';

/** What is made of the losses of rows or elements: their mean unless given, their sum, or nothing. */
export type Reduction = 'mean' | 'sum' | 'none';

export interface LossOptions {
  reduction?: Reduction | undefined;
}

export interface CrossEntropyOptions extends LossOptions {
  /** This share of each target goes to all classes alike, from 0 to 1; 0 unless given. (Szegedy et al. 2016, section 7.) */
  labelSmoothing?: number | undefined;
  /** One for each class, f32[classes]: a row counts as much as its class weighs, in the mean too. */
  weights?: Tensor | readonly number[] | undefined;
  /** Rows with this target count for nothing, be it a class or not. All of them: the mean is NaN. */
  ignoreIndex?: number | undefined;
}

/**
 * Mean negative log-likelihood of the targets under softmax(logits).
 * logits: f32[..., classes]; targets: i32[...], each in [0, classes). Returns a scalar, in nats; with weights divided
 * by the sum of
 * those of the targets, as PyTorch does.
 *
 * @example
 * ```ts
 * import { crossEntropy, tensor } from '2headgrad';
 * console.log(crossEntropy(tensor([[2, 0, 0], [0, 0, 0]]), tensor([0, 1], { dtype: 'i32' }))); // Tensor f32[] 0.669079
 * ```
 */
export function crossEntropy<T extends Tensor>(
  logits: T | number,
  targets: T,
  options?: CrossEntropyOptions,
): ResultOf<T>;
export function crossEntropy(logits: TensorLike, targets: Tensor, options: CrossEntropyOptions = {}): Tensor {
  const what = 'crossEntropy';
  checkOptions(what, options, ['labelSmoothing', 'weights', 'ignoreIndex', 'reduction']);
  const { labelSmoothing = 0, weights, ignoreIndex, reduction = 'mean' } = options;
  const t = toTensor(logits);
  checkTargets(what, t, targets);
  checkReduction(what, reduction);
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1))
    throw new OptionError(`${what}: labelSmoothing must be from 0 to 1, got ${labelSmoothing}`);
  const { ignored, ids } = without(what, targets, ignoreIndex);
  const shifted = belowMax(what, t, -1);
  const total = log(sum(exp(shifted), -1));
  const right = sub(total, pickFor(what, shifted, ids));
  const ofClasses = weights === undefined ? null : classWeights(what, weights, t.shape.at(-1)!);
  const ofRows = ofClasses && pickFor(what, broadcastTo(ofClasses, t.shape), ids);
  const weighed = ofRows ? mul(right, ofRows) : right;
  const rows = labelSmoothing ? smoothed(weighed, shifted, total, ofClasses, labelSmoothing) : weighed;
  const kept = ignored ? where(ignored, 0, rows) : rows;
  if (reduction !== 'mean' || (!ignored && !ofRows)) return reduced(kept, reduction);
  const counts = ofRows ?? broadcastTo(toTensor(1), rows.shape);
  return meanOfCounted(sum(kept), sum(ignored ? where(ignored, 0, counts) : counts));
}

function smoothed(
  rows: Tensor,
  shifted: Tensor,
  total: Tensor,
  weights: Tensor | null,
  share: number,
): Tensor {
  const each = sub(reshape(total, [...total.shape, 1]), shifted);
  const all = sum(weights ? mul(each, weights) : each, -1);
  return add(mul(rows, 1 - share), mul(all, share / shifted.shape.at(-1)!));
}

/** Which targets are to be ignored, and ids that name classes in their place too. */
export function without(what: string, targets: Tensor, ignoreIndex: number | undefined) {
  if (ignoreIndex === undefined) return { ignored: null, ids: targets };
  if (!Number.isInteger(ignoreIndex) || ignoreIndex !== (ignoreIndex | 0))
    throw new OptionError(`${what}: ignoreIndex must be a whole number of 32 bits, got ${ignoreIndex}`);
  const ignored = equal(targets, ignoreIndex);
  return { ignored, ids: where(ignored, 0, targets) };
}

function classWeights(what: string, weights: Tensor | readonly number[], classes: number): Tensor {
  const t = Array.isArray(weights)
    ? interpreter().constant(weights as number[], [weights.length], 'f32')
    : toTensor(weights as Tensor);
  requireDType(what, t, 'f32');
  if (t.rank === 1 && t.shape[0] === classes) return t;
  throw new ShapeError(
    `${what}: expected a weight for each of ${classes} classes, got ${formatShape(t.shape)}`,
  );
}

/** Refuses logits and targets that are not one class for each row. */
export function checkTargets(what: string, logits: Tensor, targets: Tensor): void {
  if (logits.dtype !== 'f32')
    throw new DTypeError(`${what}: takes (logits, targets), and logits are f32, not ${formatType(logits)}`);
  const rows = formatShape(logits.shape.slice(0, -1));
  const expected = `the number of a class for each row of ${formatShape(logits.shape)}, i32${rows}`;
  if (typeof targets !== 'object' || targets === null)
    throw new DTypeError(`${what}: targets must be a tensor, ${expected}, not ${targets}`);
  if (targets.dtype !== 'i32')
    throw new DTypeError(`${what}: targets must be ${expected}, not ${formatType(targets)}`);
  if (logits.rank < 1 || formatShape(targets.shape) !== rows)
    throw new ShapeError(`${what}: targets must be ${expected}, not ${formatShape(targets.shape)}`);
}

export interface BinaryCrossEntropyOptions extends LossOptions {
  /** What targets of 1 count beside those of 0, broadcast to the logits; 1 unless given. */
  positiveWeight?: TensorLike | undefined;
}

/**
 * Mean of -(t log s + (1 - t) log(1 - s)) with s = sigmoid(logits), for logits of any size. logits: f32[...]; targets:
 * of the same
 * shape, f32 from 0 to 1, or bool. Returns a scalar, in nats.
 *
 * @example
 * ```ts
 * import { binaryCrossEntropy, tensor } from '2headgrad';
 * console.log(binaryCrossEntropy(tensor([0, 3]), tensor([1, 1]))); // Tensor f32[] 0.370867
 * ```
 */
export function binaryCrossEntropy<T extends Tensor>(
  logits: T | number,
  targets: T | number,
  options?: BinaryCrossEntropyOptions,
): ResultOf<T>;
export function binaryCrossEntropy(
  logits: TensorLike,
  targets: TensorLike,
  options: BinaryCrossEntropyOptions = {},
): Tensor {
  const what = 'binaryCrossEntropy';
  checkOptions(what, options, ['positiveWeight', 'reduction']);
  const { positiveWeight, reduction = 'mean' } = options;
  checkReduction(what, reduction);
  const given = typeof targets === 'number' ? targets : toTensor(targets);
  const floats = typeof given !== 'number' && given.dtype === 'bool' ? cast(given, 'f32') : given;
  const [x, t] = alike(what, 'logits are', logits, floats);
  // Neither term cancels: log(1 - s) is -softplus(x), log(s) is -softplus(-x).
  const ones = mul(t, softplus(neg(x)));
  const zeros = mul(sub(1, t), softplus(x));
  return reduced(add(positiveWeight === undefined ? ones : mul(ones, positiveWeight), zeros), reduction);
}

/**
 * Mean of (prediction - target)^2 over all elements. Both have the same shape, or the target is a number: where [4, 1]
 * and [4] met, each prediction would be compared with every target.
 * @example
 * ```ts
 * import { meanSquaredError, tensor } from '2headgrad';
 * console.log(meanSquaredError(tensor([1, 10]), tensor([2, 8]))); // Tensor f32[] 2.5
 * ```
 */
export function meanSquaredError<T extends Tensor>(prediction: T | number, target: T | number): ResultOf<T>;
export function meanSquaredError(prediction: TensorLike, target: TensorLike): Tensor {
  const [p, t] = alike('meanSquaredError', 'prediction is', prediction, target);
  return mean(square(sub(p, t)));
}

/**
 * Mean of |prediction - target| over all elements; both have the same shape, or the target is a number.
 * @example
 * ```ts
 * import { l1Loss, tensor } from '2headgrad';
 * console.log(l1Loss(tensor([1, 10]), tensor([1.5, 0]))); // Tensor f32[] 5.25
 * ```
 */
export function l1Loss<T extends Tensor>(
  prediction: T | number,
  target: T | number,
  options?: LossOptions,
): ResultOf<T>;
export function l1Loss(prediction: TensorLike, target: TensorLike, options: LossOptions = {}): Tensor {
  checkOptions('l1Loss', options, ['reduction']);
  const { reduction = 'mean' } = options;
  checkReduction('l1Loss', reduction);
  const [p, t] = alike('l1Loss', 'prediction is', prediction, target);
  return reduced(abs(sub(p, t)), reduction);
}

export interface HuberOptions extends LossOptions {
  /** Up to where errors count by their squares; 1 unless given. */
  delta?: number | undefined;
}

/**
 * Mean over all elements of d^2 / 2 where d = |prediction - target| is at most delta, and of delta (d - delta / 2)
 * beyond. (Huber
 * 1964.) Both have the same shape, or the target is a number.
 *
 * @example
 * ```ts
 * import { huber, tensor } from '2headgrad';
 * console.log(huber(tensor([1, 10]), tensor([1.5, 0]))); // Tensor f32[] 4.8125
 * ```
 */
export function huber<T extends Tensor>(
  prediction: T | number,
  target: T | number,
  options?: HuberOptions,
): ResultOf<T>;
export function huber(prediction: TensorLike, target: TensorLike, options: HuberOptions = {}): Tensor {
  checkOptions('huber', options, ['delta', 'reduction']);
  const { delta = 1, reduction = 'mean' } = options;
  positive('huber: delta', delta);
  checkReduction('huber', reduction);
  const [p, t] = alike('huber', 'prediction is', prediction, target);
  const d = abs(sub(p, t));
  const near = minimum(d, delta);
  return reduced(mul(near, sub(d, mul(near, 0.5))), reduction);
}

/** Floats of one shape, or a number on one side; `names` the first of them. */
function alike(what: string, names: string, a: TensorLike, b: TensorLike): [Tensor, Tensor] {
  const [p, t] = pair(a, b);
  for (const side of [p, t]) requireDType(what, side, 'f32');
  if (typeof a === 'number' || typeof b === 'number' || sameShape(p.shape, t.shape)) return [p, t];
  const [of, to] = [formatShape(p.shape), formatShape(t.shape)];
  const mend = numel(p.shape) === numel(t.shape) ? `: reshape one, as in target.reshape(${of})` : '';
  throw new ShapeError(`${what}: the ${names} ${of}, the target ${to}${mend}`);
}

function checkReduction(what: string, reduction: Reduction): void {
  oneOf(`${what}: reduction`, reduction, ['mean', 'sum', 'none']);
}

function reduced(losses: Tensor, reduction: Reduction): Tensor {
  if (reduction === 'none') return losses;
  return reduction === 'sum' ? sum(losses) : mean(losses);
}

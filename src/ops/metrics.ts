import { checkOptions, wholeNumber } from '../check.js';
import { DTypeError, OptionError, ShapeError } from '../errors.js';
import { formatShape, formatType, numel, sameShape } from '../shape.js';
import { oneHot } from './arrange.js';
import { cast, equal, where } from './compare.js';
import { meanOfCounted } from './counted.js';
import { mul } from './elementwise.js';
import { argmax, maxWithIndex } from './extremes.js';
import { mean } from './functions.js';
import { asIndices } from './gather.js';
import { checkTargets, without } from './losses.js';
import { matmul } from './matmul.js';
import { reshape, transpose } from './movement.js';
import { sum } from './reduce.js';
import { type ResultOf, type Tensor, type TensorLike, toTensor } from './tensor.js';

export interface AccuracyOptions {
  /** Rows with this target do not count. */
  ignoreIndex?: number | undefined;
}

/**
 * The share of rows whose largest logit is that of the target, from 0 to 1. logits: f32[..., classes]; targets:
 * i32[...], each in
 * [0, classes). Of logits that are equal the first is taken; a row with a NaN is wrong. Returns a scalar, without a
 * gradient.
 *
 * @example
 * ```ts
 * import { accuracy, tensor } from '2headgrad';
 * console.log(accuracy(tensor([[2, 1], [0, 3]]), tensor([0, 0], { dtype: 'i32' }))); // Tensor f32[] 0.5
 * ```
 */
export function accuracy<T extends Tensor>(
  logits: T | number,
  targets: T,
  options?: AccuracyOptions,
): ResultOf<T>;
export function accuracy(logits: TensorLike, targets: Tensor, options: AccuracyOptions = {}): Tensor {
  checkOptions('accuracy', options, ['ignoreIndex']);
  const t = toTensor(logits);
  checkTargets('accuracy', t, targets);
  const { ignored, ids } = without('accuracy', targets, options.ignoreIndex);
  const { values, indices } = maxWithIndex(t, -1);
  const taken = equal(indices, asIndices(ids, t.shape.at(-1)!, 'accuracy'));
  // A row of NaN, which does not equal itself, says nothing.
  const hits = where(equal(values, values), cast(taken, 'f32'), 0);
  if (!ignored) return mean(hits);
  return meanOfCounted(sum(where(ignored, 0, hits)), sum(where(ignored, 0, 1).cast('f32')));
}

export interface ConfusionOptions extends AccuracyOptions {
  /** How many there are, where predictions are numbers of classes. */
  classes?: number | undefined;
}

/**
 * How often a target was taken for what: element [i, j] counts the rows of class i that are predicted to be j.
 * predictions:
 * logits f32[..., classes], whose largest is taken, or the numbers of classes, i32[...], with `classes` in the options;
 * targets:
 * i32[...] -> i32[classes, classes].
 *
 * @example
 * ```ts
 * import { confusionMatrix, tensor } from '2headgrad';
 * console.log(confusionMatrix(tensor([[2, 1], [0, 3]]), tensor([0, 0], { dtype: 'i32' }))); // Tensor i32[2, 2] [1, 1, 0, 0]
 * ```
 */
export function confusionMatrix(
  predictions: Tensor,
  targets: Tensor,
  options: ConfusionOptions = {},
): Tensor {
  const what = 'confusionMatrix';
  checkOptions(what, options, ['classes', 'ignoreIndex']);
  const p = toTensor(predictions);
  const classes = p.dtype === 'f32' ? (p.shape.at(-1) ?? 0) : options.classes;
  if (p.dtype === 'f32') checkTargets(what, p, targets);
  else checkClasses(what, p, targets);
  if (classes === undefined)
    throw new OptionError(`${what}: of numbers of classes, say how many there are, as in { classes: 10 }`);
  wholeNumber(`${what}: classes`, classes);
  if (p.dtype === 'f32' && options.classes !== undefined && options.classes !== classes)
    throw new OptionError(`${what}: the logits are of ${classes} classes, not of ${options.classes}`);
  const { ignored, ids } = without(what, targets, options.ignoreIndex);
  const rows = numel(targets.shape);
  const marks = (of: Tensor) => oneHot(asIndices(reshape(of, [rows]), classes, what), classes);
  const truth = marks(ids);
  const kept = ignored ? mul(truth, cast(reshape(where(ignored, 0, 1), [rows, 1]), 'f32')) : truth;
  const taken = marks(p.dtype === 'f32' ? argmax(p, -1) : p);
  return cast(matmul(transpose(kept), taken), 'i32');
}

function checkClasses(what: string, predictions: Tensor, targets: Tensor): void {
  if (predictions.dtype !== 'i32')
    throw new DTypeError(
      `${what}: predictions are logits, f32, or numbers of classes, i32, not ${formatType(predictions)}`,
    );
  if (targets?.dtype !== 'i32')
    throw new DTypeError(
      `${what}: targets must be numbers of classes, i32, not ${targets && formatType(targets)}`,
    );
  if (!sameShape(predictions.shape, targets.shape))
    throw new ShapeError(
      `${what}: predictions ${formatShape(predictions.shape)} and targets ${formatShape(targets.shape)} must be as many`,
    );
}

import { shown } from '../check.js';
import { GraphError, OptionError } from '../errors.js';
import type { Tensor } from '../ops/tensor.js';
import { printableJson, shownName } from '../printable.js';
import { formatType, numel, type TensorType } from '../shape.js';
import { isOfCounts } from './count-names.js';

// What a training step names to be evaluated beside its loss.

type Compute<M, B> = (model: M, batch: B) => Tensor;

/**
 * A number for each batch: of f32 the mean over all rows is taken, of i32, which counts, the sum. What has more numbers, or is
 * put together otherwise, says how: `{ mean }` or `{ sum }`.
 */
export type Metric<M = never, B = never> =
  | Compute<M, B>
  | { readonly mean: Compute<M, B> }
  | { readonly sum: Compute<M, B> };

/** The result of each metric: a number, or the elements of what said how it is put together, row-major. */
export type MetricResults<V> = {
  // biome-ignore lint/suspicious/noExplicitAny: whatever the model is.
  [K in keyof V]: V[K] extends (...inputs: any[]) => Tensor ? number : Float64Array;
};

/** What `session.evaluate` gives: the loss alone, or with the metrics of the step by name. */
export type Evaluation<R> = 0 extends 1 & R
  ? // A session of any step.
    // biome-ignore lint/suspicious/noExplicitAny: it is not known what it gives.
    any
  : keyof R extends never
    ? number
    : { loss: number } & R;

/** What a run gives of the rows that it evaluates. */
export type Measured<R> = 0 extends 1 & R ? Evaluated : { loss: number } & R;

/** The loss and every metric by name. */
export type Evaluated = { loss: number } & Record<string, number | Float64Array>;

/** How what batches give becomes one: for a mean each counts as many times as it has rows. */
export interface MetricDescription {
  readonly by: 'mean' | 'sum';
  /** A number, and no list. */
  readonly one: boolean;
}

/** Throws OptionError unless these are metrics by name. */
export function checkMetrics(metrics: Readonly<Record<string, Metric>>): void {
  if (typeof metrics !== 'object' || metrics === null || Array.isArray(metrics))
    throw new OptionError(
      `trainStep: evaluate must name what is measured beside the loss, as in { accuracy: (model, { x, y }) => ... }, got ${shown(metrics)}`,
    );
  for (const [name, metric] of Object.entries(metrics)) {
    if (name === '' || name === '__proto__' || name === 'loss' || isOfCounts(name))
      throw new OptionError(
        `trainStep: evaluate: ${printableJson(name)} cannot be the name of a metric${name === 'loss' ? ': the loss is always there' : ''}`,
      );
    const { keys, compute } = parts(metric);
    if (keys > 1 || typeof compute !== 'function')
      throw new OptionError(
        `trainStep: evaluate: ${shownName(name)} must be a function (model, batch) => tensor, or one as { mean } or { sum }, got ${shown(metric)}`,
      );
  }
}

function parts(metric: Metric): { keys: number; by?: 'mean' | 'sum'; compute: unknown } {
  if (typeof metric === 'function') return { keys: 0, compute: metric };
  if (typeof metric !== 'object' || metric === null) return { keys: 0, compute: undefined };
  const keys = Object.keys(metric).length;
  if ('mean' in metric) return { keys, by: 'mean', compute: metric.mean };
  return { keys, by: 'sum', compute: metric.sum };
}

/** Whether the mean of what batches give is taken, where it is f32. */
export const isMean = (metric: Metric): boolean => parts(metric).by !== 'sum';

/** What computes a metric. */
export const computeOf = (metric: Metric): Compute<never, never> =>
  parts(metric).compute as Compute<never, never>;

/** How a metric is put together, from what it gives for a batch. Throws GraphError; `where` is the line of the step. */
export function describeMetric(
  name: string,
  metric: Metric,
  type: TensorType,
  where: string,
): MetricDescription {
  const { by } = parts(metric);
  const what = `evaluate: ${shownName(name)} gives ${formatType(type)}`;
  const at = where && ` (${where})`;
  if (type.dtype === 'bool')
    throw new GraphError(`${what}: cast it, to 'i32' to count or to 'f32' for a share${at}`);
  if (by) return { by, one: false };
  if (numel(type.shape) !== 1)
    throw new GraphError(
      `${what}: give one number, or say how batches become one, as in ${shownName(name)}: { sum: (model, batch) => ... } or { mean: ... }${at}`,
    );
  return { by: type.dtype === 'f32' ? 'mean' : 'sum', one: true };
}

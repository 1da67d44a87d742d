import { checkOptions, learningRate, shown, wholeNumber } from '../check.js';
import { OptionError } from '../errors.js';
import { checkColumns } from './columns.js';
import { entryOf, type ProgramDescription } from './description.js';
import type { Measured } from './metrics.js';
import type { ColumnsOf } from './typed-columns.js';

/** A rate for all steps, or one for each: `step` counts from 0 over the session's life. */
export type LearningRate = number | ((step: number) => number);

/** `B`: types of the batch. */
// biome-ignore lint/suspicious/noExplicitAny: of any step.
export interface RunOptions<B = any> {
  /** How many steps to take now. */
  steps: number;
  lr: LearningRate;
  /** Report after this many steps; by default about a hundred times in the run. */
  every?: number;
  /** Rows on which each report has the loss and the metrics of the step, as `session.evaluate` gives them. */
  evaluate?: ColumnsOf<B>;
  /** Ends the run between two calls into the engine. */
  signal?: AbortSignal;
}

/** `R`: the metrics of the step, by name. */
// biome-ignore lint/suspicious/noExplicitAny: of any step.
export interface Progress<R = any> {
  /** Steps taken since the session began (or since the checkpoint's beginning). */
  at: number;
  /** Loss of the last step. */
  loss: number;
  /** Loss of each step since the last report. */
  losses: number[];
  /** Without what goes into `evaluate`. */
  stepsPerSecond: number;
  /** Where the run was asked to evaluate: `{ loss, ... }`, with the metrics by name. */
  evaluated?: Measured<R>;
}

export function checkRate(lr: number, step: number): number {
  return learningRate('the learning rate', lr, ` at step ${step + 1}`);
}

/** The rates of the steps from `at` on. */
export function setRates(rates: Float32Array, lr: LearningRate, at: number): void {
  if (typeof lr !== 'function') rates.fill(checkRate(lr, at));
  else for (let i = 0; i < rates.length; i++) rates[i] = checkRate(lr(at + i), at + i);
}

export function checkRun(program: ProgramDescription, options: RunOptions): void {
  checkOptions('run', options, ['steps', 'lr', 'every', 'evaluate', 'signal'], {
    batch: 'a run draws its batches from session.data(...); single ones go to session.step({ lr, batch })',
  });
  if (options === undefined) throw new OptionError('run: expected { steps, lr }');
  const { steps, lr, every, evaluate, signal } = options;
  wholeNumber('run: steps', steps, 0);
  if (every !== undefined) wholeNumber('run: every', every);
  if (evaluate !== undefined) checkColumns(entryOf(program, 'evaluate'), evaluate);
  if (typeof lr !== 'number' && typeof lr !== 'function')
    throw new OptionError(`run: lr must be a number from 0, or a function of the step, got ${shown(lr)}`);
  if (signal !== undefined && typeof signal?.aborted !== 'boolean')
    throw new OptionError(`run: signal must be an AbortSignal, got ${shown(signal)}`);
}

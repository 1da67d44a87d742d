import { checkOptions, learningRate, shown, wholeNumber } from '../check.js';
import { OptionError } from '../errors.js';
import { type Best, checkBest, type Goal } from './best.js';
import { checkColumns } from './columns.js';
import { entryOf, type ProgramDescription } from './description.js';
import type { Measured } from './metrics.js';
import type { ColumnsOf } from './typed-columns.js';

/** A rate for all steps, or one for each: `step` counts from 0 over the session's life. */
export type LearningRate = number | ((step: number) => number);

/** Names of the metrics that are one number, and of the loss. */
type NumberNames<R> = 0 extends 1 & R
  ? string
  : 'loss' | { [K in keyof R & string]: R[K] extends number ? K : never }[keyof R & string];

/** `B`: types of the batch; `R`: the metrics of the step, by name. */
// biome-ignore lint/suspicious/noExplicitAny: of any step.
export interface RunOptions<B = any, R = any> {
  /** How many steps to take now. */
  steps: number;
  lr: LearningRate;
  /** Report after this many steps; by default about a hundred times in the run. */
  every?: number | undefined;
  /** Rows on which each report has the loss and the metrics of the step, as `session.evaluate` gives them. */
  evaluate?: ColumnsOf<B> | undefined;
  /**
   * Keeps what the session was at the report that was best, by `evaluated` where rows are evaluated and else by the mean of the
   * losses since the report before, and puts it back at the end of the run, however that ends: every variable and the place in
   * the run, bit for bit.
   * @example best: { highest: 'accuracy' }
   */
  best?: Goal<NumberNames<R>> | undefined;
  /** Ends the run after so many reports in a row none of which was better than one before, by `best`, or else by the loss. */
  patience?: number | undefined;
  /** Called with each report; what it returns is awaited before the run goes on, and what it throws ends it. */
  onProgress?: ((progress: Progress<R>) => unknown) | undefined;
  /** Ends the run between two calls into the engine. */
  signal?: AbortSignal | undefined;
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
  /** With `best` or `patience`: the best report so far; this one is it if `best.at` is `at`. */
  best?: Best;
}

export function checkRate(lr: number, step: number): number {
  return learningRate('the learning rate', lr, ` at step ${step + 1}`);
}

/** The rates of the steps from `at` on. */
export function ratesOf(lr: LearningRate, first: number, n: number): Float32Array {
  const rates = new Float32Array(n);
  if (typeof lr !== 'function') rates.fill(checkRate(lr, first));
  else for (let i = 0; i < n; i++) rates[i] = checkRate(lr(first + i), first + i);
  return rates;
}

export function checkRun(program: ProgramDescription, options: RunOptions): void {
  checkOptions(
    'run',
    options,
    ['steps', 'lr', 'every', 'evaluate', 'best', 'patience', 'onProgress', 'signal'],
    {
      batch: 'a run draws its batches from session.data(...); single ones go to session.step({ lr, batch })',
      epochs: 'one is as many steps as the dataset has batches: give steps',
      callbacks: 'give onProgress, or iterate over the run',
    },
  );
  if (options === undefined) throw new OptionError('run: expected { steps, lr }');
  const { steps, lr, every, evaluate, onProgress, signal } = options;
  wholeNumber('run: steps', steps, 0);
  if (every !== undefined) wholeNumber('run: every', every);
  if (evaluate !== undefined) checkColumns(entryOf(program, 'evaluate'), evaluate);
  if (typeof lr !== 'number' && typeof lr !== 'function')
    throw new OptionError(`run: lr must be a number from 0, or a function of the step, got ${shown(lr)}`);
  checkBest(program, options);
  if (onProgress !== undefined && typeof onProgress !== 'function')
    throw new OptionError(`run: onProgress must be a function of a report, got ${shown(onProgress)}`);
  if (signal !== undefined && typeof signal?.aborted !== 'boolean')
    throw new OptionError(`run: signal must be an AbortSignal, got ${shown(signal)}`);
}

import { checkOptions, shown, unknown, wholeNumber } from '../check.js';
import { DivergedError, OptionError } from '../errors.js';
import type { ProgramDescription } from './description.js';
import type { Progress, RunOptions } from './run-options.js';

// Which report of a run was the best, and whether to go on without a better one.

/** What makes a report better than another: a lower loss or metric, or a higher metric. `M`: names of metrics. */
export type Goal<M extends string = string> =
  | { readonly lowest: M; readonly highest?: undefined }
  | { readonly highest: M; readonly lowest?: undefined };

/** The best report so far. */
export interface Best {
  /** Its step. */
  at: number;
  /** The loss or the metric that it is best by. */
  value: number;
}

const GOAL: Goal = { lowest: 'loss' };

/** Throws OptionError unless a run can go by these options. */
export function checkBest({ metrics = {} }: ProgramDescription, options: RunOptions): void {
  const { best, patience, evaluate } = options;
  if (patience !== undefined) wholeNumber('run: patience', patience);
  if (best === undefined) return;
  const expected =
    "run: best must be { lowest: 'loss' }, or { lowest } or { highest } of a metric of the step";
  if (typeof best !== 'object' || best === null || Array.isArray(best))
    throw new OptionError(`${expected}, got ${shown(best)}`);
  checkOptions('run: best', best, ['lowest', 'highest']);
  const said = [best.lowest, best.highest].filter((name) => name !== undefined);
  if (said.length !== 1 || typeof said[0] !== 'string')
    throw new OptionError(`${expected}, got ${JSON.stringify(best)}`);
  const [name] = said;
  if (name === 'loss') return;
  const numbers = Object.keys(metrics).filter((metric) => metrics[metric].one);
  if (!numbers.includes(name))
    throw new OptionError(
      `run: best: there is no metric of one number ${unknown(name, ['loss', ...numbers])}`,
    );
  if (evaluate === undefined)
    throw new OptionError(
      `run: best: ${name} is measured on rows of their own: give evaluate, as in { evaluate: held }`,
    );
}

/** Keeps what a session was at the best report of a run. */
export class BestReport {
  private readonly goal: Goal;
  private readonly keeps: boolean;
  private readonly patience: number;
  private found: Best | null = null;
  private since = 0;
  private putBack: (() => void) | null = null;

  constructor({ best, patience = Number.POSITIVE_INFINITY }: RunOptions) {
    this.goal = best ?? GOAL;
    this.keeps = best !== undefined;
    this.patience = patience;
  }

  /** Whether a run goes by its reports at all. */
  get judges(): boolean {
    return this.keeps || this.patience < Number.POSITIVE_INFINITY;
  }

  /** Takes note of a report; `mark` remembers what the session is, and what it returns puts that back. */
  see(report: Progress, mark: () => () => void): Best | null {
    const value = this.valueOf(report);
    this.since++;
    if (!Number.isNaN(value) && (!this.found || this.isBetter(value, this.found.value))) {
      this.found = { at: report.at, value };
      this.since = 0;
      if (this.keeps) this.putBack = mark();
    }
    return this.found;
  }

  get isOver(): boolean {
    return this.since >= this.patience;
  }

  /** Makes the session again what it was at the best report, where that is asked for. */
  restore(): void {
    if (this.since > 0) this.putBack?.();
    this.putBack = null;
  }

  /** The same of a session that has diverged, and the error that says where it is then. */
  restoreFrom(error: unknown): unknown {
    const { found, putBack } = this;
    if (!found || !putBack || !(error instanceof DivergedError)) return error;
    putBack();
    this.putBack = null;
    return new DivergedError(error.step, error.loss, found.at, error.variables);
  }

  /** Of rows that are held out, or the mean of the losses since the last report: that of one batch says little. */
  private valueOf({ losses, evaluated }: Progress): number {
    const name = this.goal.lowest ?? this.goal.highest;
    if (evaluated) return evaluated[name] as number;
    return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  }

  private isBetter(value: number, before: number): boolean {
    return this.goal.highest === undefined ? value < before : value > before;
  }
}

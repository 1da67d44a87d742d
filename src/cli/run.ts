import { DataError, OptionError } from '../errors.js';
import type { Session } from '../train/session.js';
import type { Curve } from './folder.js';
import type { Task } from './kinds/kind.js';
import { metricTexts } from './metrics.js';
import { lossText, note } from './output.js';
import { Progress } from './progress.js';
import { measure } from './task.js';

/** The bar moves this often. */
const PIECE_SECONDS = 0.1;
const SAVE_SECONDS = 10;
/** Losses on dev along the way: so many, if their rows are at most a tenth of those trained on. */
const DEV_POINTS = 40;
const DEV_COST = 10;

export interface RunPlan {
  steps: number;
  batch: number;
  /** Steps from one loss on dev to the next; unless given some DEV_POINTS in the run. */
  every?: number | null;
}

/** Training to the last step, with progress, checkpoints and now and then the loss on dev. */
export class Run {
  /** Steps of this run, and the seconds that went into nothing but them. */
  steps = 0;
  seconds = 0;
  /** Why the last attempt to save failed. */
  private trouble = '';
  /** The last loss and metrics on dev, where the step has such. */
  private held = '';

  constructor(
    private readonly session: Session,
    private readonly settings: RunPlan,
    private readonly rate: (step: number) => number,
    private readonly task: Pick<Task, 'watched'>,
    private readonly curve: Curve,
    private readonly save: () => Promise<void>,
    private readonly saveSeconds = SAVE_SECONDS,
  ) {}

  get stepsPerSecond(): number {
    return this.seconds > 0 ? this.steps / this.seconds : 0;
  }

  /** Ends at the last step or soon after the signal. */
  async train(signal: AbortSignal): Promise<void> {
    const { session, settings } = this;
    const progress = await Progress.start(session.at, settings.steps);
    let saved = performance.now();
    let piece = 1;
    try {
      while (session.at < settings.steps && !signal.aborted) {
        const devAt = this.nextDev();
        const steps = Math.min(piece, settings.steps - session.at, devAt - session.at);
        const took = await this.advance(steps, signal, progress);
        piece = Math.max(1, Math.min(piece * 4, Math.round((steps * PIECE_SECONDS) / took)));
        if (session.at === devAt) await this.measureDev();
        if (performance.now() - saved > this.saveSeconds * 1000) {
          await this.trySave();
          saved = performance.now();
        }
      }
    } finally {
      progress.stop();
    }
  }

  /** A disk that is full now may not be so later: training goes on, and the next time, or the end, tries again. */
  private async trySave(): Promise<void> {
    try {
      await this.save();
      if (this.trouble) note('Saved again.');
      this.trouble = '';
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      if (error.message !== this.trouble)
        note(
          `Warning: ${error.message}. Training goes on; saving is tried again every ${this.saveSeconds} s.`,
        );
      this.trouble = error.message;
    }
  }

  private async advance(steps: number, signal: AbortSignal, progress: Progress): Promise<number> {
    const started = performance.now();
    const from = this.session.at;
    const losses: number[] = [];
    // One by one: a report of a fast model may hold more than a call takes arguments.
    for await (const report of this.session.run({ steps, lr: this.rate, every: steps, signal }))
      for (const loss of report.losses) losses.push(loss);
    const took = Math.max(1e-6, (performance.now() - started) / 1000);
    for (const loss of losses) this.curve.train.push(loss);
    if (this.session.at !== from + losses.length)
      throw new OptionError('the session lost count of its steps');
    this.steps += losses.length;
    this.seconds += took;
    progress.update(this.session.at, losses, this.stepsPerSecond, this.held);
    return took;
  }

  /** The next step after which the loss on dev is due: fixed by the settings, so that a resumed run has the same. */
  private nextDev(): number {
    const { steps, batch, every: wanted } = this.settings;
    const { watched } = this.task;
    if (!watched) return Number.POSITIVE_INFINITY;
    const cheap = Math.ceil((watched.rows * DEV_COST) / batch);
    const every = wanted ?? Math.max(Math.ceil(steps / DEV_POINTS), cheap);
    return (Math.floor(this.session.at / every) + 1) * every;
  }

  private async measureDev(): Promise<void> {
    const { session, task, settings, curve } = this;
    const all = await measure(session, task.watched!, settings.batch);
    curve.dev.push({ step: session.at, loss: all.loss });
    this.held = session.program.metrics
      ? `held out ${[lossText(all.loss), ...metricTexts(all)].join(', ')}`
      : '';
  }
}

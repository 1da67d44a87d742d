import { DataError, OptionError } from '../errors.js';
import type { Evaluated } from '../train/metrics.js';
import type { Session } from '../train/session.js';
import { addLoss, type Curve } from './curve.js';
import type { Rows, Task } from './kinds/kind.js';
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
  /** Of runs that keep the best model: so many looks without a better one end them. */
  patience?: number;
  /** Shows nothing: another process of the training does. */
  quiet?: boolean;
}

/** A model by its loss on what is held out. */
export interface Best {
  readonly step: number;
  readonly loss: number;
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
  /** Whether it ended because no better model came any more. */
  stopped = false;
  /** With all that is between the steps, which a user waits for too. */
  private began = 0;

  constructor(
    private readonly session: Session,
    private readonly settings: RunPlan,
    private readonly rate: (step: number) => number,
    private readonly task: Pick<Task, 'watched'>,
    private readonly curve: Curve,
    /** `best`: the model as it is now is the best so far. */
    private readonly save: (best?: Best) => Promise<void>,
    private readonly saveSeconds = SAVE_SECONDS,
    private readonly look: (rows: Rows) => Promise<Evaluated> = (rows) =>
      measure(session, rows, settings.batch),
    /** Of a run that goes on, from then on the best of all looks; kept with `patience` alone. */
    public best: Best | null = null,
  ) {}

  get stepsPerSecond(): number {
    return this.seconds > 0 ? this.steps / this.seconds : 0;
  }

  /** Ends at the last step or soon after the signal. */
  async train(signal: AbortSignal): Promise<void> {
    const { session, settings } = this;
    const progress = await Progress.start(session.at, settings.steps, settings.quiet);
    this.began = performance.now();
    // Killed before the first interval is over, it can be gone on with as well.
    if (settings.patience && session.at === 0) await this.trySave();
    let saved = performance.now();
    let piece = 1;
    try {
      if (this.missedDev) await this.measureDev(progress);
      while (session.at < settings.steps && !signal.aborted && !this.hasStopped()) {
        const devAt = this.nextDev();
        const steps = Math.min(piece, settings.steps - session.at, devAt - session.at);
        const took = await this.advance(steps, signal, progress);
        piece = Math.max(1, Math.min(piece * 4, Math.round((steps * PIECE_SECONDS) / took)));
        if (session.at === devAt) await this.measureDev(progress);
        if (performance.now() - saved > this.saveSeconds * 1000) {
          await this.trySave();
          saved = performance.now();
        }
      }
      // The last model may be the best one, wherever the last look was.
      if (session.at === settings.steps && this.steps > 0 && this.unseen) await this.measureDev(progress);
    } finally {
      progress.stop();
    }
  }

  /** A disk that is full now may not be so later: training goes on, and the next time, or the end, tries again. */
  private async trySave(best?: Best): Promise<void> {
    try {
      await this.save(best);
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
    for (const loss of losses) addLoss(this.curve, loss);
    if (this.session.at !== from + losses.length)
      throw new OptionError('the session lost count of its steps');
    this.steps += losses.length;
    this.seconds += took;
    progress.update(this.session.at, losses, this.stepsPerSecond, {
      more: this.held,
      secondsLeft: this.secondsLeft,
    });
    return took;
  }

  /** With looks and saves between the steps. */
  private get secondsLeft(): number {
    const { session, settings, steps, began } = this;
    return ((settings.steps - session.at) * (performance.now() - began)) / 1000 / steps;
  }

  /** Steps from one loss on dev to the next: fixed by the settings, so that a resumed run has the same. */
  private get every(): number {
    const { steps, batch, every: wanted } = this.settings;
    const { watched } = this.task;
    if (!watched) return Number.POSITIVE_INFINITY;
    const cheap = Math.ceil((watched.rows * DEV_COST) / batch);
    return wanted ?? Math.max(Math.ceil(steps / DEV_POINTS), cheap);
  }

  private nextDev(): number {
    const { every } = this;
    return every === Number.POSITIVE_INFINITY ? every : (Math.floor(this.session.at / every) + 1) * every;
  }

  /** Whether a run that goes on was cut off between a step and the look that was due after it. */
  private get missedDev(): boolean {
    const { session, every } = this;
    return session.at > 0 && session.at % every === 0 && this.unseen;
  }

  /** Whether the model as it is was not looked at, where the best one is kept. */
  private get unseen(): boolean {
    const { session, settings, curve } = this;
    return settings.patience !== undefined && curve.dev.every(({ step }) => step !== session.at);
  }

  /** A rule of the step and of the best model alone: a run that goes on ends where one in a single go does. */
  private hasStopped(): boolean {
    const { session, settings, every, best } = this;
    const { patience } = settings;
    this.stopped = patience !== undefined && best !== null && session.at - best.step >= patience * every;
    return this.stopped;
  }

  private async measureDev(progress: Progress): Promise<void> {
    const { session, task, settings, curve } = this;
    const all = await this.look(task.watched!);
    const { at: step } = session;
    curve.dev.push({ step, loss: all.loss });
    const metrics = session.program.metrics ? metricTexts(all) : [];
    if (session.program.metrics || settings.patience)
      this.held = `held out ${[lossText(all.loss), ...metrics].join(', ')}`;
    if (!settings.patience) return;
    const isBest = all.loss < (this.best?.loss ?? Number.POSITIVE_INFINITY);
    progress.line(`${this.held}${isBest ? ', the best so far' : ''}`);
    if (!isBest) return;
    this.best = { step, loss: all.loss };
    await this.trySave(this.best);
  }
}

import { OptionError, type Session, threadSupport } from '2headgrad';
import type { Progress, Shown, Started, Threads, Wish } from '../protocol.js';
import { autoThreads } from './auto-threads.js';
import type { Prepared } from './compile.js';
import type { Task } from './task.js';

const REPORT_MS = 100;
/** Between looks at what takes longer: unseen words, samples, accuracy. They get an eighth of the time at most. */
const LOOK_MS = 1000;
const LOOK_SHARE = 7;
/** A session may take so many steps in one run; longer than anybody waits. */
const NO_END = 2 ** 31;

/** A model in training, which stops, goes on and answers questions between two reports. */
export class Training {
  private stop: AbortController | null = null;
  private done: Promise<void> = Promise.resolve();
  private nextLook = 0;
  /** Steps from one report to the next: about so many as REPORT_MS has. */
  private every = 1;

  private constructor(
    private readonly task: Task,
    private readonly session: Session,
    private readonly seed: number,
    private rate: number,
    private wish: Wish,
  ) {}

  static async start(
    { task, module, seed }: Prepared,
    asked: Threads,
    { rate, wish }: { rate: number; wish: Wish },
  ): Promise<{ training: Training; started: Started }> {
    const { step, train, about } = task;
    const { most, reason } = threadSupport();
    const auto = autoThreads(module, most);
    const session = await step.start(module, { seed, threads: asked === 'auto' ? auto.threads : asked });
    session.data(train);
    return {
      training: new Training(task, session, seed, rate, wish),
      started: {
        threads: session.threads,
        most,
        reason,
        auto,
        ...about,
      },
    };
  }

  setRate(rate: number): void {
    if (!(rate >= 0) || !Number.isFinite(rate))
      throw new OptionError(`the learning rate must be a number from 0, got ${rate}`);
    this.rate = rate;
  }

  /** Goes on until `pause`; what it reports of goes to `report`, an error that ends it to `fail`. */
  train(report: (progress: Progress) => void, fail: (error: unknown) => void): void {
    if (this.stop) return;
    this.stop = new AbortController();
    this.done = this.run(this.stop.signal, report)
      .catch(fail)
      .finally(() => {
        this.stop = null;
      });
  }

  async pause(): Promise<void> {
    this.stop?.abort();
    await this.done;
  }

  checkpoint(): Uint8Array {
    return this.session.checkpoint();
  }

  /** What somebody wants to see from now on, and how it is. */
  fulfil(wish: Wish): Shown {
    this.wish = wish;
    return this.show();
  }

  async restore(bytes: Uint8Array): Promise<{ at: number; shown: Shown }> {
    await this.pause();
    this.session.restore(bytes);
    return { at: this.session.at, shown: this.show() };
  }

  async close(): Promise<void> {
    await this.pause();
    await this.session.close();
  }

  private async run(signal: AbortSignal, report: (progress: Progress) => void): Promise<void> {
    while (!signal.aborted) {
      const steps = this.session.run({ steps: NO_END, lr: () => this.rate, every: this.every, signal });
      for await (const { at, losses, stepsPerSecond } of steps) {
        // A mean of a few steps, as a pause leaves them, would stand out for no reason.
        if (losses.length < this.every) break;
        report({ at, loss: mean(losses), stepsPerSecond, ...this.look(false) });
        const wanted = Math.max(1, Math.round((stepsPerSecond * REPORT_MS) / 1000));
        if (wanted > 2 * this.every || wanted < this.every / 2) {
          // Not more at once: the first steps are slower than the others.
          this.every = Math.min(wanted, 16 * this.every);
          break;
        }
      }
    }
    report({ at: this.session.at, loss: Number.NaN, stepsPerSecond: Number.NaN, ...this.look(true) });
  }

  /** What takes longer, so often that most of the time is training's. */
  private look(now: boolean): Partial<Progress> {
    const began = performance.now();
    if (!now && began < this.nextLook) return {};
    const { dev, measure } = this.task;
    const found = {
      devLoss: this.session.evaluate(dev),
      shown: { ...this.show(), ...measure?.(this.session) },
    };
    const ended = performance.now();
    this.nextLook = ended + Math.max(LOOK_MS, LOOK_SHARE * (ended - began));
    return found;
  }

  private show(): Shown {
    return this.task.show(this.session, this.wish, this.seed + this.session.at);
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

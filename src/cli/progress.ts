import { smoother } from '../smooth.js';
import { count, duration, lossText, note, rate } from './output.js';

/** The place of a run on standard error: a bar on a terminal, else a line for every tenth of the way. */
export class Progress {
  private readonly average = smoother(0.99);
  private loss = Number.NaN;
  private tenth: number;
  private at = 0;
  private left = '';
  private bar: { update(at: number, payload: object): void; stop(): void } | null = null;

  private constructor(
    from: number,
    private readonly steps: number,
    private readonly quiet: boolean,
  ) {
    this.tenth = Math.floor((from * 10) / Math.max(1, steps));
  }

  static async start(from: number, steps: number, quiet = false): Promise<Progress> {
    const progress = new Progress(from, steps, quiet);
    if (!quiet && process.stderr.isTTY && steps > from) {
      const { default: cliProgress } = await import('cli-progress');
      const bar = new cliProgress.SingleBar({
        stream: process.stderr,
        format: '{bar} {percentage} %  loss {loss}  {rate} steps/s  {left} left{more}',
        barCompleteChar: '█',
        barIncompleteChar: '░',
        barsize: 28,
        hideCursor: true,
        gracefulExit: false,
      });
      bar.start(steps, from, { loss: '-', rate: '-', left: '-', more: '' });
      progress.bar = bar;
      // The bar hides the cursor: it must come back however the process ends.
      process.once('exit', () => progress.stop());
    }
    return progress;
  }

  /** `more`: what else there is to tell; `secondsLeft`: where there is more to do than the steps. */
  update(
    at: number,
    losses: readonly number[],
    stepsPerSecond: number,
    { more = '', secondsLeft }: { more?: string; secondsLeft?: number } = {},
  ): void {
    if (this.quiet) return;
    for (const loss of losses) this.loss = this.average(loss);
    this.at = at;
    const left = duration(secondsLeft ?? (this.steps - at) / stepsPerSecond);
    this.left = left;
    const payload = {
      loss: lossText(this.loss),
      rate: rate(stepsPerSecond),
      left,
      more: more && `  ${more}`,
    };
    if (this.bar) {
      this.bar.update(at, payload);
      return;
    }
    const tenth = Math.floor((at * 10) / this.steps);
    if (process.stderr.isTTY || tenth <= this.tenth) return;
    this.tenth = tenth;
    const place = `step ${count(at)} of ${count(this.steps)}`;
    process.stderr.write(
      `${place}  loss ${payload.loss}  ${payload.rate} steps/s${at < this.steps ? `  ${left} left` : ''}${payload.more}\n`,
    );
  }

  /** What was found out at this place, a line of its own where there is no bar, which would be written into. */
  line(text: string): void {
    if (this.quiet || process.stderr.isTTY) return;
    const left = this.at < this.steps && this.left ? `, ${this.left} left` : '';
    note(`step ${count(this.at)} of ${count(this.steps)}  loss ${lossText(this.loss)}  ${text}${left}`);
  }

  stop(): void {
    this.bar?.stop();
    this.bar = null;
  }
}

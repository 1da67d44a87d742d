import { DivergedError } from '../errors.js';
import { macrotask } from '../train/macrotask.js';
import type { Session } from '../train/session.js';

const BREATH_MS = 20;

/**
 * Short trainings on a session, all from where it stands and on the same batches: each begins with the same
 * variables and draws what the steps from here on would draw, and leaves no trace.
 */
export class Trials {
  /** Steps taken in all trials together. */
  steps = 0;

  constructor(
    private readonly session: Session,
    private readonly signal?: AbortSignal,
  ) {}

  /**
   * Trains with the rate of each step and returns the losses, the first being that before any step. Ends early where a
   * loss is not finite, which is then the last, and where `stop` says so. Rejects with the signal's reason.
   */
  run(rates: ArrayLike<number>, stop?: (loss: number, step: number) => boolean): Promise<number[]> {
    const { session, signal } = this;
    return session.trial(async () => {
      const losses: number[] = [];
      let breath = performance.now();
      for (let i = 0; i < rates.length; i++) {
        signal?.throwIfAborted();
        losses.push(this.step(rates[i]));
        // A call for each step, not session.run: how many steps that takes at once depends on the time.
        if (!Number.isFinite(losses[i]) || stop?.(losses[i], i)) break;
        if (performance.now() - breath < BREATH_MS) continue;
        await macrotask();
        breath = performance.now();
      }
      signal?.throwIfAborted();
      return losses;
    });
  }

  private step(lr: number): number {
    this.steps++;
    try {
      return this.session.step({ lr });
    } catch (error) {
      if (error instanceof DivergedError) return error.variables.length > 0 ? Number.NaN : error.loss;
      throw error;
    }
  }
}

import { ASYNC_DISPOSE } from '../closing.js';
import type { Columns } from './engine.js';
import { macrotask } from './macrotask.js';
import type { Evaluated } from './metrics.js';
import type { Progress, RunOptions } from './run-options.js';

/** The last report of a run that was awaited; iterating over it gives all of them. */
// biome-ignore lint/suspicious/noExplicitAny: of any step.
export interface RunResult<R = any> extends Progress<R>, AsyncIterable<Progress<R>> {}

/**
 * A run of training steps: iterate over it for its reports as they come, or await it for the last one (undefined if no
 * step was taken). Nothing is trained before that.
 */
// biome-ignore lint/suspicious/noExplicitAny: of any step.
export class Run<R = any>
  implements AsyncGenerator<Progress<R>, void, void>, Promise<RunResult<R> | undefined>
{
  readonly [Symbol.toStringTag] = 'Run';
  private readonly made: Progress<R>[] = [];
  private ended: Promise<RunResult<R> | undefined> | undefined;

  constructor(private readonly reports: AsyncGenerator<Progress<R>, void, void>) {}

  next(): Promise<IteratorResult<Progress<R>, void>> {
    return this.reports.next();
  }

  return(): Promise<IteratorResult<Progress<R>, void>> {
    return this.reports.return();
  }

  throw(error: unknown): Promise<IteratorResult<Progress<R>, void>> {
    return this.reports.throw(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [ASYNC_DISPOSE](): Promise<void> {
    await this.return();
  }

  // biome-ignore lint/suspicious/noThenProperty: so that `await session.run(...)` trains.
  then<A = RunResult<R> | undefined, B = never>(
    done?: ((last: RunResult<R> | undefined) => A | PromiseLike<A>) | null,
    failed?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.ended ??= this.finish();
    return this.ended.then(done, failed);
  }

  catch<B = never>(failed?: ((reason: unknown) => B | PromiseLike<B>) | null) {
    return this.then(undefined, failed);
  }

  finally(done?: (() => void) | null): Promise<RunResult<R> | undefined> {
    this.ended ??= this.finish();
    return this.ended.finally(done);
  }

  private async finish(): Promise<RunResult<R> | undefined> {
    const { made, reports } = this;
    for await (const report of reports) made.push(report);
    const last = made.at(-1);
    if (!last) return undefined;
    // An async function that returns a run awaits it: whoever iterates over what it gives still gets the reports.
    const all = async function* () {
      yield* made;
    };
    return Object.defineProperty({ ...last }, Symbol.asyncIterator, { value: all }) as RunResult<R>;
  }
}

/** Steps in one call into the engine, at most. */
const MAX_CHUNK = 4096;
const CHUNK_MS = 50;

/** What a run does to its session. */
interface Trainee {
  at(): number;
  isOpen(): boolean;
  /** Takes so many steps or fewer; returns their losses. */
  advance(steps: number): ArrayLike<number>;
  evaluate(columns: Columns): Evaluated;
  /** Called when the last step is taken, before it is reported. */
  finish(): void;
}

/** Takes the steps in chunks of about CHUNK_MS, and lets the host's other work run between them. */
export async function* reportsOf(
  { steps, signal, evaluate, every = Math.max(1, Math.round(steps / 100)) }: RunOptions,
  session: Trainee,
): AsyncGenerator<Progress, void, void> {
  const end = session.at() + steps;
  let losses: number[] = [];
  let chunk = 1;
  let reported = performance.now();
  const report = (): Progress => {
    const now = performance.now();
    const made = losses;
    losses = [];
    return {
      at: session.at(),
      loss: made.at(-1)!,
      losses: made,
      stepsPerSecond: (made.length * 1000) / (now - reported),
      ...(evaluate && session.isOpen() && { evaluated: session.evaluate(evaluate) }),
    };
  };
  while (session.at() < end && !signal?.aborted && session.isOpen()) {
    const n = Math.min(chunk, every - losses.length, end - session.at(), MAX_CHUNK);
    const started = performance.now();
    const made = session.advance(n);
    for (let i = 0; i < made.length; i++) losses.push(made[i]);
    const took = performance.now() - started;
    const fitting = Math.round((made.length * CHUNK_MS) / Math.max(took, 0.01));
    chunk = Math.max(1, Math.min(MAX_CHUNK, fitting, chunk * 8));
    if (session.at() === end) session.finish();
    if (losses.length >= every || session.at() === end) {
      yield report();
      reported = performance.now();
    }
    await macrotask();
  }
  if (session.at() !== end) session.finish();
  if (losses.length) yield report();
}

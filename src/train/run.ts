import { ASYNC_DISPOSE } from '../closing.js';
import { BestReport } from './best.js';
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

/** `f`, of which only the first call does anything. */
export function once(f: () => void): () => void {
  let called = false;
  return () => {
    if (!called) f();
    called = true;
  };
}

/** Steps in one call into the engine, at most. */
const MAX_CHUNK = 4096;
const CHUNK_MS = 50;

/** What a run does to its session. */
interface Trainee {
  at(): number;
  isOpen(): boolean;
  /** Takes so many steps or fewer; returns their losses. */
  advance(steps: number): Promise<ArrayLike<number>>;
  evaluate(columns: Columns): Evaluated;
  /** Throws, and goes back, where a variable is not finite. */
  check(): void;
  /** Remembers what the session is; what it returns puts that back. */
  mark(): () => void;
  /** Lets others have the session: before the last report, so that whoever gets it may go on at once. */
  free(): void;
}

/** Takes the steps in chunks of about CHUNK_MS, and lets the host's other work run between them. */
export async function* reportsOf(
  options: RunOptions,
  session: Trainee,
): AsyncGenerator<Progress, void, void> {
  const { steps, signal, evaluate, onProgress } = options;
  const { every = Math.max(1, Math.round(steps / 100)) } = options;
  const end = session.at() + steps;
  const best = new BestReport(options);
  let losses: number[] = [];
  let chunk = 1;
  let reported = performance.now();
  const markSound = () => {
    session.check();
    return session.mark();
  };
  const report = (): Progress => {
    const now = performance.now();
    const made: Progress = {
      at: session.at(),
      loss: losses.at(-1)!,
      losses,
      stepsPerSecond: (losses.length * 1000) / (now - reported),
      ...(evaluate && session.isOpen() && { evaluated: session.evaluate(evaluate) }),
    };
    losses = [];
    const found = best.judges && session.isOpen() ? best.see(made, markSound) : null;
    return found ? { ...made, best: found } : made;
  };
  let finished = false;
  const finish = (isLeft: boolean) => {
    if (finished) return;
    finished = true;
    if (session.isOpen()) {
      if (!isLeft) session.check();
      best.restore();
    }
    session.free();
  };
  /** After an error of the session, which has gone back, or does not go on. */
  const failed = (error: unknown): never => {
    finished = true;
    throw best.restoreFrom(error);
  };
  const sound = <T>(f: () => T): T => {
    try {
      return f();
    } catch (error) {
      return failed(error);
    }
  };
  try {
    while (session.at() < end && !signal?.aborted && session.isOpen()) {
      const n = Math.min(chunk, every - losses.length, end - session.at(), MAX_CHUNK);
      const started = performance.now();
      const made = await session.advance(n).catch(failed);
      for (let i = 0; i < made.length; i++) losses.push(made[i]);
      const took = performance.now() - started;
      const fitting = Math.round((made.length * CHUNK_MS) / Math.max(took, 0.01));
      chunk = Math.max(1, Math.min(MAX_CHUNK, fitting, chunk * 8));
      const isEnd = session.at() === end;
      if (losses.length >= every || isEnd) {
        const now = sound(report);
        const isLast = isEnd || best.isOver;
        if (isLast) sound(() => finish(false));
        await onProgress?.(now);
        yield now;
        if (isLast) return;
        reported = performance.now();
      }
      await macrotask();
    }
    const rest = losses.length > 0 ? sound(report) : null;
    sound(() => finish(false));
    if (!rest) return;
    await onProgress?.(rest);
    yield rest;
  } finally {
    // A loop that was left.
    finish(true);
  }
}

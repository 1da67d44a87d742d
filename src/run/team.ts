import { GradError, WorkerError } from '../errors.js';
import type { Helper } from './module.js';

/** Milliseconds in which at least one more thread has to be ready: a page may load its script from far away. */
const START_MS = 20_000;
/** Milliseconds in which threads that are told to end have to. */
const END_MS = 5000;
/** What a thread may be late at a meeting that another waits at, beside a multiple of what the job has taken so far. */
const LATE_MS = 10_000;
const LATE_FACTOR = 10;

const MEND = 'start another session, and give it the last checkpoint';

/** The threads of a session other than the host's: all of them work, or none does. */
export class Team {
  private readonly helpers: Helper[] = [];
  private began = 0;
  private waited = 0;
  /** Why the session is of no use any more, if it is not. */
  failure: WorkerError | null = null;

  constructor(
    /** Tells whether a thread has said, in the memory, that it fell. */
    private readonly fell: () => boolean,
  ) {}

  /** Starts threads and waits for them; a WorkerError if one does not answer, with the others ended. */
  async start(count: number, spawn: (index: number) => Helper): Promise<void> {
    try {
      for (let index = 1; index <= count; index++) this.helpers.push(spawn(index));
      await inTime(this.helpers.map((helper) => helper.ready));
    } catch (error) {
      this.stop();
      if (error instanceof GradError) throw error;
      throw new WorkerError(`a thread did not start: ${error instanceof Error ? error.message : error}`);
    }
  }

  /** Runs a job. Throws if a thread is missing, before or while it runs. */
  run(job: () => void): void {
    if (this.failure) throw this.failure;
    this.check(false);
    this.began = performance.now();
    this.waited = 0;
    try {
      job();
    } catch (error) {
      // Whatever it was, the threads stand somewhere in the middle of the job.
      throw this.fail(error instanceof WorkerError ? error.message : `the job failed: ${error}`);
    }
  }

  /** What a module calls from time to time while its first thread waits for others; it throws to end the wait. */
  readonly late = (): void => {
    this.check(true);
    const now = performance.now();
    this.waited ||= now;
    const patience = LATE_MS + LATE_FACTOR * (this.waited - this.began);
    if (now - this.waited > patience)
      throw this.fail(`a thread does not answer for ${Math.round((now - this.waited) / 1000)} s`);
  };

  async close(dismiss: () => void): Promise<void> {
    if (this.failure) return;
    dismiss();
    const over = Promise.all(this.helpers.map((helper) => helper.ended()));
    if (this.helpers.length > 0 && (await settles(over, END_MS)) === false) this.stop();
  }

  private check(ask: boolean): void {
    for (const helper of this.helpers) {
      const lost = helper.lost?.(ask);
      if (lost !== undefined) throw this.fail(`a thread of this session has died: ${lost}`);
    }
    if (ask && this.fell()) throw this.fail('a thread of this session has died');
  }

  private fail(what: string): WorkerError {
    if (this.failure) return this.failure;
    this.failure = new WorkerError(`${what}; the session can do nothing more: ${MEND}`);
    this.stop();
    return this.failure;
  }

  private stop(): void {
    for (const helper of this.helpers) helper.stop?.();
  }
}

/** Waits for all, as long as they go on to settle one after the other. */
async function inTime(ready: readonly Promise<void>[]): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let missing = ready.length;
  if (missing === 0) return;
  try {
    await new Promise<void>((resolve, reject) => {
      const patience = () => {
        clearTimeout(timer);
        const tell = () =>
          reject(new WorkerError(`a thread did not start: it has not answered for ${START_MS / 1000} s`));
        timer = setTimeout(tell, START_MS);
      };
      patience();
      for (const one of ready) {
        one.then(() => {
          patience();
          if (--missing === 0) resolve();
        }, reject);
      }
    });
  } finally {
    clearTimeout(timer);
  }
}

/** Whether a promise settles in so many milliseconds. */
async function settles(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  const done = promise.then(
    () => true,
    () => true,
  );
  return Promise.race([done, timeout]).finally(() => clearTimeout(timer));
}

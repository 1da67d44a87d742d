// What a compiled module gives its host, and what runs its other threads.

/** What every emitted module exports. */
export interface Exports {
  join(index: number, count: number, scratch: number): void;
  /** `team`: so many of the threads do the job. */
  run(job: number, team: number): void;
  dismiss(): void;
  /** Adds so many bytes of floats to others, of a module whose steps are cut into shards. */
  accumulate?(to: number, from: number, bytes: number): void;
  /** Copies so many, of such a module. */
  move?(to: number, from: number, bytes: number): void;
  work(seen: number): void;
}

/** A thread other than the host's. */
export interface Helper {
  /** Settles when the thread waits for work; rejects if it cannot. */
  readonly ready: Promise<void>;
  /** Settles when the thread has ended, as it does when it is dismissed. */
  ended(): Promise<void>;
  /** Why the thread can do nothing more, if that is known; `ask`: find out, without a turn of the event loop. */
  lost?(ask: boolean): string | undefined;
  /** Ends the thread wherever it stands. */
  stop?(): void;
}

export type Spawn = (start: {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  index: number;
  count: number;
  /** Where the threads' scratch begins. */
  scratch: number;
  /** The address of the cell that a thread sets if it falls. */
  lost: number;
}) => Helper;

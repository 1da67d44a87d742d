import { OptionError } from '../errors.js';
import { IN_NODE } from '../host.js';
import { MAX_THREADS } from '../plan/layout.js';

/** What a session can have in the way of threads. */
export interface ThreadSupport {
  /** Threads that a session can make use of here. */
  readonly most: number;
  /** If that is one: why, and how to get more. */
  readonly reason: string | null;
}

const NOT_ISOLATED =
  'this page is not cross-origin isolated, so its threads cannot share memory: serve it with the headers ' +
  'Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp';
const MAIN_THREAD =
  "a page's main thread must not wait for other threads: use the session in a worker, or with one thread";

/** How many threads a session can use in this place; where it is one, why. */
export function threadSupport(): ThreadSupport {
  if (!canShareMemory()) return { most: 1, reason: NOT_ISOLATED };
  if (!mayWait()) return { most: 1, reason: MAIN_THREAD };
  const most = cores();
  return { most, reason: most > 1 ? null : 'this machine has one core' };
}

/** Threads that can run at the same time. Without an import, which bundlers for browsers would stumble over. */
function cores(): number {
  if (IN_NODE) return globalThis.process.getBuiltinModule?.('node:os').availableParallelism() ?? 1;
  return navigator.hardwareConcurrency || 1;
}

/** Whether other threads can be given a memory. Without isolation a shared memory can be made, but not posted. */
export function canShareMemory(): boolean {
  return IN_NODE || globalThis.crossOriginIsolated === true;
}

/**
 * The threads that a session gets of those that were asked for: one where a page is not isolated. The results are
 * the same. Throws OptionError on a page's main thread, which the user can leave.
 */
export function grantThreads(asked: number): number {
  checkThreads(asked);
  if (asked === 1 || !canShareMemory()) return 1;
  if (!mayWait()) throw new OptionError(`threads: ${MAIN_THREAD}`);
  return asked;
}

/** A number of threads that a session may be asked for, or an OptionError. */
export function checkThreads(threads: number): void {
  if (!Number.isInteger(threads) || threads < 1 || threads > MAX_THREADS) {
    throw new OptionError(`threads: expected a whole number from 1 to ${MAX_THREADS}, got ${threads}`);
  }
}

/** A page's main thread may not sleep. A wait for a value that has passed says so without sleeping. */
function mayWait(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
    return true;
  } catch {
    return false;
  }
}

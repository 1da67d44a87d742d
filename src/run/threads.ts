import type * as Files from 'node:fs';
import type * as System from 'node:os';
import { shown } from '../check.js';
import { OptionError } from '../errors.js';
import { IN_NODE } from '../host.js';
import { MAX_THREADS } from '../plan/layout.js';
import { cpuQuota } from './quota.js';

/** What a session can have in the way of threads. */
export interface ThreadSupport {
  /** Threads that a session can make use of here. */
  readonly most: number;
  /** If that is one: why, and how to get more. */
  readonly reason: string | null;
}

const HEADERS =
  'serve it with the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp';
const MAIN_THREAD =
  "a page's main thread must not wait for other threads: use the session in a worker, or with one thread";

/**
 * How many threads a session can use in this place; where it is one, why.
 * @example
 * ```ts
 * import { threadSupport } from '2headgrad';
 * const { most, reason } = threadSupport();
 * console.log(most >= 1, most > 1 || reason !== null); // true true
 * ```
 */
export function threadSupport(): ThreadSupport {
  const reason = obstacle();
  if (reason) return { most: 1, reason };
  const { count, limit } = processors();
  return { most: count, reason: count > 1 ? null : limit };
}

/** Why this place can have no threads beside its own, if that is so. */
function obstacle(): string | null {
  if (!canShareMemory()) return notShared();
  if (mayWait()) return null;
  return isWindow()
    ? MAIN_THREAD
    : 'this place must not wait for other threads: use the session in a worker of its own';
}

/** Whether other threads can be given a memory. Without isolation a shared memory can be made, but not posted. */
export function canShareMemory(): boolean {
  if (typeof SharedArrayBuffer === 'undefined' || !canStartWorkers()) return false;
  return IN_NODE || globalThis.crossOriginIsolated === true;
}

function notShared(): string {
  if (!canStartWorkers()) return 'this place has no workers to share the work with';
  if (IN_NODE || globalThis.crossOriginIsolated === true)
    return 'this engine has no SharedArrayBuffer, so its threads cannot share memory';
  if (isWindow())
    return `this page is not cross-origin isolated, so its threads cannot share memory: ${HEADERS}`;
  return `this worker is not cross-origin isolated, so its threads cannot share memory: the page that it belongs to has to be; ${HEADERS}`;
}

/** Cloudflare's workerd says that it is Node if asked to, and has neither workers nor their memory. */
function canStartWorkers(): boolean {
  if (globalThis.navigator?.userAgent === 'Cloudflare-Workers') return false;
  return IN_NODE || typeof Worker === 'function';
}

function isWindow(): boolean {
  return typeof document === 'object';
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

/** Threads that can run at the same time, and what keeps them from being more. */
export function processors(): { count: number; limit: string } {
  if (!IN_NODE) return { count: navigator.hardwareConcurrency || 1, limit: 'this machine has one core' };
  // Without an import, which bundlers for browsers would stumble over.
  const builtin = <T>(name: string) => globalThis.process.getBuiltinModule?.(name) as T | undefined;
  const system = builtin<typeof System>('node:os');
  const files = builtin<typeof Files>('node:fs');
  if (!system || !files)
    return {
      count: 1,
      limit: 'Node before 20.16 does not tell a library how many cores there are: use a newer one',
    };
  const cores = system.availableParallelism();
  const quota = cpuQuota((path) => {
    try {
      return files.readFileSync(path, 'utf8');
    } catch {
      return undefined;
    }
  });
  const count = Math.max(1, Math.min(cores, Math.floor(quota)));
  if (quota < cores)
    return {
      count,
      limit: `this process may use the time of ${Number(quota.toFixed(2))} of ${cores} cores (its control group)`,
    };
  const all = system.cpus().length;
  if (cores < all) return { count, limit: `this process may run on ${cores} of ${all} cores (its affinity)` };
  return { count, limit: all > 1 ? `this machine has ${all} cores` : 'this machine has one core' };
}

/**
 * The threads that a session gets of those that were asked for: one in a place that can have no more, such as a page
 * that is not isolated, or its main thread. The results are the same.
 */
export function grantThreads(asked: number): number {
  checkThreads(asked);
  return obstacle() ? 1 : asked;
}

/** What the user should know of a session's threads where they are not as asked for, or cannot all run at a time. */
export function threadNote(asked: number, got: number): string | null {
  if (got < asked) {
    const why = obstacle() ?? 'the module was compiled for one thread';
    return `${got === 1 ? 'one thread' : `${got} threads`} instead of ${asked}: ${why}`;
  }
  if (asked === 1) return null;
  const { count, limit } = processors();
  return asked > count ? `${asked} threads are more than can run at a time: ${limit}` : null;
}

/** A number of threads that a session may be asked for, or an OptionError. */
export function checkThreads(threads: number): void {
  if (!Number.isInteger(threads) || threads < 1 || threads > MAX_THREADS) {
    throw new OptionError(`threads: expected a whole number from 1 to ${MAX_THREADS}, got ${shown(threads)}`);
  }
}

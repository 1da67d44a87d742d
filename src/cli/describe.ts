import type { Session } from '../train/session.js';
import { duration, plural } from './output.js';

/** What runs the steps. */
export function engineText({ module, threads, wide }: Session): string {
  if (!module) return 'on the tape';
  const kilobytes = (module.wasm.length / 1024).toFixed(1);
  const from = module.cached ? ' from the cache' : '';
  return `compiled${from} in ${duration(module.compileMs / 1000)} (${kilobytes} KiB of wasm), ${plural(threads, 'thread')}${wide?.used ? ', wide vectors' : ''}`;
}

/** Says on standard error if the threads are not what was asked for, or cannot all run at a time. */
export function noteThreads({ threadNote }: Session): void {
  if (threadNote) process.stderr.write(`Note: ${threadNote}\n`);
}

import type { CompiledModule } from '../emit/compile.js';
import { remadeText } from '../plan/print.js';
import { shownName } from '../printable.js';
import type { Session } from '../train/session.js';
import { duration, plural } from './output.js';

/** What runs the steps. */
export function engineText({ module, threads, wide }: Session): string {
  if (!module) return 'on the tape';
  const kilobytes = (module.wasm.length / 1024).toFixed(1);
  const from = module.cached ? ' from the cache' : '';
  return `compiled${from} in ${duration(module.compileMs / 1000)} (${kilobytes} KiB of wasm), ${plural(threads, 'thread')}${wide?.used ? ', wide vectors' : ''}`;
}

/** How a module keeps to a budget of memory. */
export function memoryLines({ memory }: Pick<CompiledModule, 'memory'>, budget: number): string[] {
  const entries = Object.entries(memory.remade);
  const how = entries.length === 0 ? ', with all values kept' : '';
  return [
    `Memory: ${megabytes(memory.bytes)} before the data, of ${megabytes(budget)}${how}`,
    ...entries.map(
      ([entry, figures]) =>
        `  ${shownName(entry)}: values of ${megabytes(figures.bytes)} are not kept: ${remadeText(figures)}`,
    ),
  ];
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(2)} MB`;

/** Says on standard error if the threads are not what was asked for, or cannot all run at a time. */
export function noteThreads({ threadNote }: Session): void {
  if (threadNote) process.stderr.write(`Note: ${threadNote}\n`);
}

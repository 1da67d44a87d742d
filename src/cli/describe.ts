import type { Session } from '../train/session.js';
import { duration, type Output, plural } from './output.js';
import type { ModelSettings } from './settings.js';
import { type NamesTask, PARTS, type Part } from './task.js';

export function describeData(
  output: Output,
  { source, words, vocabulary, wordsOf, rowsOf }: NamesTask,
): void {
  output.line(
    `${source}: ${plural(words, 'word')}, ${plural(vocabulary.size - 1, 'character')} and the boundary`,
  );
  const part = (name: Part) =>
    `${name} ${plural(wordsOf[name], 'word')} (${plural(rowsOf[name].rows, 'row')})`;
  output.line(PARTS.map(part).join(', '));
}

/** The model in a few words. */
export function modelText({ context, embed, hidden, norm, direct }: ModelSettings): string {
  const extras = `${norm === 'none' ? '' : `, ${norm} norm`}${direct ? ', direct connections' : ''}`;
  return `context ${context}, embedding ${embed}, hidden ${hidden}${extras}`;
}

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

import { totalmem } from 'node:os';
import { OptionError } from '../../errors.js';
import { SCORED, type WordSizes, wordsParameters } from '../../models/words.js';
import { MAX_MEMORY } from '../../plan/layout.js';
import { count } from '../output.js';
import type { WordsSettings } from '../settings.js';

/** What a training takes at most: what WebAssembly addresses, and what the machine, or this process's share of it, has. */
export function memoryLimit(): number {
  const share = process.constrainedMemory?.() ?? 0;
  return Math.min(MAX_MEMORY, share > 0 ? Math.min(share, totalmem()) : totalmem());
}

/** Copies of the parameters beside the module's: the way back from a loss that is not finite, and a checkpoint. */
const COPIES = 2;

/**
 * Bytes that a training takes, from below: parameters with the state of their optimizer and their copies, the gradient of the table,
 * and the rows of a batch and of those that are scored. The compiler knows the rest.
 */
export function memoryOf(sizes: WordSizes, { optimizer, batch }: Pick<WordsSettings, 'optimizer' | 'batch'>) {
  const { vocab, context, embed, hidden } = sizes;
  const state = optimizer === 'adam' ? 2 : 0;
  const row = context * embed + 2 * hidden;
  return 4 * (wordsParameters(sizes) * (1 + state + COPIES) + vocab * embed + Math.max(batch, SCORED) * row);
}

/**
 * Throws OptionError where a model of a vocabulary takes more than `limit` bytes: before any is taken, and with what fits. `counts`:
 * how often each word comes, by its token.
 */
export function checkMemory(
  sizes: WordSizes,
  settings: Pick<WordsSettings, 'optimizer' | 'batch'>,
  counts: ArrayLike<number>,
  limit = memoryLimit(),
): void {
  const bytes = memoryOf(sizes, settings);
  if (bytes <= limit) return;
  const fits = (vocab: number) => memoryOf({ ...sizes, vocab }, settings) <= limit;
  throw new OptionError(
    `a vocabulary of ${count(sizes.vocab)} words makes a model of ${count(wordsParameters(sizes))} parameters, whose training takes ${gigabytes(bytes)}, and ${gigabytes(limit)} can be had: ${mend(counts, fits)}`,
  );
}

/** The lowest --min-count that is enough: the token of rare words is always there. */
function mend(counts: ArrayLike<number>, fits: (vocab: number) => boolean): string {
  const descending = Uint32Array.from(Array.prototype.slice.call(counts, 1)).sort().reverse();
  let [most, tooMany] = [0, descending.length];
  while (tooMany - most > 1) {
    const middle = (most + tooMany) >> 1;
    if (fits(middle + 1)) most = middle;
    else tooMany = middle;
  }
  const least = descending[most] + 1;
  const words = descending.findLastIndex((n) => n >= least) + 1;
  if (words === 0) return 'give a smaller --embed, --hidden or --order';
  return `--min-count ${least} leaves ${count(words + 1)} words, which fit; or give a smaller --embed or --hidden`;
}

const gigabytes = (bytes: number) => `${(bytes / 1e9).toPrecision(3)} GB`;

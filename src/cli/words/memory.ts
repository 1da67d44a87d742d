import { totalmem } from 'node:os';
import { OptionError } from '../../errors.js';
import { SCORED, type WordSizes, wordsParameters } from '../../models/words.js';
import { MAX_MEMORY } from '../../plan/layout.js';
import { count } from '../output.js';
import type { WordsSettings } from '../settings.js';

/** Bytes that a training takes: in its module, and in the whole process. */
export interface Memory {
  readonly module: number;
  readonly process: number;
}

/** What WebAssembly addresses, and what the machine, or this process's share of it, has. */
export function memoryLimits(): Memory {
  const share = process.constrainedMemory?.() ?? 0;
  return { module: MAX_MEMORY, process: share > 0 ? Math.min(share, totalmem()) : totalmem() };
}

/** Copies of the variables beside the module's: the way back from a loss that is not finite, and a checkpoint. */
const COPIES = 2;

export interface TrainingSizes extends WordSizes, Pick<WordsSettings, 'optimizer' | 'batch'> {
  /** Rows of the data. */
  readonly rows: number;
}

/** What a training takes, from below: variables, data, and what is computed for the rows of a batch or of those that are scored. */
export function memoryOf(sizes: TrainingSizes): Memory {
  const { vocab, context, embed, hidden, optimizer, batch, rows } = sizes;
  const variables = 4 * wordsParameters(sizes) * (optimizer === 'adam' ? 3 : 1);
  const data = 4 * rows * (context + 1);
  const module = variables + data + 4 * Math.max(batch, SCORED) * (vocab + context * embed + hidden);
  return { module, process: module + COPIES * variables + data };
}

/**
 * Throws OptionError where a model of a vocabulary takes more than there is: before any is taken, and with what fits. `counts`: how
 * often each word comes, by its token.
 */
export function checkMemory(sizes: TrainingSizes, counts: ArrayLike<number>, limits = memoryLimits()): void {
  const over = tooMuch(sizes, limits);
  if (!over) return;
  const fits = (vocab: number) => !tooMuch({ ...sizes, vocab }, limits);
  throw new OptionError(
    `a vocabulary of ${count(sizes.vocab)} words makes a model of ${count(wordsParameters(sizes))} parameters, whose training takes at least ${over}: ${mend(counts, fits)}`,
  );
}

function tooMuch(sizes: TrainingSizes, limits: Memory): string | undefined {
  const { module, process } = memoryOf(sizes);
  if (module > limits.module)
    return `${gigabytes(module)} in one WebAssembly memory, which has ${gigabytes(limits.module)} at most`;
  if (process > limits.process) return `${gigabytes(process)}, and ${gigabytes(limits.process)} can be had`;
  return undefined;
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

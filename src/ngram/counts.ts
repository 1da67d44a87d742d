import { DataError, OptionError } from '../errors.js';

/** N-grams of one length k that were seen, each a context of k - 1 words with a word behind it, numbered from 0 in order of appearance. */
export interface Grams {
  /** How often each was seen. */
  readonly counts: readonly number[];
  /** Among how many different words it was seen: the words in front of it that make an n-gram of k + 1. */
  readonly before: readonly number[];
  /** The number of its context among the n-grams of k - 1 words; 0 where these are the empty ones. */
  readonly contexts: readonly number[];
  readonly words: readonly number[];
  /** The number of what is left without its first word, among the n-grams of k - 1 words. */
  readonly shorter: readonly number[];
  /** The number of a context with a word behind it, or -1 if they were not seen. */
  find(context: number, word: number): number;
}

class Table implements Grams {
  readonly counts: number[] = [];
  readonly before: number[] = [];
  readonly contexts: number[] = [];
  readonly words: number[] = [];
  readonly shorter: number[] = [];
  // One number for a pair: contexts times words stay far below 2^53.
  private readonly ids = new Map<number, number>();

  constructor(private readonly vocabulary: number) {}

  find(context: number, word: number): number {
    return this.ids.get(context * this.vocabulary + word) ?? -1;
  }

  add(context: number, word: number, shorter: number): { id: number; isNew: boolean } {
    const found = this.find(context, word);
    if (found >= 0) {
      this.counts[found]++;
      return { id: found, isNew: false };
    }
    const id = this.counts.length;
    this.ids.set(context * this.vocabulary + word, id);
    this.counts.push(1);
    this.before.push(0);
    this.contexts.push(context);
    this.words.push(word);
    this.shorter.push(shorter);
    return { id, isNew: true };
  }
}

/** Counts of all n-grams of up to `order` words. */
export interface NgramCounts {
  readonly order: number;
  /** Words are whole numbers below it. */
  readonly vocabulary: number;
  /** Words that were counted. */
  readonly total: number;
  /** By length: `grams[k]` are those of k words; `grams[0]` is the empty one. */
  readonly grams: readonly Grams[];
}

/**
 * Counts the n-grams of texts whose words are whole numbers below `vocabulary`; none reaches over the end of a text.
 * Throws OptionError for an order below 1, DataError for a word outside of the vocabulary or texts with no word at all.
 */
export function countNgrams(
  texts: readonly ArrayLike<number>[],
  { order, vocabulary }: { order: number; vocabulary: number },
): NgramCounts {
  if (!Number.isInteger(order) || order < 1)
    throw new OptionError(`countNgrams: order must be a whole number from 1, not ${order}`);
  if (!Number.isInteger(vocabulary) || vocabulary < 1)
    throw new OptionError(`countNgrams: vocabulary must be a whole number from 1, not ${vocabulary}`);
  const grams = Array.from({ length: order + 1 }, () => new Table(vocabulary));
  let total = 0;
  // The n-gram of each length that ends at the word before; -1 where the text has not so many words yet.
  let last = new Int32Array(order + 1);
  for (const text of texts) {
    last.fill(-1);
    last[0] = 0;
    for (let t = 0; t < text.length; t++) {
      const word = text[t];
      if (!(Number.isInteger(word) && word >= 0 && word < vocabulary))
        throw new DataError(`countNgrams: ${word} at ${t} is no word of a vocabulary of ${vocabulary}`);
      const here = new Int32Array(order + 1).fill(-1);
      here[0] = 0;
      for (let k = 1; k <= order && last[k - 1] >= 0; k++) {
        const { id, isNew } = grams[k].add(last[k - 1], word, here[k - 1]);
        here[k] = id;
        if (isNew && k > 1) grams[k - 1].before[here[k - 1]]++;
      }
      last = here;
      total++;
    }
  }
  if (total === 0) throw new DataError('countNgrams: the texts have no word');
  return { order, vocabulary, total, grams };
}

/**
 * The contexts that were seen of those that end where `history` does: by length, from the empty one (0) to the longest
 * of fewer than `order` words; -1 where one was not seen.
 */
export function contextsOf({ grams, order }: NgramCounts, history: ArrayLike<number>): number[] {
  const found = [0];
  for (let k = 1; k < order && k <= history.length; k++) {
    let id = 0;
    for (let i = history.length - k, n = 1; n <= k && id >= 0; i++, n++) id = grams[n].find(id, history[i]);
    found.push(id);
  }
  return found;
}

import { OptionError } from '../errors.js';
import type { NgramCounts } from './counts.js';

/** Bigrams of more classes would take more memory than a table should. */
const MOST_CLASSES = 10_000;

export interface WordClassOptions {
  /** How many classes there are. */
  classes: number;
  /** How often each word looks for a better class, at most; it ends where no word moves. 3 unless given: more bring little. */
  sweeps?: number | undefined;
}

/**
 * A class, a whole number below `classes`, for each word of a vocabulary: by exchange (Kneser and Ney 1993; Martin, Liermann and Ney
 * 1998), where each word in turn moves to the class with which the bigrams of the text are likeliest. At first the most frequent
 * words have a class of their own, and the last one has all others. Words that the text does not have stay there. `counts` are of
 * `countNgrams`, of order 2 or more. Throws OptionError.
 */
export function wordClasses(counts: NgramCounts, { classes, sweeps = 3 }: WordClassOptions): Int32Array {
  if (counts.order < 2)
    throw new OptionError(`wordClasses: counts must be of order 2 or more, not ${counts.order}`);
  const most = Math.min(counts.vocabulary, MOST_CLASSES);
  if (!(Number.isInteger(classes) && classes >= 1 && classes <= most))
    throw new OptionError(
      `wordClasses: classes must be a whole number from 1 to ${most === MOST_CLASSES ? '10,000' : `the ${most} words`}, not ${classes}`,
    );
  if (!Number.isInteger(sweeps) || sweeps < 0)
    throw new OptionError(`wordClasses: sweeps must be a whole number from 0, not ${sweeps}`);
  const exchange = new Exchange(counts, classes);
  for (let sweep = 0; sweep < sweeps && exchange.sweep() > 0; sweep++);
  return exchange.classOf;
}

/** The words beside each word, and how often they are: those of word w from `starts[w]` to `starts[w + 1]`. */
interface Neighbours {
  readonly starts: Int32Array;
  readonly words: Int32Array;
  readonly counts: Int32Array;
}

class Exchange {
  readonly classOf: Int32Array;
  private readonly order: readonly number[];
  private readonly after: Neighbours;
  private readonly before: Neighbours;
  /** How often a word stands behind itself. */
  private readonly twice: Int32Array;
  /** Bigrams of classes, and in how many bigrams a class is the first or the second. */
  private readonly pairs: Int32Array;
  private readonly firsts: Int32Array;
  private readonly seconds: Int32Array;

  constructor(
    { vocabulary, grams: [, unigrams, bigrams] }: NgramCounts,
    private readonly classes: number,
  ) {
    const seen = [...unigrams.words.keys()].sort((a, b) => unigrams.counts[b] - unigrams.counts[a]);
    this.order = seen.map((id) => unigrams.words[id]);
    this.classOf = new Int32Array(vocabulary).fill(classes - 1);
    this.order.slice(0, classes - 1).forEach((word, i) => {
      this.classOf[word] = i;
    });
    this.twice = new Int32Array(vocabulary);
    this.pairs = new Int32Array(classes * classes);
    [this.firsts, this.seconds] = [new Int32Array(classes), new Int32Array(classes)];
    const firsts = bigrams.contexts.map((context) => unigrams.words[context]);
    bigrams.words.forEach((second, id) => {
      const [first, count] = [firsts[id], bigrams.counts[id]];
      const [a, b] = [this.classOf[first], this.classOf[second]];
      this.pairs[a * classes + b] += count;
      this.firsts[a] += count;
      this.seconds[b] += count;
      if (first === second) this.twice[first] = count;
    });
    this.after = neighbours(firsts, bigrams.words, bigrams.counts, vocabulary);
    this.before = neighbours(bigrams.words, firsts, bigrams.counts, vocabulary);
  }

  /** How many words moved. */
  sweep(): number {
    let moved = 0;
    for (const word of this.order) {
      const from = this.classOf[word];
      const around = this.around(word);
      this.put(word, from, -1, around);
      const to = this.best(word, from, around);
      this.put(word, to, 1, around);
      this.classOf[word] = to;
      if (to !== from) moved++;
    }
    return moved;
  }

  /** How often each class stands behind the word and in front of it, the word itself left out. */
  private around(word: number) {
    const byClass = ({ starts, words, counts }: Neighbours) => {
      const sums = new Int32Array(this.classes);
      let all = this.twice[word];
      for (let i = starts[word]; i < starts[word + 1]; i++) {
        sums[this.classOf[words[i]]] += counts[i];
        all += counts[i];
      }
      return { sums, all, present: Int32Array.from(sums.keys()).filter((c) => sums[c] > 0) };
    };
    return { after: byClass(this.after), before: byClass(this.before) };
  }

  /** Puts a word into a class, or takes it out (`sign` -1). */
  private put(word: number, c: number, sign: number, { after, before }: Around): void {
    const { classes, pairs } = this;
    for (const other of after.present) pairs[c * classes + other] += sign * after.sums[other];
    for (const other of before.present) pairs[other * classes + c] += sign * before.sums[other];
    pairs[c * classes + c] += sign * this.twice[word];
    this.firsts[c] += sign * after.all;
    this.seconds[c] += sign * before.all;
  }

  /** The class with which the log likelihood of all bigrams is greatest; `from` where others are no better. */
  private best(word: number, from: number, around: Around): number {
    let [best, most] = [from, this.gain(word, from, around)];
    for (let c = 0; c < this.classes; c++) {
      const gain = c === from ? most : this.gain(word, c, around);
      // More than rounding: or words would go to and fro.
      if (gain > most + 1e-6) [best, most] = [c, gain];
    }
    return best;
  }

  private gain(word: number, c: number, { after, before }: Around): number {
    const { classes, pairs, firsts, seconds } = this;
    let gain = 0;
    for (const other of after.present)
      if (other !== c) gain += risen(pairs[c * classes + other], after.sums[other]);
    for (const other of before.present)
      if (other !== c) gain += risen(pairs[other * classes + c], before.sums[other]);
    gain += risen(pairs[c * classes + c], after.sums[c] + before.sums[c] + this.twice[word]);
    return gain - risen(firsts[c], after.all) - risen(seconds[c], before.all);
  }
}

/** By word: what stands beside it, itself left out. */
function neighbours(
  of: readonly number[],
  others: readonly number[],
  counts: readonly number[],
  vocabulary: number,
): Neighbours {
  const starts = new Int32Array(vocabulary + 1);
  of.forEach((word, i) => {
    if (word !== others[i]) starts[word + 1]++;
  });
  for (let word = 0; word < vocabulary; word++) starts[word + 1] += starts[word];
  const at = starts.slice();
  const found = {
    starts,
    words: new Int32Array(starts[vocabulary]),
    counts: new Int32Array(starts[vocabulary]),
  };
  of.forEach((word, i) => {
    if (word === others[i]) return;
    found.words[at[word]] = others[i];
    found.counts[at[word]++] = counts[i];
  });
  return found;
}

/** n ln n of small counts, as most are, in a table that stays in the cache. */
const SMALL = Float64Array.from({ length: 1 << 13 }, (_, n) => (n === 0 ? 0 : n * Math.log(n)));
const nlogn = (n: number) => (n < SMALL.length ? SMALL[n] : n * Math.log(n));
/** What n ln n rises by as n does. */
const risen = (n: number, by: number) => nlogn(n + by) - nlogn(n);

type Around = ReturnType<Exchange['around']>;

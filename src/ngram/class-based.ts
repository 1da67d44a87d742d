import { DataError } from '../errors.js';
import { countNgrams } from './counts.js';
import { absoluteDiscount, KneserNey } from './kneser-ney.js';
import type { NgramModel } from './model.js';

/**
 * N-grams of classes (Brown et al. 1992): p(word | history) = p(class | classes of the history) p(word | class), the first by Kneser-Ney,
 * the second from how often the word was seen, discounted, so that words of the class that were not seen are possible, too.
 */
export class ClassNgrams implements NgramModel {
  readonly order: number;
  readonly vocabulary: number;
  private readonly classNgrams: KneserNey;
  /** p(word | class of the word). */
  private readonly within: Float64Array;

  /** `classOf` has the class of each word, as of `wordClasses`. Throws as `countNgrams` does, and DataError for what is no class. */
  constructor(
    texts: readonly ArrayLike<number>[],
    private readonly classOf: ArrayLike<number>,
    { order }: { order: number },
  ) {
    const all = Array.from(classOf);
    const wrong = all.findIndex((c) => !(Number.isInteger(c) && c >= 0 && c < all.length));
    if (wrong >= 0)
      throw new DataError(
        `ClassNgrams: word ${wrong} has ${classOf[wrong]} where a class belongs, a whole number below the ${classOf.length} words`,
      );
    this.order = order;
    this.vocabulary = classOf.length;
    const { grams } = countNgrams(texts, { order: 1, vocabulary: classOf.length });
    const classes = all.reduce((a, b) => Math.max(a, b), 0) + 1;
    const counts = countNgrams(
      texts.map((text) => this.classesOf(text)),
      { order, vocabulary: classes },
    );
    this.classNgrams = new KneserNey(counts);
    const seen = new Float64Array(classOf.length);
    for (const [id, word] of grams[1].words.entries()) seen[word] = grams[1].counts[id];
    this.within = withinClasses(seen, classOf, classes);
  }

  probability(history: ArrayLike<number>, word: number): number {
    const c = this.classOf[word];
    if (c === undefined)
      throw new DataError(`ClassNgrams: ${word} is no word of a vocabulary of ${this.vocabulary}`);
    return this.classNgrams.probability(this.classesOf(history), c) * this.within[word];
  }

  private classesOf(words: ArrayLike<number>): Int32Array {
    return Int32Array.from(words, (word) => this.classOf[word]);
  }
}

/** Counts over those of the class, with an absolute discount that is shared by all words of the class. */
function withinClasses(counts: Float64Array, classOf: ArrayLike<number>, classes: number): Float64Array {
  const often = (n: number) => counts.reduce((sum, count) => sum + Number(count === n), 0);
  const discount = absoluteDiscount(often(1), often(2));
  const [total, taken, words] = Array.from({ length: 3 }, () => new Float64Array(classes));
  counts.forEach((count, word) => {
    total[classOf[word]] += count;
    taken[classOf[word]] += count > 0 ? discount : 0;
    words[classOf[word]]++;
  });
  return counts.map((count, word) => {
    const c = classOf[word];
    if (total[c] === 0) return 1 / words[c];
    return (count > 0 ? count - discount : 0) / total[c] + taken[c] / total[c] / words[c];
  });
}

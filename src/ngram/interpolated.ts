import { contextsOf, type NgramCounts } from './counts.js';
import { mixtureWeights } from './mixture.js';
import type { NgramModel } from './model.js';

/**
 * The mixture of the relative frequencies of all orders and of a uniform guess (Jelinek and Mercer 1980), as Bengio et al. (2003,
 * section 4.1) compare with: weights for each class of how often the longest context was seen, classes falling with the logarithm
 * of its share, fitted by expectation maximisation on `held`, texts that were not counted.
 */
export class InterpolatedNgrams implements NgramModel {
  readonly order: number;
  readonly vocabulary: number;
  /** By class: the weights of the uniform guess and of the orders from 1 on. */
  private readonly weights = new Map<number, readonly number[]>();
  /** By length: how often each context was seen with a word behind it. */
  private readonly totals: readonly Float64Array[];

  constructor(
    private readonly counts: NgramCounts,
    held: readonly ArrayLike<number>[],
  ) {
    this.order = counts.order;
    this.vocabulary = counts.vocabulary;
    this.totals = counts.grams.map((_, k) => totalsOf(counts, k));
    const classes = new Map<number, number[][]>();
    for (const text of held) {
      const words = Int32Array.from(text);
      for (let t = 0; t < words.length; t++) {
        const { kind, parts } = this.look(words.subarray(Math.max(0, t - this.order + 1), t), words[t]);
        const columns = classes.get(kind) ?? parts.map(() => []);
        classes.set(kind, columns);
        for (let j = 0; j < parts.length; j++) columns[j].push(parts[j]);
      }
    }
    for (const [kind, columns] of classes) this.weights.set(kind, mixtureWeights(columns));
  }

  probability(history: ArrayLike<number>, word: number): number {
    const { kind, parts } = this.look(history, word);
    // A class that the held texts lack: equal weights.
    const weights = this.weights.get(kind) ?? parts.map(() => 1 / parts.length);
    return parts.reduce((sum, part, j) => sum + weights[j] * part, 0);
  }

  /** The class of a context, and what the uniform guess and each order give the word. */
  private look(history: ArrayLike<number>, word: number): { kind: number; parts: number[] } {
    const contexts = contextsOf(this.counts, history);
    const parts = [1 / this.vocabulary];
    for (let k = 1; k <= this.order; k++) {
      const context = contexts[k - 1] ?? -1;
      const total = context < 0 ? 0 : this.totals[k - 1][context];
      // What was never seen says no more than what is shorter.
      if (total === 0) parts.push(parts[k - 1]);
      else {
        const id = this.counts.grams[k].find(context, word);
        parts.push(id < 0 ? 0 : this.counts.grams[k].counts[id] / total);
      }
    }
    const longest = contexts[this.order - 1] ?? -1;
    const seen = longest < 0 ? 0 : this.totals[this.order - 1][longest];
    return { kind: Math.ceil(-Math.log((1 + seen) / this.counts.total)), parts };
  }
}

/** How often each n-gram of k words was seen with a word behind it. */
export function totalsOf({ grams }: NgramCounts, k: number): Float64Array {
  const totals = new Float64Array(k === 0 ? 1 : grams[k].counts.length);
  const longer = grams[k + 1];
  longer?.contexts.forEach((context, id) => {
    totals[context] += longer.counts[id];
  });
  return totals;
}

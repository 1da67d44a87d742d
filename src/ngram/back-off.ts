import { contextsOf, type NgramCounts } from './counts.js';
import { totalsOf } from './interpolated.js';
import { absoluteDiscount } from './kneser-ney.js';
import type { NgramModel } from './model.js';

/** The probabilities of the n-grams of an order, and what a context gives to words that were never seen behind it. */
interface Level {
  readonly probabilities: Float64Array;
  /** By context: the factor of the order below. */
  readonly backOff: Float64Array;
}

/**
 * Back-off with absolute discounting (Katz 1987; Ney, Essen and Kneser 1994): what was seen has its discounted frequency, the rest what
 * a shorter context gives it, by a factor that makes the sum 1. The lowest order is mixed with a uniform guess.
 */
export class BackOffNgrams implements NgramModel {
  readonly order: number;
  readonly vocabulary: number;
  private readonly levels: readonly Level[];

  constructor(private readonly counts: NgramCounts) {
    this.order = counts.order;
    this.vocabulary = counts.vocabulary;
    const levels: Level[] = [];
    for (let k = 1; k <= counts.order; k++) levels.push(levelOf(counts, k, levels[k - 2]));
    this.levels = levels;
  }

  probability(history: ArrayLike<number>, word: number): number {
    const contexts = contextsOf(this.counts, history);
    let factor = 1;
    for (let k = contexts.length; k > 0; k--) {
      const context = contexts[k - 1];
      if (context < 0) continue;
      const id = this.counts.grams[k].find(context, word);
      if (id >= 0) return factor * this.levels[k - 1].probabilities[id];
      factor *= this.levels[k - 1].backOff[context];
    }
    return factor / this.vocabulary;
  }
}

function levelOf(counts: NgramCounts, k: number, below: Level | undefined): Level {
  const { vocabulary } = counts;
  const grams = counts.grams[k];
  const totals = totalsOf(counts, k - 1);
  const followers = new Float64Array(totals.length);
  const lower = new Float64Array(totals.length);
  grams.contexts.forEach((context, id) => {
    followers[context]++;
    lower[context] += below ? below.probabilities[grams.shorter[id]] : 1 / vocabulary;
  });
  const times = (n: number) => grams.counts.reduce((sum, count) => sum + (count === n ? 1 : 0), 0);
  const discount = absoluteDiscount(times(1), times(2));
  // Where every word was seen nothing is left to give away, so nothing is taken off.
  const taken = (context: number) => (followers[context] < vocabulary ? discount : 0);
  const backOff = totals.map((total, context) => {
    if (total === 0) return 1;
    const share = (taken(context) * followers[context]) / total;
    return k === 1 ? share : share / (1 - lower[context]);
  });
  const probabilities = Float64Array.from(grams.counts, (count, id) => {
    const context = grams.contexts[id];
    const kept = (count - taken(context)) / totals[context];
    return k === 1 ? kept + backOff[context] / vocabulary : kept;
  });
  return { probabilities, backOff };
}

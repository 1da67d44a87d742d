import { contextsOf, type Grams, type NgramCounts } from './counts.js';
import type { NgramModel } from './model.js';

/** What is known of an order: how often its n-grams count, and of each context what follows it. */
interface Level {
  readonly grams: Grams;
  readonly adjusted: readonly number[];
  /** What is taken off an n-gram that counts once, twice, and more often. */
  readonly discounts: readonly [number, number, number];
  readonly totals: Float64Array;
  /** The share that is left for the order below. */
  readonly left: Float64Array;
}

/**
 * Interpolated Kneser-Ney smoothing with three discounts (Kneser and Ney 1995; Chen and Goodman 1999, section 3, "modified"): below the
 * highest order an n-gram counts by the number of different words that were seen in front of it; the lowest is
 * mixed with a uniform guess, so that words that were never seen have a probability, too.
 */
export class KneserNey implements NgramModel {
  readonly order: number;
  readonly vocabulary: number;
  private readonly levels: readonly Level[];

  constructor(private readonly counts: NgramCounts) {
    this.order = counts.order;
    this.vocabulary = counts.vocabulary;
    this.levels = counts.grams.slice(1).map((grams, i) => {
      const contexts = i === 0 ? 1 : counts.grams[i].counts.length;
      return levelOf(grams, i + 1 === counts.order ? grams.counts : grams.before, contexts);
    });
  }

  probability(history: ArrayLike<number>, word: number): number {
    const contexts = contextsOf(this.counts, history);
    let p = 1 / this.vocabulary;
    for (let k = 1; k <= contexts.length; k++) {
      const context = contexts[k - 1];
      const { grams, adjusted, discounts, totals, left } = this.levels[k - 1];
      if (context < 0 || totals[context] === 0) break;
      const id = grams.find(context, word);
      const count = id < 0 ? 0 : adjusted[id];
      const kept = count === 0 ? 0 : count - discounts[Math.min(count, 3) - 1];
      p = kept / totals[context] + left[context] * p;
    }
    return p;
  }
}

function levelOf(grams: Grams, adjusted: readonly number[], contexts: number): Level {
  const discounts = discountsOf(adjusted);
  const totals = new Float64Array(contexts);
  const left = new Float64Array(contexts);
  grams.contexts.forEach((context, id) => {
    const count = adjusted[id];
    if (count === 0) return;
    totals[context] += count;
    left[context] += discounts[Math.min(count, 3) - 1];
  });
  for (let i = 0; i < contexts; i++) if (totals[i] > 0) left[i] /= totals[i];
  return { grams, adjusted, discounts, totals, left };
}

/** Chen and Goodman's estimate from how many n-grams count once to four times; one discount for all where it has too few of them. */
function discountsOf(adjusted: readonly number[]): [number, number, number] {
  const n = [0, 0, 0, 0, 0];
  for (const count of adjusted) if (count >= 1 && count <= 4) n[count]++;
  const y = absoluteDiscount(n[1], n[2]);
  const estimate = (i: 1 | 2 | 3): number => {
    const d = i - ((i + 1) * y * n[i + 1]) / n[i];
    return d > 0 && d < i ? d : y;
  };
  return [estimate(1), estimate(2), estimate(3)];
}

/** What to take off every count so that what was seen once is as likely as what is new: between 0 and 1 (Ney et al. 1994). */
export function absoluteDiscount(once: number, twice: number): number {
  return once > 0 && twice > 0 ? once / (once + 2 * twice) : 0.5;
}

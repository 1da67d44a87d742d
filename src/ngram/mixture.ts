import { DataError } from '../errors.js';

/** Weights have settled once the mean of ln p gains less than this in a turn. */
const SETTLED = 1e-6;
const MOST_TURNS = 1000;

/**
 * The weights, 1 in sum, that make a mixture of models likeliest on words that none of them has learned from: expectation
 * maximisation (Dempster, Laird and Rubin 1977), from equal weights on. `columns` has what each model gives the same words;
 * equal weights where there are no words. Throws DataError where the models were asked for different numbers of words.
 */
export function mixtureWeights(columns: readonly ArrayLike<number>[]): number[] {
  const words = sameLength(columns);
  let weights = columns.map(() => 1 / columns.length);
  let before = Number.NEGATIVE_INFINITY;
  for (let turn = 0; words > 0 && turn < MOST_TURNS; turn++) {
    const shares = columns.map(() => 0);
    let likelihood = 0;
    for (let i = 0; i < words; i++) {
      let p = 0;
      for (let j = 0; j < columns.length; j++) p += weights[j] * columns[j][i];
      likelihood += Math.log(p);
      for (let j = 0; j < columns.length; j++) shares[j] += (weights[j] * columns[j][i]) / p;
    }
    const gain = likelihood / words - before;
    if (!(gain > SETTLED)) break;
    before = likelihood / words;
    weights = shares.map((share) => share / words);
  }
  return weights;
}

/** What a mixture of models gives words: the weighted sum of what each gives them. */
export function mixture(columns: readonly ArrayLike<number>[], weights: readonly number[]): Float64Array {
  if (weights.length !== columns.length)
    throw new DataError(`mixture: ${weights.length} weights for ${columns.length} models`);
  return Float64Array.from({ length: sameLength(columns) }, (_, i) =>
    columns.reduce((sum, column, j) => sum + weights[j] * column[i], 0),
  );
}

function sameLength(columns: readonly ArrayLike<number>[]): number {
  const lengths = columns.map(({ length }) => length);
  if (new Set(lengths).size !== 1)
    throw new DataError(
      `a mixture takes probabilities of the same words from each model, not of ${lengths.join(', ') || 'none'}`,
    );
  return lengths[0];
}

/** A model of the next word that counts what it has seen. Words are whole numbers below `vocabulary`. */
export interface NgramModel {
  /** It looks at the order - 1 words before. */
  readonly order: number;
  readonly vocabulary: number;
  /** p(word | history), of which no more than the last order - 1 words count: above 0, and 1 in sum over the vocabulary. */
  probability(history: ArrayLike<number>, word: number): number;
}

/** The probability of each word of texts after those before it in its text, the first `skip` words of each text left out. */
export function probabilitiesOf(
  model: NgramModel,
  texts: readonly ArrayLike<number>[],
  skip = 0,
): Float64Array {
  const counted = texts.map((text) => Math.max(0, text.length - skip));
  const all = new Float64Array(counted.reduce((a, b) => a + b, 0));
  let at = 0;
  for (const text of texts) {
    const words = Int32Array.from(text);
    for (let t = skip; t < words.length; t++) {
      const history = words.subarray(Math.max(0, t - model.order + 1), t);
      all[at++] = model.probability(history, words[t]);
    }
  }
  return all;
}

/** exp of the mean of -ln p: among how many equally likely words a model still has to choose. NaN of no words. */
export function perplexity(probabilities: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < probabilities.length; i++) sum -= Math.log(probabilities[i]);
  return Math.exp(sum / probabilities.length);
}

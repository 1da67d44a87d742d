import type { Vocabulary } from '../data/vocabulary.js';
import { GradError } from '../errors.js';
import { RandomStream, STREAMS } from '../random/philox.js';
import type { Session } from '../train/session.js';
import type { ModelSettings } from './settings.js';
import { checkModelSize, untracedStep } from './task.js';

/** A model that goes on and on is cut here. */
const LONGEST = 100;

/**
 * Words drawn from a trained model, one character at a time. The tape computes the probabilities whatever trained
 * the model, so that a seed gives the same words everywhere; word k does not depend on how many are drawn.
 */
export function* sampleWords(
  checkpoint: Uint8Array,
  vocabulary: Vocabulary,
  model: ModelSettings,
  seed: number,
): Generator<string, never> {
  const step = untracedStep(vocabulary, { ...model, batch: 2 });
  checkModelSize(step, checkpoint.length);
  const session = step.interpret({ seed });
  session.restore(checkpoint);
  const random = new RandomStream(seed, STREAMS.sample);
  for (let word = 0; ; word++) {
    const ids: number[] = [];
    while (ids.length < LONGEST) {
      const id = draw(
        nextProbabilities(session, ids, model.context),
        random.uniform(word * LONGEST + ids.length),
      );
      if (id === 0) break;
      ids.push(id);
    }
    yield vocabulary.decode(ids);
  }
}

export function firstOf<T>(items: Generator<T>, count: number): T[] {
  return Array.from({ length: count }, () => items.next().value as T);
}

/** Boundaries stand before the word's first character. */
function nextProbabilities(session: Session, ids: readonly number[], context: number): ArrayLike<number> {
  const x = new Int32Array(context);
  const known = ids.slice(-context);
  x.set(known, context - known.length);
  return session.predict({ x });
}

/** The index into whose share of [0, sum of probabilities) the number falls. */
function draw(probabilities: ArrayLike<number>, uniform: number): number {
  let sum = 0;
  for (let i = 0; i < probabilities.length; i++) sum += probabilities[i];
  if (!Number.isFinite(sum))
    throw new GradError('the model gives probabilities that are not numbers: train it again');
  let left = uniform * sum;
  let last = 0;
  for (let i = 0; i < probabilities.length; i++) {
    if (probabilities[i] === 0) continue;
    last = i;
    left -= probabilities[i];
    if (left < 0) break;
  }
  return last;
}

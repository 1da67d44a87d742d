import { splitWords } from '../../data/word-tokens.js';
import { OptionError } from '../../errors.js';
import { choose } from '../../models/choose.js';
import { RandomStream, STREAMS } from '../../random/philox.js';
import type { AnyTrainStep } from '../../run/train-step.js';
import { takeWeights } from '../../train/weights.js';
import type { Sampling } from '../kinds/kind.js';
import { note } from '../output.js';
import { choiceOf, LONGEST_TEXT, TRAINING_STATE } from '../sampling.js';
import type { WordsSettings } from '../settings.js';
import { checkModelSize } from '../task.js';
import type { WordVocabulary } from './corpus.js';
import { stepOf } from './step.js';

/**
 * Sentences that go on from a prompt, one word at a time; text k does not depend on how many are drawn. The tape computes the
 * probabilities, so that a seed gives the same text everywhere.
 */
export function* sampleSentences(
  checkpoint: Uint8Array,
  vocabulary: WordVocabulary,
  settings: WordsSettings,
  seed: number,
  how: Sampling,
): Generator<string, never> {
  const { tokens } = vocabulary;
  const step = stepOf(vocabulary, { ...settings, batch: 1, optimizer: 'sgd', dropout: 0 });
  checkModelSize(step as unknown as AnyTrainStep, checkpoint.length);
  const prompt = promptOf(vocabulary, how.prompt);
  const session = step.interpret({ seed });
  takeWeights(session, checkpoint, { ignore: TRAINING_STATE });
  const random = new RandomStream(seed, STREAMS.sample);
  const choice = choiceOf(how);
  const context = settings.order - 1;
  // Before the first word a sentence has ended, or at least the most frequent word came.
  const begin = new Array(context).fill(tokens.indexOf('.') || 1);
  const known = tokens.decode(prompt);
  for (let text = 0; ; text++) {
    const ids = [...prompt];
    for (let i = 0; i < how.length; i++) {
      const probabilities = session.predict({ x: [...begin, ...ids].slice(-context) });
      const at = random.uniform(text * LONGEST_TEXT + i);
      ids.push(choose(withoutRare(probabilities), at, choice));
    }
    const all = tokens.decode(ids);
    // What the model does not know of the prompt is shown as it was given.
    yield how.prompt === undefined ? all : how.prompt.trimEnd() + all.slice(known.length);
  }
}

/** A word that stands for many says nothing to a reader; it is drawn only where there is no other. */
function withoutRare(probabilities: ArrayLike<number>): ArrayLike<number> {
  const others = Float64Array.from(probabilities);
  others[0] = 0;
  return others.some((p) => p > 0) ? others : probabilities;
}

function promptOf({ tokens }: WordVocabulary, prompt: string | undefined): number[] {
  if (prompt === undefined) return [];
  const words = splitWords(prompt);
  if (words.length === 0) throw new OptionError('--prompt has no word: leave it out, or give at least one');
  const strange = [...new Set(words.filter((word) => tokens.indexOf(word) === 0))];
  if (strange.length > 0)
    note(
      `Note: the model does not know ${strange.slice(0, 8).map(quote).join(', ')}${strange.length > 8 ? ', ...' : ''}; such a word is to it the one that all rare words are`,
    );
  return [...tokens.encodeWords(words)];
}

const quote = (word: string) => JSON.stringify(word);

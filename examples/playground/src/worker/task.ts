import { contexts, RandomStream, STREAMS, split, Vocabulary } from '../engine.js';
import type { Project } from '../protocol.js';
import { loadModel, type Model } from './model.js';
import { parseWords } from './words.js';

/** Rows on which the loss on unseen words is taken: enough for two digits, few enough to be quick. */
const DEV_ROWS = 2048;
const LONGEST = 40;

/** A model with the words that it learns, as rows of tokens. */
export interface Task extends Model {
  vocabulary: Vocabulary;
  words: number;
  train: { x: Int32Array; y: Int32Array; rows: number };
  dev: { x: Int32Array; y: Int32Array };
}

export async function loadTask({ source, words: text, seed }: Project): Promise<Task> {
  const words = parseWords(text);
  const vocabulary = Vocabulary.from(words);
  const model = await loadModel(source, vocabulary.size);
  const parts = split(words, seed);
  const dev = contexts(parts.dev, vocabulary, model.context);
  return {
    ...model,
    vocabulary,
    words: words.length,
    train: contexts(parts.train, vocabulary, model.context),
    dev: { x: dev.x.subarray(0, DEV_ROWS * model.context), y: dev.y.subarray(0, DEV_ROWS) },
  };
}

/** So many words, character by character, from what `predict` gives for the characters before. */
export function sampleWords(
  { vocabulary, context }: Pick<Task, 'vocabulary' | 'context'>,
  predict: (x: Int32Array) => ArrayLike<number>,
  count: number,
  seed: number,
): string[] {
  const random = new RandomStream(seed, STREAMS.sample);
  return Array.from({ length: count }, (_, word) => {
    const ids: number[] = [];
    while (ids.length < LONGEST) {
      const x = new Int32Array(context);
      const known = ids.slice(-context);
      x.set(known, context - known.length);
      const id = draw(predict(x), random.uniform(word * LONGEST + ids.length));
      if (id === Vocabulary.BOUNDARY) break;
      ids.push(id);
    }
    return vocabulary.decode(ids);
  });
}

/** The index into whose share of [0, sum of the weights) the number falls. */
function draw(weights: ArrayLike<number>, uniform: number): number {
  let left = 0;
  for (let i = 0; i < weights.length; i++) left += weights[i];
  left *= uniform;
  for (let i = 0; i < weights.length; i++) if ((left -= weights[i]) < 0) return i;
  return Vocabulary.BOUNDARY;
}

import { contexts, split } from '../../src/data/dataset.js';
import { loadWords } from '../../src/data/names.js';
import { Vocabulary } from '../../src/data/vocabulary.js';

/** First names as rows of three characters (`x`) and the one that follows (`y`); 26 letters and the boundary. */
export async function data() {
  const { words } = await loadWords();
  const { x, y } = contexts(split(words, 42).train, Vocabulary.from(words), 3);
  return { x, y };
}

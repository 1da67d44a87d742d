import { contexts, loadWords, split, Vocabulary } from '2headgrad/data';

/** First names as rows of three characters (`x`) and the one that follows (`y`); 26 letters and the boundary. */
export async function data() {
  const { words } = await loadWords();
  const { x, y } = contexts(split(words, 42).train, Vocabulary.from(words), 3);
  return { x, y };
}

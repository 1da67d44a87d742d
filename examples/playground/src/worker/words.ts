import { DataError } from '2headgrad';
import { checkLength } from '../limits.js';

/** A model has a row and an output for each character; a list with more of them is no list of words. */
const MOST_CHARACTERS = 2000;

/** The words of a text, one a line; blank lines do not count. Throws DataError where it is not such a list. */
export function parseWords(text: string): string[] {
  const long = checkLength(text.length);
  if (long) throw new DataError(`the word list ${long}`);
  const words = text
    .split(/\r\n?|\n/)
    .map((line) => line.trim())
    .filter(Boolean);
  if (words.length === 0) throw new DataError('the word list is empty: give one word a line');
  const binary = words.findIndex((word) => word.includes('\0') || word.includes('\ufffd'));
  if (binary >= 0) {
    throw new DataError(`word ${binary + 1} is not text: give a UTF-8 file with one word a line`);
  }
  const characters = new Set(text).size;
  if (characters > MOST_CHARACTERS) {
    throw new DataError(
      `the words have ${characters.toLocaleString('en-US')} different characters; give a list with ${MOST_CHARACTERS.toLocaleString('en-US')} at most`,
    );
  }
  return words;
}

import { DataError } from '2headgrad';

/** A list that long is a mistake, and would stop the tab. */
const MOST_BYTES = 50 << 20;

/** The words of a text, one a line; blank lines do not count. Throws DataError where it is not such a list. */
export function parseWords(text: string): string[] {
  if (text.length > MOST_BYTES) {
    throw new DataError(
      `the word list has ${Math.round(text.length / 2 ** 20)} MiB; give one of 50 MiB at most`,
    );
  }
  const words = text
    .split(/\r\n?|\n/)
    .map((line) => line.trim())
    .filter(Boolean);
  if (words.length === 0) throw new DataError('the word list is empty: give one word a line');
  const binary = words.findIndex((word) => word.includes('\0') || word.includes('\ufffd'));
  if (binary >= 0) {
    throw new DataError(`word ${binary + 1} is not text: give a UTF-8 file with one word a line`);
  }
  return words;
}

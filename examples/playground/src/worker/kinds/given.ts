import { DataError } from '2headgrad';
import { checkLength } from '../../limits.js';

/** A model has a row and an output for each character; what has more of them is no text in one language. */
const MOST_CHARACTERS = 2000;

/** The words of a list, one a line; blank lines do not count. Throws DataError where it is not such a list. */
export function parseWords(text: string): string[] {
  checkGiven('the word list', text);
  const words = text
    .split(/\r\n?|\n/)
    .map((line) => line.trim())
    .filter(Boolean);
  if (words.length === 0) throw new DataError('the word list is empty: give one word a line');
  const binary = words.findIndex(isBinary);
  if (binary >= 0)
    throw new DataError(`word ${binary + 1} is not text: give a UTF-8 file with one word a line`);
  checkCharacters('the words have', 'a list', text);
  return words;
}

/** A text with line feeds at the ends of its lines. Throws DataError where it is none. */
export function parseText(given: string): string {
  checkGiven('the text', given);
  const text = given.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n');
  if (!text.trim()) throw new DataError('the text is empty: paste one, or open a file');
  const line = text.split('\n').findIndex(isBinary);
  if (line >= 0) throw new DataError(`line ${line + 1} is not text: give a UTF-8 file`);
  checkCharacters('the text has', 'one', text);
  return text;
}

const isBinary = (text: string) => text.includes('\0') || text.includes('\ufffd');

function checkGiven(what: string, text: string): void {
  const long = checkLength(text.length);
  if (long) throw new DataError(`${what} ${long}`);
}

function checkCharacters(what: string, another: string, text: string): void {
  const characters = new Set(text).size;
  if (characters <= MOST_CHARACTERS) return;
  const [found, most] = [characters, MOST_CHARACTERS].map((n) => n.toLocaleString('en-US'));
  throw new DataError(`${what} ${found} different characters; give ${another} with ${most} at most`);
}

import { shown, wholeNumber } from '../check.js';
import { OptionError } from '../errors.js';

// What users of `2headgrad/data` give, checked where it comes in.

/** The tokens of a text in pieces: an array of typed arrays, and not one of these by itself. */
export function checkPieces(what: string, pieces: unknown): void {
  if (isTokens(pieces))
    throw new OptionError(`${what}: expected the pieces of a text, got the tokens of one: give [tokens]`);
  if (!Array.isArray(pieces) || pieces.length === 0)
    throw new OptionError(
      `${what}: expected the pieces of a text, an array of Int32Array as loadText gives, got ${shown(pieces)}`,
    );
  const wrong = pieces.findIndex((piece) => !isTokens(piece));
  if (wrong >= 0)
    throw new OptionError(
      `${what}: piece ${wrong} of the text must be tokens, an Int32Array, got ${shown(pieces[wrong])}`,
    );
}

function isTokens(value: unknown): boolean {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

/** The name of a file or folder; whether there is one is seen when it is read. */
export function checkName(what: string, file: unknown): void {
  if (typeof file !== 'string')
    throw new OptionError(`${what}: expected the path of a file, got ${shown(file)}`);
}

export function checkText(what: string, text: unknown): void {
  if (typeof text !== 'string') throw new OptionError(`${what}: expected a text, got ${shown(text)}`);
}

/** Words as an array or any iterable of strings; a text by itself would be taken for its characters. */
export function checkWords(what: string, words: unknown): void {
  if (typeof words === 'string')
    throw new OptionError(`${what}: expected words one by one, got a text: give splitWords(text)`);
  const isIterable = typeof words === 'object' && words !== null && Symbol.iterator in words;
  if (!isIterable) throw new OptionError(`${what}: expected an array of words, got ${shown(words)}`);
  if (!Array.isArray(words)) return;
  const wrong = words.findIndex((word) => typeof word !== 'string');
  if (wrong >= 0) throw new OptionError(`${what}: word ${wrong} must be a text, got ${shown(words[wrong])}`);
}

/** Places of a context, and the most tokens to give. */
export function checkWindow(what: string, context: number, most: number): void {
  wholeNumber(`${what}: context`, context);
  if (!(typeof most === 'number' && most >= 1))
    throw new OptionError(`${what}: most: expected a number of tokens from 1, got ${shown(most)}`);
}

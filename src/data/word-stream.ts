import { isUtf8 } from 'node:buffer';
import { DataError } from '../errors.js';
import { firstInvalidLine, hasByteOrderMark } from './names.js';
import { splitWords, type WordOptions, WordTokens } from './word-tokens.js';

/** Bytes that become words at a time. */
const CHUNK = 2 ** 20;

/**
 * The words of a text in UTF-8 as tokens. It is gone through twice, piece by piece, so that there is never more of it as strings than
 * a piece. Throws DataError where the bytes are no text.
 */
export function wordsOfText(
  bytes: Uint8Array,
  name: string,
  options: WordOptions = {},
  chunk = CHUNK,
): { pieces: readonly Int32Array[]; tokens: WordTokens } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const nul = buffer.indexOf(0);
  if (nul >= 0) throw new DataError(`${name} has a NUL byte at byte ${nul}, so it is no text`);
  if (!isUtf8(buffer))
    throw new DataError(`${name} is not valid UTF-8 on line ${firstInvalidLine(buffer)}; save it as UTF-8`);
  let all = new Int32Array();
  const enough = (words: number) => {
    options.enough?.(words);
    all = new Int32Array(words);
  };
  const tokens = WordTokens.from(wordsIn(buffer, chunk), { ...options, enough });
  let at = 0;
  for (const word of wordsIn(buffer, chunk)) all[at++] = tokens.indexOf(word);
  return { pieces: [all], tokens };
}

function* wordsIn(buffer: Buffer, chunk: number): Generator<string, void> {
  let start = hasByteOrderMark(buffer) ? 3 : 0;
  while (start < buffer.length) {
    const end = afterBlank(buffer, start + chunk);
    yield* splitWords(buffer.toString('utf8', start, end));
    start = end;
  }
}

/** Behind the first blank from here on: no word, and no character with its marks, goes over it. */
function afterBlank(buffer: Buffer, from: number): number {
  for (let at = from; at < buffer.length; at++) {
    const byte = buffer[at];
    if (byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)) return at + 1;
  }
  return buffer.length;
}

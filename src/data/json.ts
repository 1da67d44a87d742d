import { DataError } from '../errors.js';
import { clipped } from '../printable.js';

const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const isOpening = (code: number) => code === 0x7b || code === 0x5b;
const isClosing = (code: number) => code === 0x7d || code === 0x5d;

/** Whether a value read from JSON is an object, and not null or a list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A key that one object of a JSON text has twice, and the keys of the objects around it. */
export interface DuplicateKey {
  key: string;
  path: string[];
}

/**
 * The first key that an object of a valid JSON text has twice; `JSON.parse` keeps the last in silence.
 * One pass over strings and brackets, which are all that matters once the text is known to be valid.
 */
export function duplicateKey(text: string): DuplicateKey | undefined {
  const open: { keys: Set<string> | null; key: string }[] = [];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    // A list has no keys, and most of what is in a file may be in lists.
    if (isOpening(code)) open.push({ keys: null, key: '' });
    else if (isClosing(code)) open.pop();
    else if (code === QUOTE) {
      const start = at;
      at = stringEnd(text, at);
      if (!isKey(text, at + 1)) continue;
      const key = keyOf(text.slice(start + 1, at));
      const object = open[open.length - 1];
      object.keys ??= new Set();
      if (object.keys.has(key)) return { key, path: open.slice(0, -1).map((outer) => outer.key) };
      object.keys.add(key);
      object.key = key;
    }
  }
  return undefined;
}

const keyOf = (written: string): string =>
  written.includes('\\') ? (JSON.parse(`"${written}"`) as string) : written;

/** Where the string that opens at `start` closes. */
function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at;
}

/** Whether a colon follows: then the string before it was a key. */
function isKey(text: string, after: number): boolean {
  let at = after;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++;
  return text[at] === ':';
}

/** Deeper than anything that is written here; parsers and what walks a value would run out of stack or memory. */
const MOST_NESTED = 64;

/**
 * The value of a JSON text that may come from anybody. Throws DataError, which names no file, if the text is not JSON, is
 * nested more deeply than `most`, or has a key twice. Time and memory grow with the length of the text alone.
 */
export function parseJson(text: string, most = MOST_NESTED, twice = keyTwice): unknown {
  if (isNestedDeeper(text, most)) throw new DataError(`it is nested more than ${most} levels deep`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new DataError(`it is not valid JSON (${clipped((error as Error).message).replace(/\s+/g, ' ')})`);
  }
  const found = duplicateKey(text);
  if (found) throw new DataError(twice(found));
  return value;
}

const keyTwice = ({ key }: DuplicateKey) => `it has the key ${quoted(key)} twice`;

/** A value as an error quotes it: its JSON, cut where that is long. */
export function quoted(value: unknown): string {
  try {
    return clipped(String(JSON.stringify(value)));
  } catch {
    // A cycle, or nested too deeply; only what was not read from JSON can be.
    return 'a value that JSON does not have';
  }
}

/** Whether brackets outside of strings open more than `most` times before they close; of any text. */
function isNestedDeeper(text: string, most: number): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (inString) {
      if (code === BACKSLASH) at++;
      else if (code === QUOTE) inString = false;
    } else if (code === QUOTE) inString = true;
    else if (isOpening(code) && ++depth > most) return true;
    else if (isClosing(code)) depth--;
  }
  return false;
}

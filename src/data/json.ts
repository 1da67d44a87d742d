import { DataError } from '../errors.js';
import { clipped, printableJson } from '../printable.js';

export { isObject } from '../check.js';

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const isOpening = (code: number) => code === 0x7b || code === 0x5b;
const isClosing = (code: number) => code === 0x7d || code === 0x5d;

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

/** Where the string that opens at `start` closes; the end of the text if it does not. */
function stringEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at;
    if (code === BACKSLASH) at++;
  }
  return text.length;
}

/** Whether a colon follows: then the string before it was a key. */
function isKey(text: string, after: number): boolean {
  let at = after;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++;
  return text[at] === ':';
}

/** What a text of JSON has at most: what is read is walked by functions that call themselves, and memory has an end. */
export interface Limits {
  /** Brackets inside of brackets. */
  nested: number;
  /** Objects, lists and keys, which take more memory than they take text. */
  parts: number;
  /** Elements of lists, and keys. */
  values: number;
}

/** Above all that is written here: losses of ten million steps, thousands of variables. */
const LIMITS: Limits = { nested: 64, parts: 400_000, values: 12_000_000 };

/**
 * The value of a JSON text that may come from anybody. Throws DataError, which begins with what is wrong, if the text is
 * not JSON, is beyond the limits, or has a key twice. Time and memory grow with the length of the text alone.
 */
export function parseJson(text: string, limits: Limits = LIMITS): unknown {
  const value = parseWithin(text, limits);
  const found = duplicateKey(text);
  if (found) throw new DataError(`has the key ${quoted(found.key)} twice`);
  return value;
}

/** The same, but of a key that is there twice the last counts. */
export function parseWithin(text: string, limits: Limits): unknown {
  const beyond = beyondLimits(text, limits);
  if (beyond) throw new DataError(beyond);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DataError(`is not valid JSON (${clipped((error as Error).message).replace(/\s+/g, ' ')})`);
  }
}

/** A value as an error quotes it: its JSON, cut where that is long. */
export function quoted(value: unknown): string {
  try {
    if (value === undefined) return 'undefined';
    return clipped(printableJson(typeof value === 'string' ? clipped(value) : value));
  } catch {
    // A cycle, or nested too deeply; only what was not read from JSON can be.
    return 'a value that JSON does not have';
  }
}

/** Which limit a text, of JSON or not, is beyond, before memory is taken for what it holds. */
function beyondLimits(text: string, { nested, parts, values }: Limits): string | undefined {
  let [depth, opened, elements] = [0, 0, 0];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = stringEnd(text, at);
    else if (code === COMMA) elements++;
    else if (code === COLON) opened++;
    else if (isClosing(code)) depth--;
    else if (isOpening(code)) {
      opened++;
      if (++depth > nested) return `is nested more than ${nested} levels deep`;
    }
    if (opened > parts) return `has more than ${parts} keys, lists and objects`;
    if (elements > values) return `has more than ${values} values`;
  }
  return undefined;
}

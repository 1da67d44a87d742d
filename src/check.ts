import { OptionError } from './errors.js';
import { shownName } from './printable.js';
import { BEYOND_F32 } from './shape.js';
import { located } from './source.js';

// What options are checked with. What passes is returned; else an OptionError names the option and what it got.
// Strings that look like numbers do not pass.

export function wholeNumber(what: string, value: number, least = 1): number {
  if (Number.isInteger(value) && value >= least) return value;
  throw new OptionError(`${what}: expected a whole number from ${least}, got ${shown(value)}`);
}

export function finite(what: string, value: number): number {
  return checked(what, 'be a finite number', value, true);
}

export function notNegative(what: string, value: number): number {
  return checked(what, 'be 0 or more', value, value >= 0);
}

export function positive(what: string, value: number): number {
  return checked(what, 'be above 0', value, value > 0);
}

export function fraction(what: string, value: number): number {
  return checked(what, 'be from 0 to below 1', value, value >= 0 && value < 1);
}

/** One of some words. */
export function oneOf<T extends string>(what: string, value: T, words: readonly T[]): T {
  if (words.includes(value)) return value;
  throw new OptionError(`${what} must be one of ${words.join(', ')}, got ${shown(value)}`);
}

export function boolean(what: string, value: boolean): boolean {
  if (typeof value === 'boolean') return value;
  throw new OptionError(`${what} must be true or false, got ${shown(value)}`);
}

function checked(what: string, must: string, value: number, holds: boolean): number {
  if (Number.isFinite(value) && holds) return value;
  throw new OptionError(`${what} must ${must}, got ${shown(value)}`);
}

/** The path of a file. */
export function checkPath(what: string, path: unknown): void {
  if (typeof path !== 'string' || path === '')
    throw new OptionError(`${what}: expected the path of a file, got ${shown(path)}`);
}

/**
 * Options as an object of these names and no others; `undefined` is an object without any. Whoever takes an options
 * object calls this with all that it knows: a name that is only nearly right would otherwise leave the default in place.
 */
export function checkOptions<O extends object>(
  what: string,
  options: O | undefined,
  known: readonly (keyof O & string)[],
  /** For names that are no options here: where they belong. */
  elsewhere: Readonly<Record<string, string>> = {},
): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new OptionError(located(`${what}: expected an object of options, got ${shown(options)}`));
  for (const name in options) {
    if (known.includes(name)) continue;
    const hint = Object.hasOwn(elsewhere, name) ? `${name}: ${elsewhere[name]}` : unknown(name, known);
    throw new OptionError(located(`${what}: there is no option ${hint}`));
  }
}

/** Refuses what was left out where there is something that must be said. `expected`: what, in words. */
export function checkGiven(what: string, options: unknown, expected: string): void {
  if (options === undefined || options === null)
    throw new OptionError(`${what}: expected ${expected}, got ${shown(options)}`);
}

/** A name that is not among those there are, with the one that was probably meant, or else all of them. */
export function unknown(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  const text = shownName(name);
  if (near !== undefined) return `${text}: did you mean ${near}?`;
  return known.length ? `${text}; there ${known.length > 1 ? 'are' : 'is'} ${known.join(', ')}` : text;
}

function nearest(name: string, known: readonly string[]): string | undefined {
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, '');
  const wanted = plain(name);
  let found: string | undefined;
  // Two thirds of the letters have to agree.
  let least = Math.floor(wanted.length / 3) + 1;
  for (const other of known) {
    const far = distance(wanted, plain(other));
    if (far < least) [found, least] = [other, far];
  }
  // Or one is the other's short form, as eps is of epsilon.
  const short = (other: string) => other.length > 2 && (wanted.startsWith(other) || other.startsWith(wanted));
  return found ?? (wanted.length > 2 ? known.find((other) => short(plain(other))) : undefined);
}

/** Letters to put in, take out, exchange or swap with the next to make one text of another (Damerau 1964). */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) next[j] = Math.min(next[j], before[j - 2] + 1);
    }
    [before, row] = [row, next];
  }
  return row[b.length];
}

/** A learning rate, as every door takes it: a number from 0 (below that it would climb) that float32 holds. */
export function learningRate(what: string, lr: number, where = ''): number {
  if (typeof lr === 'number' && lr >= 0 && lr < BEYOND_F32) return lr;
  const most =
    typeof lr === 'number' && lr > 0 && lr < Number.POSITIVE_INFINITY
      ? ' to 3.4e38, as float32 holds it'
      : '';
  throw new OptionError(`${what} must be a number from 0${most}, got ${shown(lr)}${where}`);
}

/** A wrong value in an error. */
export function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (value instanceof Promise) return 'a promise';
  if (ArrayBuffer.isView(value)) return 'an array';
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'object' && value !== null) {
    if (!Array.isArray(value)) return 'an object';
    return value.length === 0 ? 'an empty array' : 'an array';
  }
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

/** Whether a value read from JSON is an object, and not null or a list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

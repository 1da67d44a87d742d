import { OptionError } from './errors.js';
import { BEYOND_F32 } from './shape.js';

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

/**
 * Options as an object of these names and no others; `undefined` is an object without any. Whoever takes an options
 * object calls this with all that it knows: a name that is only nearly right would otherwise leave the default in place.
 */
export function checkOptions<O extends object>(
  what: string,
  options: O | undefined,
  known: readonly (keyof O & string)[],
): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new OptionError(`${what}: expected an object of options, got ${shown(options)}`);
  for (const name in options) {
    if (known.includes(name)) continue;
    throw new OptionError(`${what}: there is no option ${unknown(name, known)}`);
  }
}

/** A name that is not among those there are, with the one that was probably meant, or else all of them. */
export function unknown(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  const text = name === '' ? "''" : name;
  if (near !== undefined) return `${text}: did you mean ${near}?`;
  return known.length ? `${text}: there ${known.length > 1 ? 'are' : 'is'} ${known.join(', ')}` : text;
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
  return found;
}

/** Letters to put in, take out or exchange to make one text of another (Wagner and Fischer 1974). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
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
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

import { OptionError } from './errors.js';

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

function checked(what: string, must: string, value: number, holds: boolean): number {
  if (Number.isFinite(value) && holds) return value;
  throw new OptionError(`${what} must ${must}, got ${shown(value)}`);
}

/** A wrong value in an error. */
export function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

/** Whether a value read from JSON is an object, and not null or a list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

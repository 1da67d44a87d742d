import { shown } from '../check.js';
import { OptionError } from '../errors.js';

/** Random generators take 32 bits as their seed. */
export function checkSeed(seed: number): void {
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff) {
    throw new OptionError(`seed: expected a whole number from 0 to ${0xffffffff}, got ${shown(seed)}`);
  }
}

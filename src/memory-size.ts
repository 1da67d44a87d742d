import { shown } from './check.js';
import { OptionError } from './errors.js';

/** Bytes by the first letter of a unit: of 1,000, or with an i of 1,024. */
const POWERS = ['', 'k', 'm', 'g', 't'];
/** What is expected, in words. */
export const SIZES =
  "a number of bytes or a text such as '64MB' (kB, MB and GB count in 1,000s, KiB, MiB and GiB in 1,024s)";

/**
 * An amount of memory as users write it: a number of bytes, or a text such as '64MB', '1.5 GiB' or '4096', where case does
 * not matter. Returns whole bytes; anything else is an OptionError.
 */
export function memorySize(what: string, value: unknown): number {
  const bytes = typeof value === 'string' ? bytesIn(value) : value;
  if (typeof bytes === 'number' && bytes >= 1 && bytes <= Number.MAX_SAFE_INTEGER) return Math.floor(bytes);
  throw new OptionError(`${what} must be a size above 0: ${SIZES}, got ${shown(value)}`);
}

/** NaN for what is no size. */
function bytesIn(text: string): number {
  const found = /^\s*(\d+(?:\.\d*)?|\.\d+)\s*(?:([kmgt]?)(i?)b|([kmgt])(i?)|bytes?)?\s*$/i.exec(text);
  if (!found) return Number.NaN;
  const [, number, letter = '', binary = '', short = '', shortBinary = ''] = found;
  const power = POWERS.indexOf((letter || short).toLowerCase());
  const isBinary = (binary || shortBinary) !== '';
  if (isBinary && power === 0) return Number.NaN;
  return Number(number) * (isBinary ? 1024 : 1000) ** power;
}

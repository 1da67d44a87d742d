// Written digits as the page loads them: a row of 1 + 28 x 28 bytes each, the digit and its image, gzipped whatever the host
// does. Written by vite.config.ts, read by the page.
import type { Digits } from './protocol.js';

export const DIGITS_FILE = 'digits.bin';
const PIXELS = 28 * 28;
const ROW = 1 + PIXELS;
/** Of the digits in the file; the last ones are held out. */
export const TRAINED = 4000;
export const HELD_OUT = 1000;

interface Images {
  /** From 0 to 1. */
  x: Float32Array;
  y: Int32Array;
}

/** The first digits of each part, as bytes. */
export function packDigits(train: Images, heldOut: Images): Uint8Array {
  const bytes = new Uint8Array((TRAINED + HELD_OUT) * ROW);
  const put = ({ x, y }: Images, count: number, start: number) => {
    for (let i = 0; i < count; i++) {
      const at = (start + i) * ROW;
      bytes[at] = y[i];
      for (let k = 0; k < PIXELS; k++) bytes[at + 1 + k] = Math.round(x[i * PIXELS + k] * 255);
    }
  };
  put(train, TRAINED, 0);
  put(heldOut, HELD_OUT, TRAINED);
  return bytes;
}

/** The digits in these bytes. Throws Error where they are cut short. */
export function unpackDigits(bytes: Uint8Array): Digits {
  const rows = TRAINED + HELD_OUT;
  if (bytes.length !== rows * ROW)
    throw new Error('the digits are damaged or cut short: load the page again');
  const labels = new Uint8Array(rows);
  const pixels = new Uint8Array(rows * PIXELS);
  for (let i = 0; i < rows; i++) {
    labels[i] = bytes[i * ROW];
    pixels.set(bytes.subarray(i * ROW + 1, (i + 1) * ROW), i * PIXELS);
  }
  return { pixels, labels, heldOut: HELD_OUT };
}

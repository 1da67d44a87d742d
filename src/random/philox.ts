/**
 * Philox-4x32-10 and Philox-2x32-10: Salmon, Moraes, Dror, Shaw, Parallel random numbers: as easy as 1, 2, 3, SC 2011.
 * Every draw is a pure function of (seed, stream, counter), bit-identical to assembly/random.ts.
 */
import { log } from './log.js';

/** What a draw is for: streams of one seed share nothing. Further streams add multiples of 256. */
export const STREAMS = { batch: 1, init: 2, dropout: 3, sample: 4, split: 5, sweep: 6 } as const;

/** The four words of a counter under a key; words are taken modulo 2^32. */
export function philox(key: [number, number], counter: [number, number, number, number]): Uint32Array {
  const words = new Uint32Array(4);
  rounds(key[0], key[1], counter[0], counter[1], counter[2], counter[3], words);
  return words;
}

/** Uniform integer in [0, bound), as the compiled module draws it: word 0 of counter (i, step, stream, 0). */
export function randomIndex(seed: number, stream: number, step: number, i: number, bound: number): number {
  rounds(seed, 0, i, step, stream, 0, scratch);
  return multiplyHigh(scratch[0], bound >>> 0);
}

/**
 * Random access to a stream of numbers: draw i does not depend on the draws before it. The three methods use
 * the same bits at the same i. Two streams of a seed, and two seeds, share nothing.
 *
 * @example
 * ```ts
 * import { RandomStream } from '2headgrad';
 * const random = new RandomStream(42, 1);
 * const x = Float32Array.from({ length: 100 }, (_, i) => random.normal(i));
 * console.log(x[70] === Math.fround(random.normal(70))); // true
 * ```
 */
export class RandomStream {
  constructor(
    readonly seed: number,
    readonly stream: number,
  ) {}

  /** Integer in [0, 2^32). */
  uint32(i: number): number {
    this.draw(i);
    return scratch[0];
  }

  /** Odd multiple of 2^-53 in (0, 1), so neither end occurs: 52 random bits. */
  uniform(i: number): number {
    this.draw(i);
    return (scratch[0] * 2 ** 20 + (scratch[1] >>> 12) + 0.5) * 2 ** -52;
  }

  /** Standard normal, the same bits on every engine. */
  normal(i: number): number {
    return normalQuantile(this.uniform(i));
  }

  private draw(i: number): void {
    // Word 3 of the counter is 1, which keeps these apart from `randomIndex`.
    rounds(this.seed, 0, i, Math.floor(i / 2 ** 32), this.stream, 1, scratch);
  }
}

/**
 * The two words of a counter under a key of one word, as Philox-2x32-10: half the work of `philox`, for numbers that
 * a model draws by the million in every step. Words are taken modulo 2^32.
 */
export function philox2(key: number, counter: [number, number]): Uint32Array {
  const words = new Uint32Array(2);
  words[0] = rounds2(key, counter[0], counter[1]);
  words[1] = scratch[1];
  return words;
}

/** In [0, 1): the upper 24 bits of word 0 of counter (i, step), as `random4` of assembly/random.ts has it. */
export function philoxUniform(key: number, i: number, step: number): number {
  return (rounds2(key, i, step) >>> 8) * 2 ** -24;
}

/** The items in random order, as a new array (Fisher and Yates). */
export function shuffle<T>(items: readonly T[], seed: number, stream: number): T[] {
  const result = items.slice();
  for (let last = result.length - 1; last > 0; last--) {
    const chosen = randomIndex(seed, stream, 0, last, last + 1);
    const item = result[last];
    result[last] = result[chosen];
    result[chosen] = item;
  }
  return result;
}

// Multipliers and key increments (golden ratio, sqrt(3) - 1) of the paper's section 4.
const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;

const MULTIPLIER_2 = 0xd256d193;

/** Of Philox-2x32: its multiplier, and what the key grows by from round to round. */
export const PHILOX = { multiplier: MULTIPLIER_2, weyl: WEYL_0 } as const;

const scratch = new Uint32Array(4);

/** Returns word 0 and leaves word 1 in `scratch`. */
function rounds2(key: number, c0: number, c1: number): number {
  for (let round = 0; round < 10; round++) {
    const high = multiplyHigh(MULTIPLIER_2, c0 >>> 0);
    const low = Math.imul(MULTIPLIER_2, c0);
    c0 = high ^ key ^ c1;
    c1 = low;
    key = (key + WEYL_0) | 0;
  }
  scratch[1] = c1;
  return c0 >>> 0;
}

function rounds(
  key0: number,
  key1: number,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  out: Uint32Array,
): void {
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0 >>> 0);
    const high1 = multiplyHigh(MULTIPLIER_1, c2 >>> 0);
    const low0 = Math.imul(MULTIPLIER_0, c0);
    const low1 = Math.imul(MULTIPLIER_1, c2);
    c0 = high1 ^ c1 ^ key0;
    c2 = high0 ^ c3 ^ key1;
    c1 = low1;
    c3 = low0;
    key0 = (key0 + WEYL_0) | 0;
    key1 = (key1 + WEYL_1) | 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** Upper 32 bits of the product of two unsigned 32-bit integers, from 16-bit halves: no sum reaches 2^33. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = (middle & 0xffff) + aLow * bHigh;
  return aHigh * bHigh + (middle >>> 16) + (carry >>> 16);
}

/**
 * Inverse of the normal distribution function: Wichura, Algorithm AS 241 (PPND16), Applied Statistics 37, 1988,
 * relative error about 1e-16. Unlike Box and Muller's or the polar method it needs only log and sqrt, and one
 * uniform gives one normal, monotonically.
 */
export function normalQuantile(p: number): number {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return (q * horner(CENTRE_P, r)) / horner(CENTRE_Q, r);
  }
  const r = Math.sqrt(-log(q < 0 ? p : 1 - p));
  const x =
    r <= 5 ? horner(TAIL_P, r - 1.6) / horner(TAIL_Q, r - 1.6) : horner(FAR_P, r - 5) / horner(FAR_Q, r - 5);
  return q < 0 ? -x : x;
}

/** Polynomial with the highest coefficient first. */
function horner(coefficients: readonly number[], x: number): number {
  let sum = 0;
  for (const coefficient of coefficients) sum = sum * x + coefficient;
  return sum;
}

// Numerators and denominators for |p - 1/2| <= 0.425, for r <= 5 and for the far tails.
const CENTRE_P = [
  2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987, 13731.69376550946,
  1971.5909503065513, 133.14166789178438, 3.3871328727963665,
];
const CENTRE_Q = [
  5226.495278852854, 28729.085735721943, 39307.89580009271, 21213.794301586597, 5394.196021424751,
  687.1870074920579, 42.31333070160091, 1,
];
const TAIL_P = [
  0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684, 3.6478483247632045,
  5.769497221460691, 4.630337846156546, 1.4234371107496835,
];
const TAIL_Q = [
  1.0507500716444169e-9, 0.0005475938084995345, 0.015198666563616457, 0.14810397642748008, 0.6897673349851,
  1.6763848301838038, 2.053191626637759, 1,
];
const FAR_P = [
  2.0103343992922881e-7, 2.7115555687434876e-5, 0.0012426609473880784, 0.026532189526576124,
  0.29656057182850487, 1.7848265399172913, 5.463784911164114, 6.657904643501103,
];
const FAR_Q = [
  2.0442631033899397e-15, 1.421511758316446e-7, 1.8463183175100548e-5, 0.0007868691311456133,
  0.014875361290850615, 0.1369298809227358, 0.599832206555888, 1,
];

import { shown } from '../check.js';
import { DataError, OptionError } from '../errors.js';
import { STREAMS, shuffle } from '../random/philox.js';
import { checkSeed } from '../random/seed.js';
import { checkWords } from './given.js';
import { Vocabulary } from './vocabulary.js';

/** Three parts that share no item. */
export interface Split<T> {
  train: T[];
  dev: T[];
  test: T[];
}

/** 80, 10 and 10 percent of the items after a shuffle that depends on the seed alone; no part is empty. */
export function split<T>(items: readonly T[], seed: number): Split<T> {
  if (!Array.isArray(items))
    throw new OptionError(`split: expected an array of what is to be split, got ${shown(items)}`);
  checkSeed(seed);
  const n = items.length;
  if (n < 3) {
    throw new DataError(
      `${n} ${n === 1 ? 'word is' : 'words are'} too few to split into train, dev and test; give at least 3`,
    );
  }
  const shuffled = shuffle(items, seed, STREAMS.split);
  const test = n - Math.min(Math.floor((n * 9) / 10), n - 1);
  const dev = Math.max(Math.floor((n * 9) / 10) - Math.floor((n * 8) / 10), 1);
  const train = n - dev - test;
  return {
    train: shuffled.slice(0, train),
    dev: shuffled.slice(train, train + dev),
    test: shuffled.slice(train + dev),
  };
}

/** Next-character examples: `x` is i32[rows, context], `y` is i32[rows]. */
export interface Contexts {
  x: Int32Array;
  y: Int32Array;
  rows: number;
}

/**
 * One row for each character of each word and one for the boundary that ends it: `y` is that token, `x` the
 * `context` tokens before it, filled with boundaries at the start of a word (Bengio et al. 2003, as makemore does).
 */
export function contexts(words: readonly string[], vocabulary: Vocabulary, context: number): Contexts {
  if (!Number.isInteger(context) || context < 1) {
    throw new OptionError(`the context is ${context} characters; it must be a whole number of at least 1`);
  }
  checkWords('contexts', words);
  if (!(vocabulary instanceof Vocabulary))
    throw new OptionError(
      `contexts: expected a vocabulary, as Vocabulary.from(words) makes it, got ${shown(vocabulary)}`,
    );
  if (words.length === 0) throw new DataError('there are no words to make contexts from; give at least one');
  let rows = words.length;
  for (const word of words) rows += codePoints(word);
  const x = allocate(rows, context);
  const y = new Int32Array(rows);
  let row = 0;
  for (const word of words) {
    const start = row;
    for (const id of vocabulary.encode(word)) y[row++] = id;
    y[row++] = Vocabulary.BOUNDARY;
    for (let at = start + 1; at < row; at++) {
      // Before the word there are boundaries, which is what x already holds.
      const known = Math.min(at - start, context);
      x.set(y.subarray(at - known, at), at * context + context - known);
    }
  }
  return { x, y, rows };
}

function codePoints(word: string): number {
  let count = 0;
  for (let i = 0; i < word.length; count++) i += word.codePointAt(i)! > 0xffff ? 2 : 1;
  return count;
}

function allocate(rows: number, context: number): Int32Array {
  try {
    return new Int32Array(rows * context);
  } catch {
    throw new DataError(
      `${rows} rows of ${context} characters do not fit into memory; use a shorter context or fewer words`,
    );
  }
}

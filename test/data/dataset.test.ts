import fc from 'fast-check';
import { expect, test } from 'vitest';
import { contexts, split } from '../../src/data/dataset.js';
import { Vocabulary } from '../../src/data/vocabulary.js';
import { DataError, OptionError } from '../../src/errors.js';

const numbers = (n: number) => Array.from({ length: n }, (_, i) => i);

test('a split holds every item once', () => {
  fc.assert(
    fc.property(fc.integer({ min: 3, max: 400 }), fc.nat(1_000), (n, seed) => {
      const { train, dev, test } = split(numbers(n), seed);
      expect(Math.min(train.length, dev.length, test.length)).toBeGreaterThan(0);
      expect([...train, ...dev, ...test].sort((a, b) => a - b)).toEqual(numbers(n));
    }),
  );
});

test('a split cuts where makemore cuts, at 80 and 90 percent', () => {
  for (const n of [...numbers(300).slice(6), 8_403, 32_033]) {
    const { train, dev, test } = split(numbers(n), 1);
    expect([train.length, train.length + dev.length]).toEqual([
      Math.trunc((8 * n) / 10),
      Math.trunc((9 * n) / 10),
    ]);
    expect(train.length + dev.length + test.length).toBe(n);
  }
});

test('a split depends on the seed alone and leaves its input as it is', () => {
  const items = Object.freeze(numbers(100));
  expect(split(items, 7)).toEqual(split(items, 7));
  expect(split(items, 7)).not.toEqual(split(items, 8));
  expect(split(items, 7).train).not.toEqual(numbers(80));
});

test('fewer than three words cannot be split', () => {
  for (const n of [0, 1, 2]) expect(() => split(numbers(n), 1)).toThrow(DataError);
  expect(() => split(['a'], 1)).toThrow(
    '1 word is too few to split into train, dev and test; give at least 3',
  );
});

test('contexts start with boundaries and end with one, as in makemore', () => {
  const vocabulary = Vocabulary.from(['emma', 'av']);
  const { x, y, rows } = contexts(['emma', 'av'], vocabulary, 3);
  const [a, e, m, v] = [1, 2, 3, 4];
  expect(rows).toBe(8);
  expect([...y]).toEqual([e, m, m, a, 0, a, v, 0]);
  expect(Array.from({ length: rows }, (_, i) => [...x.subarray(3 * i, 3 * i + 3)])).toEqual([
    [0, 0, 0],
    [0, 0, e],
    [0, e, m],
    [e, m, m],
    [m, m, a],
    [0, 0, 0],
    [0, 0, a],
    [0, a, v],
  ]);
});

test('contexts equal a sliding window over each word', () => {
  const words = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '.', '😀') }), { minLength: 1 });
  fc.assert(
    fc.property(words, fc.integer({ min: 1, max: 7 }), (words, context) => {
      const vocabulary = Vocabulary.from(['ab.😀']);
      const xs: number[] = [];
      const ys: number[] = [];
      for (const word of words) {
        let window = new Array<number>(context).fill(0);
        for (const id of [...vocabulary.encode(word), 0]) {
          xs.push(...window);
          ys.push(id);
          window = [...window.slice(1), id];
        }
      }
      const got = contexts(words, vocabulary, context);
      expect(got.rows).toBe(ys.length);
      expect([...got.x]).toEqual(xs);
      expect([...got.y]).toEqual(ys);
    }),
  );
});

test('a context that is not a whole number of at least 1 is refused', () => {
  const vocabulary = Vocabulary.from(['ab']);
  for (const context of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => contexts(['ab'], vocabulary, context)).toThrow(OptionError);
  }
});

test('a context too long for memory is refused in those words', () => {
  const vocabulary = Vocabulary.from(['ab']);
  expect(() => contexts(['ab'], vocabulary, 2 ** 50)).toThrow(DataError);
  expect(() => contexts(['ab'], vocabulary, 2 ** 50)).toThrow(/do not fit into memory/);
});

test('no words and unknown characters are refused', () => {
  const vocabulary = Vocabulary.from(['ab']);
  expect(() => contexts([], vocabulary, 3)).toThrow(DataError);
  expect(() => contexts(['abc'], vocabulary, 3)).toThrow(/"c" \(U\+0063\) in "abc"/);
});

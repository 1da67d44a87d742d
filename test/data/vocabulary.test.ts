import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Vocabulary } from '../../src/data/vocabulary.js';
import { DataError } from '../../src/errors.js';

test('the boundary is 0 and the characters follow in code point order', () => {
  const vocabulary = Vocabulary.from(['emma', 'ava']);
  expect(vocabulary.tokens).toEqual(['.', 'a', 'e', 'm', 'v']);
  expect(vocabulary.size).toBe(5);
  expect(vocabulary.encode('emma')).toEqual([2, 3, 3, 1]);
  expect(vocabulary.decode([0, 2, 3, 3, 1, 0])).toBe('.emma.');
});

test('code point order is not UTF-16 order', () => {
  // U+FF5E sorts after the surrogates of U+1F600 in UTF-16, before it by code point.
  expect(Vocabulary.from(['😀～']).tokens).toEqual(['.', '～', '😀']);
});

test('a character . in the words is not the boundary', () => {
  const vocabulary = Vocabulary.from(['j.r.']);
  expect(vocabulary.size).toBe(4);
  expect(vocabulary.encode('j.r.')).toEqual([2, 1, 3, 1]);
  expect(vocabulary.encode('.')).not.toEqual([Vocabulary.BOUNDARY]);
  expect(vocabulary.decode(vocabulary.encode('j.r.'))).toBe('j.r.');
});

test('any words come back from their indices, also after JSON', () => {
  const words = fc.array(fc.string({ unit: 'binary', minLength: 1 }), { minLength: 1 });
  fc.assert(
    fc.property(words, (words) => {
      const vocabulary = Vocabulary.from(words);
      const again = Vocabulary.fromJSON(JSON.parse(JSON.stringify(vocabulary)));
      expect(again.tokens).toEqual(vocabulary.tokens);
      for (const word of words) {
        const ids = vocabulary.encode(word);
        expect(ids.every((id) => id > 0 && id < vocabulary.size)).toBe(true);
        expect(again.decode(ids)).toBe(word);
      }
    }),
  );
});

test('an unknown character is named with its word', () => {
  const vocabulary = Vocabulary.from(['abc']);
  expect(() => vocabulary.encode('aé')).toThrow(DataError);
  expect(() => vocabulary.encode('aé')).toThrow(
    '"é" (U+00E9) in "aé" is not one of the 3 characters of the vocabulary: abc',
  );
});

test('a token outside of the vocabulary is named with the range', () => {
  const vocabulary = Vocabulary.from(['abc']);
  for (const id of [-1, 4, 1.5, Number.NaN]) {
    expect(() => vocabulary.decode([1, id])).toThrow(DataError);
    expect(() => vocabulary.decode([1, id])).toThrow(`token ${id} is not in the vocabulary`);
  }
});

test('words without any character make no vocabulary', () => {
  expect(() => Vocabulary.from([])).toThrow(DataError);
  expect(() => Vocabulary.from([''])).toThrow(DataError);
});

test('a damaged stored vocabulary is refused', () => {
  const damaged: [unknown, RegExp][] = [
    [undefined, /needs "characters"/],
    [null, /needs "characters"/],
    [{}, /needs "characters"/],
    [{ characters: 'abc' }, /needs "characters"/],
    [{ characters: [] }, /needs "characters"/],
    [{ characters: ['a', 'bc'] }, /character 1 .* "bc", not one character/],
    [{ characters: ['a', ''] }, /character 1 .* "", not one character/],
    [{ characters: ['a', 3] }, /character 1 .* 3, not one character/],
    [{ characters: ['a', 'b', 'a'] }, /"a" is twice/],
  ];
  for (const [json, message] of damaged) {
    expect(() => Vocabulary.fromJSON(json)).toThrow(DataError);
    expect(() => Vocabulary.fromJSON(json)).toThrow(message);
  }
});

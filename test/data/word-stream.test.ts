import { expect, test } from 'vitest';
import { continuations } from '../../src/data/windows.js';
import { wordsOfText } from '../../src/data/word-stream.js';
import { splitWords, WordTokens } from '../../src/data/word-tokens.js';

const bytes = (text: string) => new TextEncoder().encode(text);

test('a text of several pieces has the words that it has in one', () => {
  const line = 'The über-cat’s 3,5 naïve été; سلام می‌خواهم «да»\t漢字かな交じり文\n';
  const text = bytes(`\ufeff${line.repeat(60)}`);
  const expected = splitWords(line);
  for (const chunk of [1, 20, 100, 1e6]) {
    const { pieces, tokens } = wordsOfText(text, '"x"', { rare: 0 }, chunk);
    expect(tokens.size).toBe(new Set(expected).size + 1);
    expect(Array.from(pieces[0], (id) => tokens.wordOf(id))).toEqual(
      Array.from({ length: 60 }, () => expected).flat(),
    );
  }
});

test('composed and decomposed letters are the same words', () => {
  const { tokens, pieces } = wordsOfText(bytes('caf\u00e9 cafe\u0301 caf\u00e9'), '"x"', { rare: 0 });
  expect([tokens.size, ...pieces[0]]).toEqual([2, 1, 1, 1]);
  expect(tokens.indexOf('caf\u00e9')).toBe(1);
});

test.each([
  ['Thai', 'ฉันชอบกินข้าว', 3],
  ['Japanese', '私は猫が好きです', 4],
  ['Chinese', '我们喜欢读书', 3],
])(
  '%s, which puts no blanks between words, is parted all the same, and written without blanks',
  (_, text, least) => {
    const words = splitWords(`${text} ${text}`);
    expect(words.length).toBeGreaterThanOrEqual(2 * least);
    expect(words.slice(0, words.length / 2).join('')).toBe(text);
    const tokens = WordTokens.from(words, { rare: 0 });
    expect(tokens.decode(tokens.encode(text))).toBe(text);
  },
);

test('how many words there are is told before any is rare', () => {
  const enough = (words: number) => {
    throw new RangeError(`${words}`);
  };
  expect(() => wordsOfText(bytes('a b c'), '"x"', { enough })).toThrow('3');
});

test('words are written with joiners inside of them', () => {
  expect(splitWords('می\u200cخواهم')).toEqual(['می\u200cخواهم']);
});

test.each([
  [Uint8Array.of(0x61, 0x20, 0xff), 'is not valid UTF-8 on line 1; save it as UTF-8'],
  [Uint8Array.of(0x61, 0, 0x62), 'has a NUL byte at byte 1, so it is no text'],
  [bytes(' \n \n'), 'a text of no words has no tokens'],
])('bytes that are no text are named', (wrong, message) => {
  expect(() => wordsOfText(wrong, '"x"')).toThrow(message);
});

test('a row for each word that has a whole context before it in its piece', () => {
  const { x, y, rows } = continuations(
    [Int32Array.of(1, 2, 3, 4), Int32Array.of(5, 6), Int32Array.of(7, 8, 9)],
    2,
  );
  expect([rows, [...y]]).toEqual([3, [3, 4, 9]]);
  expect([...x]).toEqual([1, 2, 2, 3, 7, 8]);
});

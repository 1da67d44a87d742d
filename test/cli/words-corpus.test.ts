import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { words } from '../../src/cli/kinds/words.js';
import { loadCorpus, WordVocabulary } from '../../src/cli/words/corpus.js';
import { WordTokens } from '../../src/data/word-tokens.js';
import { DataError, OptionError } from '../../src/errors.js';

const folder = await mkdtemp(join(tmpdir(), '2headgrad-corpus-'));
afterAll(() => rm(folder, { recursive: true }));
const load = async (bytes: string | Uint8Array, settings: object) => {
  const file = join(folder, 'text.txt');
  await writeFile(file, bytes);
  return loadCorpus(file, { ...words.initial, ...settings }, false);
};
const letters = (i: number) => [i, i / 7, i / 49].map((n) => 'abcdefg'[Math.floor(n) % 7]).join('');
const unique = Array.from({ length: 60 }, (_, i) => letters(i)).join(' ');

test.each([
  [
    'bytes that are no UTF-8',
    Buffer.from('un caf\xe9 au lait '.repeat(30), 'latin1'),
    {},
    'is not valid UTF-8 on line 1',
  ],
  [
    'a corpus smaller than the order',
    'to be or not to be',
    { order: 7 },
    'a text of 6 words is too short for --order 7',
  ],
  ['a corpus with nothing to hold out', 'to be or not to be', { order: 3 }, 'need 3 words each, 9 together'],
  ['words that all are rare', unique, {}, 'none of the 60 different words comes more than 3 times'],
  ['words that all are different', unique, { minCount: 1 }, 'each of its 60 words is another'],
  ['blanks', ' \n ', {}, 'a text of no words has no tokens'],
])('%s: it is named', async (_, bytes, settings, message) => {
  const failed = load(bytes, settings);
  await expect(failed).rejects.toThrow(message);
  await expect(failed).rejects.toBeInstanceOf(DataError);
});

test('the end of a text is held out, and rare words are one', async () => {
  const {
    parts,
    tokens,
    words: total,
  } = await load(`${'the cat sat . '.repeat(50)}once`, { minCount: 2, order: 3 });
  expect([total, tokens.size]).toEqual([201, 5]);
  const all = [...parts.train, ...parts.dev, ...parts.test].flatMap((piece) => [...piece]);
  expect(all.slice(0, 5).map((id) => tokens.wordOf(id))).toEqual(['the', 'cat', 'sat', '.', 'the']);
  expect([all.length, all.at(-1)]).toEqual([201, 0]);
  expect(parts.test[0]).toHaveLength(20);
});

test('words that are counted in what is seen become rare in what judges too', async () => {
  // The last tenth has a word of its own, often.
  const text = `${'the cat sat . '.repeat(45)}${'the dog sat . '.repeat(5)}`;
  const settings = { minCount: 5, order: 3 };
  const [all, seen] = [await load(text, settings), await load(text, { ...settings, counted: 'seen' })];
  const read = ({ tokens, parts }: typeof all) =>
    Object.values(parts).map(([piece]) => Array.from(piece, (id) => tokens.wordOf(id)).join(' '));
  expect(all.tokens.indexOf('dog')).toBeGreaterThan(0);
  expect([seen.tokens.size, seen.tokens.indexOf('dog')]).toEqual([all.tokens.size - 1, 0]);
  expect(read(seen)).toEqual(read(all).map((part) => part.replaceAll('dog', '<rare>')));
  const none = load(text, { ...settings, minCount: 46, counted: 'seen' });
  await expect(none).rejects.toThrow(DataError);
  await expect(load(`${unique} z z z z z`, { ...settings, minCount: 2, counted: 'seen' })).rejects.toThrow(
    'no word comes often enough in what is seen',
  );
});

test('marks are those of Brown, and of no other text', async () => {
  const failed = load('the cat sat . '.repeat(50), { marks: true });
  await expect(failed).rejects.toThrow('--marks is for the Brown corpus');
  await expect(failed).rejects.toBeInstanceOf(OptionError);
  const marked = await loadCorpus(null, { ...words.initial, marks: true }, false);
  expect([marked.words, marked.tokens.size]).toEqual([1_176_859, 17_907]);
  expect(marked.tokens.wordOf(marked.parts.train[0][0])).toBe('§');
  expect(marked.parts.test[0]).toHaveLength(176_859);
});

test('a vocabulary comes back from what is stored, and one of another tokenizer does not', () => {
  const vocabulary = new WordVocabulary(WordTokens.from(['a', 'b'], { rare: 0 }));
  const stored = JSON.parse(JSON.stringify(vocabulary));
  expect(WordVocabulary.from(stored).sha256).toBe(vocabulary.sha256);
  expect(() => WordVocabulary.from({ ...stored, tokenizer: 'others' })).toThrow('train again');
  expect(() => WordVocabulary.from({ tokenizer: stored.tokenizer, bytes: true })).toThrow('is not of words');
  const other = new WordVocabulary(WordTokens.from(['b', 'a'], { rare: 0 }));
  expect(other.sha256).not.toBe(vocabulary.sha256);
});

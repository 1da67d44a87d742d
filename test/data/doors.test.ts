import { expect, it } from 'vitest';
import * as data from '../../src/data/index.js';
import {
  crossEntropy,
  gpt,
  gptCache,
  i32,
  llamaWeights,
  nn,
  OptionError,
  optim,
  type Tensor,
  tensor,
  trainStep,
  variance,
} from '../../src/index.js';

// What a door is given is checked as it comes in: an option that there is not, or none where there must be one, is never in silence.

const ids = Int32Array.from({ length: 50 }, (_, i) => i % 5);
// biome-ignore lint/suspicious/noExplicitAny: what types would refuse as well.
const any = data as any;

it.each<[string, () => unknown, RegExp]>([
  [
    'a misspelled option',
    () => any.loadText('x', { token: 'bytes' }),
    /^loadText: there is no option token: did you mean tokens\?/,
  ],
  [
    'a word that is none',
    () => any.loadText('x', { tokens: 'byte' }),
    /^loadText: tokens must be one of chars, words, bytes, not "byte"/,
  ],
  ['a number for a file', () => any.loadText(5), /^loadText: expected the path of a file, got 5/],
  [
    'rare of characters',
    () => any.loadText('x', { rare: 2 }),
    /^loadText: rare is for words: give tokens: 'words' too/,
  ],
  ['words from a number', () => any.loadWords(5), /^loadWords: expected the path of a file, got 5/],
  [
    'an option of words',
    () => any.loadWords('x', { pipe: true }),
    /^loadWords: there is no option pipe: did you mean pipes\?/,
  ],
  ['digits from a number', () => any.loadDigits(5), /^loadDigits: expected the path of a file/],
  [
    'images without labels',
    () => any.loadImages('x'),
    /^loadImages: labels: expected the path of a file, got undefined/,
  ],
  ['an IDX file of no name', () => any.readIdx(), /^readIdx: expected the path of a file/],
  ['an option of Brown', () => any.loadBrown({ rar: 1 }), /^loadBrown: there is no option rar/],
  [
    'windows without most',
    () => any.windows([ids], 4),
    /^windows: most: expected a number of tokens from 1, got undefined/,
  ],
  [
    'windows of one array',
    () => any.windows(ids, 4, 10),
    /^windows: expected the pieces of a text, got the tokens of one: give \[tokens\]/,
  ],
  [
    'windows of a context of 0',
    () => any.windows([ids], 0, 10),
    /^windows: context: expected a whole number from 1, got 0/,
  ],
  [
    'windows of numbers',
    () => any.windows([1, 2], 4, 10),
    /^windows: piece 0 of the text must be tokens, an Int32Array, got 1/,
  ],
  ['windows of nothing', () => any.windows([], 4, 10), /^windows: expected the pieces .* got an empty array/],
  ['spread without most', () => any.spread([ids], 4), /^spread: most/],
  [
    'a split without least',
    () => any.splitText([ids], 1),
    /^splitText: least: expected a whole number from 1, got undefined/,
  ],
  ['a split of one array', () => any.splitText(ids, 1, 3), /^splitText: expected the pieces of a text/],
  ['a split without seed', () => any.splitText([ids], undefined, 3), /^seed: expected a whole number/],
  [
    'a split of a text',
    () => any.split('abc', 1),
    /^split: expected an array of what is to be split, got "abc"/,
  ],
  [
    'contexts of a text',
    () => any.contexts('abc', data.Vocabulary.from(['abc']), 3),
    /^contexts: expected words one by one, got a text/,
  ],
  [
    'contexts without vocabulary',
    () => any.contexts(['abc'], undefined, 3),
    /^contexts: expected a vocabulary/,
  ],
  [
    'a vocabulary of a number',
    () => any.Vocabulary.from(5),
    /^Vocabulary\.from: expected an array of words, got 5/,
  ],
  [
    'words of a text',
    () => any.WordTokens.from('a text'),
    /^WordTokens\.from: expected words one by one, got a text: give splitWords\(text\)/,
  ],
  [
    'an option of words',
    () => any.WordTokens.from(['a'], { raer: 1 }),
    /^WordTokens\.from: there is no option raer: did you mean rare\?/,
  ],
  [
    'characters of a number',
    () => any.CharacterTokens.from(5),
    /^CharacterTokens\.from: expected a text, got 5/,
  ],
  ['a number to encode', () => any.CharacterTokens.from('abc').encode(5), /^encode: expected a text, got 5/],
  ['bytes of a number', () => any.BYTE_TOKENS.encode(5), /^encode: expected a text, got 5/],
  ['a number to split', () => any.splitWords(5), /^splitWords: expected a text, got 5/],
  ['streams without options', () => any.streams(ids), /^streams: expected \{ batch, time \}, got undefined/],
])('2headgrad/data refuses %s', async (_, f, message) => {
  const refused = (async () => f())();
  await expect(refused).rejects.toThrow(OptionError);
  await expect(refused).rejects.toThrow(message);
});

const options = { vocab: 5, context: 4, width: 8, heads: 2, layers: 1 };

it('a GPT and its cache know their options', () => {
  const model = gpt(options);
  const cache = gptCache(options);
  // biome-ignore lint/suspicious/noExplicitAny: what types would refuse as well.
  const called = (more: any) => () =>
    trainStep({
      model: { model, cache },
      batch: { x: i32(2, 4), y: i32(2, 4) },
      loss: (m, { x, y }) => crossEntropy(m.model(x, more), y),
      optimizer: optim.sgd(),
    }).interpret();
  expect(called({ cachee: cache })).toThrow(/^gpt: there is no option cachee: did you mean cache\?/);
  expect(called({ place: tensor([0], { dtype: 'i32' }) })).toThrow(
    /^gpt: place is for a cache: give \{ cache, place \}/,
  );
  expect(called({ cache: 5 })).toThrow(/^gpt: cache must be what gptCache makes, got 5/);
  expect(called({})).not.toThrow();
  const any =
    (f: unknown, ...given: unknown[]) =>
    () =>
      (f as (...all: unknown[]) => unknown)(...given);
  expect(any(gptCache, { ...options, width: 9 })).toThrow(/^gptCache: 2 heads do not divide a width of 9/);
  expect(any(gptCache, { ...options, contxt: 3 })).toThrow(
    /^gptCache: there is no option contxt: did you mean context\?/,
  );
  expect(any(gptCache)).toThrow(/^gptCache: expected the options of the gpt, got undefined/);
  expect(any(gptCache, options, 0)).toThrow(/^gptCache: batch: expected a whole number from 1, got 0/);
  expect(any(gpt)).toThrow(/^gpt: expected \{ vocab, context, width, heads, layers \}, got undefined/);
  expect(any(llamaWeights)).toThrow(/^llamaWeights: expected \{ width, heads \} of the model, got undefined/);
  expect(any(llamaWeights, { width: 9, heads: 2 })).toThrow(
    /^llamaWeights: 2 heads do not divide a width of 9/,
  );
  expect(any(nn.keyValueCache)).toThrow(/^keyValueCache: expected \{ groups, places, size \}/);
  expect(any(nn.learnedPositions(4, 8), tensor([[1]]), { plac: 1 })).toThrow(
    /^learnedPositions: there is no option plac: did you mean place\?/,
  );
  expect(any(variance, tensor([1, 2]) as Tensor, 0, { unbaised: true })).toThrow(
    /^variance: there is no option unbaised: did you mean unbiased\? \(doors\.test\.ts:\d+\)/,
  );
});

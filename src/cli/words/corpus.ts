import { createHash } from 'node:crypto';
import { type BrownOptions, loadBrown } from '../../data/brown.js';
import { isObject, quoted } from '../../data/json.js';
import { loadText, type Text } from '../../data/text.js';
import { textTokens } from '../../data/tokens.js';
import { continuations, splitText } from '../../data/windows.js';
import { WordTokens } from '../../data/word-tokens.js';
import { DataError, OptionError } from '../../errors.js';
import type { Kept, Part, Rows } from '../kinds/kind.js';
import { count, plural } from '../output.js';
import type { WordsSettings } from '../settings.js';

/** How `splitWords` parts a text; a model of another way would read its prompts wrongly. */
const TOKENIZER = 'words, NFC, 1';

/** Words and how a text becomes them, as a run's config.json keeps them. */
export class WordVocabulary implements Kept {
  readonly sha256: string;

  constructor(readonly tokens: WordTokens) {
    this.sha256 = createHash('sha256').update(JSON.stringify(tokens.toJSON())).digest('hex');
  }

  /** What `toJSON` wrote. Throws DataError. */
  static from(json: unknown): WordVocabulary {
    const { tokenizer } = isObject(json) ? json : {};
    if (tokenizer !== TOKENIZER)
      throw new DataError(
        `its vocabulary was made by the tokenizer ${quoted(tokenizer)}, and this program has ${JSON.stringify(TOKENIZER)}; train again`,
      );
    const tokens = textTokens(json);
    if (tokens instanceof WordTokens) return new WordVocabulary(tokens);
    throw new DataError('the stored vocabulary is not of words; the checkpoint is damaged');
  }

  get size(): number {
    return this.tokens.size;
  }

  toJSON(): object {
    return { tokenizer: TOKENIZER, ...this.tokens.toJSON() };
  }
}

/** A row for each word that has a whole context before it. They are made when they are asked for, and not kept. */
export interface WordRows extends Rows {
  readonly pieces: readonly Int32Array[];
  readonly context: number;
}

export function wordRows(pieces: readonly Int32Array[], context: number): WordRows {
  return {
    pieces,
    context,
    rows: pieces.reduce((n, { length }) => n + Math.max(0, length - context), 0),
    get columns() {
      const { x, y } = continuations(pieces, context);
      return { x, y };
    },
  };
}

/** What the paper trains on, chooses by, and judges by, which is the rest (Bengio et al. 2003, section 4.1). */
const BROWN = [800_000, 200_000] as const;

export interface Corpus extends Omit<Text, 'pieces'> {
  readonly tokens: WordTokens;
  readonly words: number;
  readonly parts: Readonly<Record<Part, readonly Int32Array[]>>;
}

/** The text of a run, split. Throws DataError where it is too short, or of words that all are different. */
export async function loadCorpus(
  file: string | null,
  { corpus, minCount, counted, marks, order, seed }: WordsSettings,
  pipes: boolean,
): Promise<Corpus> {
  const rare = minCount - 1;
  const brown = file === null && corpus === 'brown';
  const enough = (words: number) => checkLength(words, order);
  if (marks && !brown)
    throw new OptionError(
      '--marks is for the Brown corpus, which tells where paragraphs begin: leave it out, or leave out --data and --corpus',
    );
  const text = brown
    ? await packaged({ rare, marks })
    : await loadText(file ?? undefined, { tokens: 'words', rare, enough, pipes });
  let tokens = text.tokens as WordTokens;
  const words = text.pieces.reduce((n, { length }) => n + length, 0);
  if (words === tokens.size - 1)
    throw new DataError(
      `${text.source}: each of its ${count(words)} words is another, and of a word that comes once nothing can be learned; give a longer text`,
    );
  const { train, dev, test } = brown ? asThePaper(text.pieces) : splitText(text.pieces, seed, order);
  const parts = { train, dev, test };
  if (counted === 'seen') tokens = onlySeen(tokens, parts, minCount);
  return { ...text, tokens, words, parts };
}

/** Without the words that come too rarely in what is trained on and chosen by: they become the rare one in all parts. */
function onlySeen(tokens: WordTokens, { train, dev, test }: Corpus['parts'], minCount: number): WordTokens {
  const counts = countsOf([...train, ...dev], tokens.size);
  const kept = tokens.only((id) => counts[id] >= minCount);
  for (const piece of [...train, ...dev, ...test])
    for (let i = 0; i < piece.length; i++) piece[i] = kept.renamed[piece[i]];
  return kept.tokens;
}

function checkLength(words: number, order: number): void {
  if (words >= 3 * order) return;
  throw new DataError(
    `a text of ${plural(words, 'word')} is too short for --order ${order}: train, dev and test need ${order} words each, ${count(3 * order)} together; give a longer text or a lower --order`,
  );
}

const packaged = (options: BrownOptions) =>
  loadBrown(options).catch((error: unknown) => {
    if (error instanceof DataError) error.message += ', or give --data FILE, or --corpus sotu';
    throw error;
  });

/** In the corpus's order and as one stream. */
export function asThePaper(pieces: readonly Int32Array[]): Record<Part, Int32Array[]> {
  const stream = new Int32Array(pieces.reduce((n, { length }) => n + length, 0));
  let at = 0;
  for (const piece of pieces) {
    stream.set(piece, at);
    at += piece.length;
  }
  const [train, dev] = BROWN;
  return {
    train: [stream.subarray(0, train)],
    dev: [stream.subarray(train, train + dev)],
    test: [stream.subarray(train + dev)],
  };
}

/** How many words of a vocabulary come at least so many times, by their counts in a text. */
export function countsOf(pieces: readonly Int32Array[], size: number): Uint32Array {
  const counts = new Uint32Array(size);
  for (const piece of pieces) for (const id of piece) counts[id]++;
  return counts;
}

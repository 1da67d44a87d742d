import { checkOptions } from '../check.js';
import { DataError } from '../errors.js';
import { clipped, isWellFormed } from '../printable.js';
import { checkText, checkWords } from './given.js';
import type { TextTokens } from './tokens.js';

/** More words than this make a table that no machine trains. */
const MOST_WORDS = 4_000_000;
/** What stands for words that are too rare to learn; splitWords makes no such word. */
export const RARE = '<rare>';

/** Scripts that put no blanks between words. */
const UNPARTED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

/**
 * Words and numbers, and each mark of punctuation by itself; blanks and line ends only part them. A word keeps its case, and hyphens
 * and apostrophes inside of it (and joiners, which some scripts write words with). Letters of any script, composed (NFC); where a
 * script does not part words, they are those of the dictionary of `Intl.Segmenter`.
 */
export function splitWords(text: string): string[] {
  checkText('splitWords', text);
  const found =
    text
      .normalize('NFC')
      .match(
        /[\p{L}\p{M}]+(?:(?:['’-]|\u200c|\u200d)[\p{L}\p{M}]+)*|\p{N}+(?:[.,]\p{N}+)*|[^\s\p{L}\p{M}\p{N}]/gu,
      ) ?? [];
  // One look at the whole text: most have no such word.
  return UNPARTED.test(text) ? found.flatMap((word) => (UNPARTED.test(word) ? parted(word) : word)) : found;
}

let segmenter: Intl.Segmenter | undefined;

function parted(run: string): string[] {
  segmenter ??= new Intl.Segmenter('und', { granularity: 'word' });
  return Array.from(segmenter.segment(run), ({ segment }) => segment);
}

export interface WordOptions {
  /** Words that come so many times or fewer are one token, as in Bengio et al. (2003, section 4.1). */
  rare?: number | undefined;
  /** Told how many words there are, before anything is made of them; it may throw. */
  enough?: ((words: number) => void) | undefined;
}

/** A token for each word that a text has often enough, the most frequent first, and token 0 for all the others. */
export class WordTokens implements TextTokens {
  private readonly indices: ReadonlyMap<string, number>;

  private constructor(private readonly words: readonly string[]) {
    this.indices = new Map(words.map((word, i) => [word, i + 1]));
  }

  /** Throws DataError where no word comes more than `rare` times. */
  static from(words: Iterable<string>, options: WordOptions = {}): WordTokens {
    checkWords('WordTokens.from', words);
    checkOptions('WordTokens.from', options, ['rare', 'enough']);
    const { rare = 3, enough } = options;
    if (!Number.isInteger(rare) || rare < 0)
      throw new DataError(`words: rare must be a whole number from 0, not ${rare}`);
    const counts = new Map<string, number>();
    let total = 0;
    for (const word of words) {
      total++;
      const before = counts.get(word);
      counts.set(before === undefined ? ofItsOwn(word) : word, (before ?? 0) + 1);
    }
    if (counts.size === 0) throw new DataError('a text of no words has no tokens');
    enough?.(total);
    // Words that are as frequent stay in the order in which they appear.
    const frequent = [...counts].filter(([, count]) => count > rare).sort(([, a], [, b]) => b - a);
    if (frequent.length === 0)
      throw new DataError(
        `none of the ${count(counts.size)} different words comes more than ${rare} times: give a longer text, or let fewer words be rare (--min-count)`,
      );
    return new WordTokens(frequent.map(([word]) => word));
  }

  static fromList(words: readonly unknown[]): WordTokens {
    if (words.length === 0 || words.length > MOST_WORDS) throw damaged(`has ${words.length} words`);
    const wrong = words.findIndex(
      (w) => typeof w !== 'string' || w === '' || /\s/.test(w) || !isWellFormed(w),
    );
    if (wrong >= 0)
      throw damaged(`has ${clipped(String(JSON.stringify(words[wrong])), 40)} where a word belongs`);
    if (new Set(words).size < words.length) throw damaged('has a word twice');
    return new WordTokens(words as string[]);
  }

  /** The words whose tokens `keeps` says true of, in the same order, and for each token what it is among them: 0 where it is none. */
  only(keeps: (id: number) => boolean): { tokens: WordTokens; renamed: Int32Array } {
    const renamed = new Int32Array(this.size);
    const words = this.words.filter((_, i) => keeps(i + 1));
    if (words.length === 0)
      throw new DataError(
        'no word comes often enough in what is seen: give a longer text, or let fewer words be rare (--min-count)',
      );
    for (const [i, word] of words.entries()) renamed[this.indexOf(word)] = i + 1;
    return { tokens: new WordTokens(words), renamed };
  }

  get size(): number {
    return this.words.length + 1;
  }

  /** Every text: words that are not known are the rare one. */
  knows(text: string): boolean {
    return isWellFormed(text);
  }

  encode(text: string): Int32Array {
    return this.encodeWords(splitWords(text));
  }

  encodeWords(words: readonly string[]): Int32Array {
    return Int32Array.from(words, (word) => this.indexOf(word));
  }

  /** The token of one word, 0 where it is rare or not known. */
  indexOf(word: string): number {
    return this.indices.get(word) ?? 0;
  }

  /** The word of a token, RARE of 0. Throws DataError where there is no such token. */
  wordOf(id: number): string {
    const word = id === 0 ? RARE : this.words[id - 1];
    if (word === undefined) throw new DataError(`token ${id} is none of the ${this.size} that there are`);
    return word;
  }

  /** Words with blanks between them, none in front of what closes and behind what opens. */
  decode(ids: Iterable<number>): string {
    let text = '';
    for (const id of ids) {
      const word = this.wordOf(id);
      const joins =
        text === '' ||
        /^[.,;:!?%)\]}’”。、，！？：；」』）]/u.test(word) ||
        /[([{$‘“「『（]$/u.test(text) ||
        // Where the script puts no blanks between words.
        (UNPARTED.test(word) && UNPARTED.test(text.slice(-2)));
      text += joins ? word : ` ${word}`;
    }
    return text;
  }

  toJSON(): { words: string[] } {
    return { words: [...this.words] };
  }
}

/** Engines keep a long part of a string as a view of all of it: the text would stay in memory for its words. */
const ofItsOwn = (word: string) => (word.length > 12 ? [...word].join('') : word);

/** A vocabulary of a checkpoint that is not as `toJSON` wrote it. */
export const damaged = (what: string) =>
  new DataError(`the stored vocabulary ${what}; the checkpoint is damaged`);
const count = (n: number) => n.toLocaleString('en-US');

import { checkOptions } from '../check.js';
import { DataError } from '../errors.js';
import { clipped, isWellFormed } from '../printable.js';
import { checkText, checkWords } from './given.js';
import type { TextTokens } from './tokens.js';

/** More words than this make a table that no machine trains. */
const MOST_WORDS = 4_000_000;
/** What stands for words that are too rare to learn; splitWords makes no such word. */
export const RARE = '<rare>';

/**
 * Words and numbers, and each mark of punctuation by itself; blanks and line ends only part them. A word keeps its case, and hyphens
 * and apostrophes inside of it. Letters of any script; in scripts that do not part words a run of letters is one.
 */
export function splitWords(text: string): string[] {
  checkText('splitWords', text);
  return (
    text.match(/[\p{L}\p{M}]+(?:['’-][\p{L}\p{M}]+)*|\p{N}+(?:[.,]\p{N}+)*|[^\s\p{L}\p{M}\p{N}]/gu) ?? []
  );
}

export interface WordOptions {
  /** Words that come so many times or fewer are one token, as in Bengio et al. (2003, section 4.1). */
  rare?: number;
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
    checkOptions('WordTokens.from', options, ['rare']);
    const { rare = 3 } = options;
    if (!Number.isInteger(rare) || rare < 0)
      throw new DataError(`words: rare must be a whole number from 0, not ${rare}`);
    const counts = new Map<string, number>();
    for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
    if (counts.size === 0) throw new DataError('a text of no words has no tokens');
    // Words that are as frequent stay in the order in which they appear.
    const frequent = [...counts].filter(([, count]) => count > rare).sort(([, a], [, b]) => b - a);
    if (frequent.length === 0)
      throw new DataError(
        `none of the ${count(counts.size)} different words comes more than ${rare} times: give a longer text or a lower rare`,
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
    return Int32Array.from(words, (word) => this.indices.get(word) ?? 0);
  }

  /** Words with blanks between them, none in front of what closes and behind what opens. */
  decode(ids: Iterable<number>): string {
    let text = '';
    for (const id of ids) {
      const word = id === 0 ? RARE : this.words[id - 1];
      if (word === undefined) throw new DataError(`token ${id} is none of the ${this.size} that there are`);
      const joins = text === '' || /^[.,;:!?%)\]}’”]/u.test(word) || /[([{$‘“]$/u.test(text);
      text += joins ? word : ` ${word}`;
    }
    return text;
  }

  toJSON(): { words: string[] } {
    return { words: [...this.words] };
  }
}

/** A vocabulary of a checkpoint that is not as `toJSON` wrote it. */
export const damaged = (what: string) =>
  new DataError(`the stored vocabulary ${what}; the checkpoint is damaged`);
const count = (n: number) => n.toLocaleString('en-US');

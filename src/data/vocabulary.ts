import { DataError } from '../errors.js';
import { isWellFormed } from '../printable.js';
import { checkWords } from './given.js';
import { quoted } from './json.js';

/** One code point, and no half of a surrogate pair. */
export function isCharacter(value: unknown): value is string {
  if (typeof value !== 'string' || value.length === 0 || value.length > 2) return false;
  const length = value.codePointAt(0)! > 0xffff ? 2 : 1;
  return value.length === length && isWellFormed(value);
}

/** What `Vocabulary.toJSON` gives: the characters in order of their index, the boundary left out. */
export interface VocabularyJSON {
  characters: string[];
}

/**
 * Characters and their indices. Index 0 is the boundary before and after a word; the characters, Unicode code
 * points in ascending order, follow. The boundary is a token of its own: a word may contain the character '.'.
 */
export class Vocabulary {
  /** The index of the boundary token. */
  static readonly BOUNDARY = 0;

  /** What each index is shown as; '.' for the boundary. */
  readonly tokens: readonly string[];
  private readonly indices: ReadonlyMap<string, number>;

  private constructor(characters: readonly string[]) {
    this.tokens = ['.', ...characters];
    this.indices = new Map(characters.map((character, i) => [character, i + 1]));
  }

  /** The vocabulary of all characters that occur in the words. */
  static from(words: Iterable<string>): Vocabulary {
    checkWords('Vocabulary.from', words);
    const seen = new Set<string>();
    for (const word of words) for (const character of word) seen.add(character);
    if (seen.size === 0)
      throw new DataError('a vocabulary needs at least one character; the words have none');
    return new Vocabulary([...seen].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!));
  }

  /** The vocabulary that `toJSON` wrote, indices unchanged. */
  static fromJSON(json: unknown): Vocabulary {
    const characters = (json as Partial<VocabularyJSON> | null | undefined)?.characters;
    if (!Array.isArray(characters) || characters.length === 0) {
      throw new DataError(
        'a stored vocabulary needs "characters", a list that is not empty; the checkpoint is damaged',
      );
    }
    const seen = new Set<unknown>();
    for (const [i, character] of characters.entries()) {
      if (!isCharacter(character)) {
        throw new DataError(
          `character ${i} of the stored vocabulary is ${quoted(character)}, not one character; the checkpoint is damaged`,
        );
      }
      if (seen.has(character)) {
        throw new DataError(
          `character ${quoted(character)} is twice in the stored vocabulary; the checkpoint is damaged`,
        );
      }
      seen.add(character);
    }
    return new Vocabulary(characters);
  }

  /** How many tokens there are, the boundary among them. */
  get size(): number {
    return this.tokens.length;
  }

  /** One index per code point; no boundary is added. */
  encode(word: string): number[] {
    const ids: number[] = [];
    for (const character of word) {
      const id = this.indices.get(character);
      if (id === undefined) throw this.unknown(character, word);
      ids.push(id);
    }
    return ids;
  }

  /** The characters of the indices; a boundary is shown as '.'. */
  decode(ids: Iterable<number>): string {
    let text = '';
    for (const id of ids) {
      const token = this.tokens[id];
      if (token === undefined) {
        throw new DataError(
          `token ${id} is not in the vocabulary; tokens are whole numbers from 0 to ${this.size - 1}`,
        );
      }
      text += token;
    }
    return text;
  }

  toJSON(): VocabularyJSON {
    return { characters: this.tokens.slice(1) };
  }

  private unknown(character: string, word: string): DataError {
    const code = `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
    const known = this.size <= 65 ? `: ${this.tokens.slice(1).join('')}` : '';
    return new DataError(
      `${JSON.stringify(character)} (${code}) in ${JSON.stringify(word)} is not one of the ${this.size - 1} characters of the vocabulary${known}`,
    );
  }
}

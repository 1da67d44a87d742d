import { DataError } from '../errors.js';
import { isWellFormed } from '../printable.js';
import { checkText } from './given.js';
import { quoted } from './json.js';
import { isCharacter } from './vocabulary.js';
import { damaged, WordTokens } from './word-tokens.js';

/** Turns text into whole numbers from 0 to `size` - 1 and back. */
export interface TextTokens {
  readonly size: number;
  /** Whether it can be encoded. */
  knows(text: string): boolean;
  /** Throws DataError that names what is not known. */
  encode(text: string): Int32Array;
  decode(ids: Iterable<number>): string;
  /** As files keep them; `textTokens` reads it. */
  toJSON(): { characters: string[] } | { words: string[] } | { bytes: true };
}

/** More different characters than this make a table of which most is never trained. */
export const MOST_CHARACTERS = 16_384;

/** A token for each character (a Unicode code point) that a text has, in ascending order. */
export class CharacterTokens implements TextTokens {
  private readonly indices: ReadonlyMap<string, number>;

  private constructor(private readonly characters: readonly string[]) {
    this.indices = new Map(characters.map((character, i) => [character, i]));
  }

  /** Throws DataError where the text has none, or more than MOST_CHARACTERS. */
  static from(text: string): CharacterTokens {
    checkText('CharacterTokens.from', text);
    const seen = new Set(text);
    if (seen.size === 0) throw new DataError('a text of no characters has no tokens');
    if (seen.size > MOST_CHARACTERS)
      throw new DataError(
        `the text has ${count(seen.size)} different characters, more than ${count(MOST_CHARACTERS)}: give --tokens bytes, of which there are 256`,
      );
    return new CharacterTokens([...seen].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!));
  }

  static fromList(characters: readonly unknown[]): CharacterTokens {
    if (characters.length === 0 || characters.length > MOST_CHARACTERS)
      throw damaged(`has ${characters.length} characters`);
    const wrong = characters.findIndex((c) => !isCharacter(c));
    if (wrong >= 0) throw damaged(`has ${quoted(characters[wrong])} where one character belongs`);
    if (new Set(characters).size < characters.length) throw damaged('has a character twice');
    return new CharacterTokens(characters as string[]);
  }

  get size(): number {
    return this.characters.length;
  }

  knows(text: string): boolean {
    return [...text].every((character) => this.indices.has(character));
  }

  encode(text: string): Int32Array {
    checkText('encode', text);
    const ids = new Int32Array(text.length);
    let n = 0;
    for (const character of text) {
      const id = this.indices.get(character);
      if (id === undefined) throw this.unknown(text);
      ids[n++] = id;
    }
    return n === ids.length ? ids : ids.slice(0, n);
  }

  decode(ids: Iterable<number>): string {
    let text = '';
    for (const id of ids) {
      const character = this.characters[id];
      if (character === undefined)
        throw new DataError(`token ${id} is none of the ${this.size} that there are`);
      text += character;
    }
    return text;
  }

  toJSON(): { characters: string[] } {
    return { characters: [...this.characters] };
  }

  private unknown(text: string): DataError {
    const strange = [...new Set(text)].filter((character) => !this.indices.has(character));
    const shown = strange.slice(0, 8).map(named).join(', ');
    const more = strange.length > 8 ? ` and ${strange.length - 8} more` : '';
    const known = this.size <= 128 ? `: ${this.characters.join('').replace(/\s+/g, ' ')}` : '';
    return new DataError(
      `the model does not know ${shown}${more}; it knows the ${count(this.size)} characters of its text${known}`,
    );
  }
}

/** A token for each byte of a text in UTF-8. */
export const BYTE_TOKENS: TextTokens = {
  size: 256,
  knows: isWellFormed,
  encode: (text) => {
    checkText('encode', text);
    if (!isWellFormed(text)) throw new DataError('half of a surrogate pair has no bytes in UTF-8');
    return Int32Array.from(new TextEncoder().encode(text));
  },
  /** What is no UTF-8 is shown as U+FFFD. */
  decode: (ids) => new TextDecoder().decode(Uint8Array.from(ids)),
  toJSON: () => ({ bytes: true }),
};

/** The tokens that `toJSON` wrote. Throws DataError. */
export function textTokens(json: unknown): TextTokens {
  const { characters, words, bytes } = (json ?? {}) as Record<string, unknown>;
  const kinds = [characters, words, bytes].filter((kind) => kind !== undefined);
  if (kinds.length === 1) {
    if (bytes === true) return BYTE_TOKENS;
    if (Array.isArray(characters)) return CharacterTokens.fromList(characters);
    if (Array.isArray(words)) return WordTokens.fromList(words);
  }
  throw damaged('is neither characters, words nor bytes');
}

const count = (n: number) => n.toLocaleString('en-US');
const named = (character: string) =>
  `${JSON.stringify(character)} (U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')})`;

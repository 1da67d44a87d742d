/**
 * What a terminal or a reader of a line would obey instead of show: control characters (C0, DEL, C1), line and paragraph
 * separators, what turns the direction of text, halves of surrogate pairs, and a byte order mark.
 */
const COMMANDS = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}\ufeff]/gu;

const SHORT: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Text of a stranger (a word, a name, a path, a message that quotes them) as one line that shows all and commands nothing. */
export function printable(text: string): string {
  return text.replace(COMMANDS, (character) => SHORT[character] ?? escaped(character));
}

/** `\x1b`, `\u202e`. */
function escaped(character: string): string {
  const digits = character.charCodeAt(0).toString(16);
  return digits.length > 2 ? `\\u${digits.padStart(4, '0')}` : `\\x${digits.padStart(2, '0')}`;
}

/** The same for text of many lines. */
export function printableLines(text: string): string {
  return text
    .split(/\r?\n/)
    .map((line) => printable(line))
    .join('\n');
}

/** A value as one line of JSON, in which `JSON.stringify` would leave C1 and what turns the direction as they are. */
export function printableJson(value: unknown): string {
  const inString = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(value).replace(COMMANDS, inString);
}

/** A name as it is where it is plain, else as JSON. */
export function shownName(name: string): string {
  return /^[A-Za-z_][\w.]*$/.test(name) ? name : printableJson(name);
}

/** The beginning of a text that may be long, where an error quotes it. */
export function clipped(text: string, most = 200): string {
  return text.length > most ? `${text.slice(0, most)}...` : text;
}

/** Whether no half of a surrogate pair stands alone, which UTF-8 cannot hold. */
export function isWellFormed(text: string): boolean {
  // Engines before 2023 are asked by a pattern, which is slower.
  const known = text as { isWellFormed?(): boolean };
  return known.isWellFormed?.() ?? !/\p{Surrogate}/u.test(text);
}

/** Text with the replacement character for what XML has no way to write (control characters, halves of pairs) and for what turns the direction of the text beside it. */
export function forXml(text: string): string {
  return text.replace(/[^\P{Cc}\t\n\r]|\p{Cs}|\p{Bidi_Control}|[\ufffe\uffff]/gu, '\ufffd');
}

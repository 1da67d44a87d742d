/** The text with what does not print, or moves what is printed, as \uXXXX: controls, line ends, bidirectional marks, lone surrogates. */
export function printable(text: string): string {
  return text.replace(/[\p{C}\p{Z}]/gu, (character) => (character === ' ' ? ' ' : escaped(character)));
}

/** The text between quotes, on one line; JSON.parse reads it back. */
export function quoted(text: string): string {
  return printable(JSON.stringify(text));
}

/** A name as it is where it is plain, else quoted. */
export function shownName(name: string): string {
  return /^[A-Za-z_][\w.]*$/.test(name) ? name : quoted(name);
}

function escaped(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}

import { printable } from '../printable.js';

/** Joins lines and indents them by their braces. */
export function format(lines: readonly string[]): string {
  let depth = 0;
  return lines
    .map((line) => {
      if (line.startsWith('}')) depth--;
      const text = line ? '  '.repeat(Math.max(0, depth)) + line : '';
      if (line.endsWith('{')) depth++;
      return text;
    })
    .join('\n');
}

/** `base + offset` without what is zero. */
export function plus(base: string, ...terms: (string | number)[]): string {
  return [base, ...terms.filter((t) => t !== 0 && t !== '0' && t !== '')].join(' + ');
}

/** Text between the marks of a comment, which it must not end. */
export function comment(text: string): string {
  return printable(text).replaceAll('*/', '*\\/');
}

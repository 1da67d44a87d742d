import { escapeText } from './escape.js';

const NUMBER = /^[-+]?[\d.,]+(e[-+]?\d+)?$/;

/** A table for a page (`reportPage`), of text. */
export function tableHtml(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  // Numbers stand under each other, digit by digit.
  const numeric = head.map((_, i) => rows.length > 0 && rows.every((row) => NUMBER.test(String(row[i]))));
  const line = (cells: readonly (string | number)[], tag: string) => {
    const cell = (text: string | number, i: number) =>
      `<${tag}${numeric[i] ? ' class="number"' : ''}>${escapeText(String(text))}</${tag}>`;
    return `<tr>${cells.map(cell).join('')}</tr>`;
  };
  return `<table>\n${[line(head, 'th'), ...rows.map((row) => line(row, 'td'))].join('\n')}\n</table>`;
}

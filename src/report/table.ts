import { escapeText } from './escape.js';

const NUMBER = /^[-+]?[\d.,]+(e[-+]?\d+)?$/;

/** A table for a page (`reportPage`), of text. */
export function tableHtml(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  // Numbers stand under each other, digit by digit; a row may have none.
  const numeric = head.map((_, i) => {
    const told = rows.map((row) => String(row[i])).filter((text) => text !== '');
    return told.length > 0 && told.every((text) => NUMBER.test(text));
  });
  const line = (cells: readonly (string | number)[], tag: string) => {
    const cell = (text: string | number, i: number) =>
      `<${tag}${numeric[i] ? ' class="number"' : ''}>${escapeText(String(text))}</${tag}>`;
    return `<tr>${cells.map(cell).join('')}</tr>`;
  };
  return `<table>\n${[line(head, 'th'), ...rows.map((row) => line(row, 'td'))].join('\n')}\n</table>`;
}

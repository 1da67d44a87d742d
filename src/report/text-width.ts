// Fonts cannot be measured without a page, but the widths of Helvetica are known, and Arial and Liberation Sans have them too.

/** Widths of the characters from space to ~, in thousandths of the font's size (Adobe's font metrics of Helvetica). */
const WIDTHS = [
  ...[278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278],
  ...[556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556],
  ...[1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778],
  ...[667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556],
  ...[333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556],
  ...[556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584],
];
/** Of the minus sign, of letters with marks, and of what scripts of wide characters have. */
const [MINUS, LETTER, WIDE] = [584, 556, 1000];
const ELLIPSIS = '…';

function widthOf(character: string): number {
  const code = character.codePointAt(0)!;
  if (code >= 32 && code < 127) return WIDTHS[code - 32];
  if (character === '−') return MINUS;
  return code >= 0x1100 || character === ELLIPSIS ? WIDE : LETTER;
}

/** About how wide a line of text is in Helvetica of this size, in pixels. */
export function textWidth(text: string, size: number): number {
  let sum = 0;
  for (const character of text) sum += widthOf(character);
  return (sum * size) / 1000;
}

/** The text if it is no wider than `width` pixels, or its beginning and its end, which tell paths apart. */
export function shorten(text: string, width: number, size: number): string {
  if (textWidth(text, size) <= width) return text;
  const characters = Array.from(text);
  let left = Math.ceil(characters.length / 2);
  let right = characters.length - left;
  const kept = () =>
    characters.slice(0, left).join('') + ELLIPSIS + characters.slice(characters.length - right).join('');
  while (left > 0 && textWidth(kept(), size) > width) {
    if (left > right) left--;
    else right--;
  }
  return kept();
}

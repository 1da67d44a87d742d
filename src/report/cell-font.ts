import { AROUND, HEIGHT, WIDTH } from './chart.js';
import { textWidth } from './text-width.js';

/** Of numbers in squares, unless the squares are small; below the least they are left out. */
const [FONT_IN, LEAST_FONT] = [13, 7];

/** The font in which the longest of the texts fits into a square of the matrix; 0 where none does. */
export function fontIn(
  longest: string,
  matrix: { columns: readonly string[]; rows: readonly string[]; marginLeft: number; height?: number },
): number {
  const { columns, rows, marginLeft, height = HEIGHT } = matrix;
  const wide = (WIDTH - AROUND.across - marginLeft) / columns.length - 3;
  const high = (height - AROUND.down) / rows.length - 1;
  const font = Math.floor(Math.min(FONT_IN, high, wide / textWidth(longest, 1)));
  return font < LEAST_FONT ? 0 : font;
}

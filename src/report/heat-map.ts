import * as Plot from '@observablehq/plot';
import { OptionError } from '../errors.js';
import { band } from './band.js';
import { AROUND, drawChart, HEIGHT, WIDTH } from './chart.js';
import { INK, SERIES, tint } from './colors.js';
import { textWidth } from './text-width.js';

/** A matrix as squares whose ink says how large a number is. */
export interface HeatMap {
  title: string;
  /** What the columns and the rows are. */
  x: string;
  y: string;
  columns: readonly string[];
  rows: readonly string[];
  /** A list for each row; numbers from 0. */
  values: readonly ArrayLike<number>[];
  /** Write the numbers into the squares, with so many digits after the point; 0 stays empty. */
  digits?: number;
  height?: number;
}

/** Draws a matrix as a standalone SVG on a light background: white for 0, full ink for the largest number. */
export function heatMap({ title, x, y, columns, rows, values, digits, height }: HeatMap): string {
  if (values.length !== rows.length || values.some((row) => row.length !== columns.length))
    throw new OptionError(
      `the heat map ${JSON.stringify(title)} has ${rows.length} rows of ${columns.length} and other values`,
    );
  const cells = values.flatMap((row, i) => Array.from(row, (value, j) => ({ i, j, value })));
  const wrong = cells.find(({ value }) => !(value >= 0 && Number.isFinite(value)));
  if (wrong || cells.length === 0)
    throw new OptionError(
      `the heat map ${JSON.stringify(title)} needs numbers from 0, and has ${wrong?.value ?? 'none'}`,
    );
  const longest = rows.reduce((n, name) => Math.max(n, name.length), 0);
  const most = cells.reduce((max, { value }) => Math.max(max, value), 0);
  const share = ({ value }: { value: number }) => (most > 0 ? value / most : 0);
  const marks: Plot.Markish[] = [
    Plot.cell(cells, {
      x: 'j',
      y: 'i',
      fill: (cell) => tint(share(cell), SERIES[0]),
      stroke: '#e4e7eb',
      inset: 0.5,
    }),
  ];
  const marginLeft = Math.max(54, 24 + 9 * longest);
  const font = digits === undefined ? 0 : fontIn(most.toFixed(digits), { columns, rows, marginLeft, height });
  if (font > 0)
    marks.push(
      Plot.text(
        cells.filter(({ value }) => value > 0),
        {
          x: 'j',
          y: 'i',
          text: ({ value }) => value.toFixed(digits),
          fill: (cell) => (share(cell) > 0.55 ? 'white' : INK),
          fontSize: font,
        },
      ),
    );
  return drawChart({
    title,
    axis: y,
    legend: [],
    x: { ...band(columns), label: x },
    y: { ...band(rows), grid: false },
    marks,
    ...(height !== undefined && { height }),
    marginLeft,
  });
}

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

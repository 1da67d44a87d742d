import * as Plot from '@observablehq/plot';
import { OptionError } from '../errors.js';
import { band } from './band.js';
import { drawChart } from './chart.js';
import { AREAS, INK, SERIES, tint } from './colors.js';
import { fontIn } from './heat-map.js';

/** How often a class was taken for which. */
export interface ConfusionChart {
  title: string;
  /** Names of the classes, in order. */
  classes: readonly string[];
  /** What `confusionMatrix` gives, row by row: element [i, j] counts what is of class i and was taken for j. */
  counts: ArrayLike<number>;
  height?: number;
}

const [RIGHT, WRONG] = [SERIES[0], SERIES[1]];

/**
 * Draws a confusion matrix as a standalone SVG on a light background: rows are the truth, with the share that was told right, columns
 * what it was taken for. What is right is blue, by its share of the row; mistakes are orange, by their share of the most frequent, so
 * that few of them are seen beside many that are right.
 */
export function confusionChart({ title, classes, counts, height }: ConfusionChart): string {
  const n = classes.length;
  const refuse = (why: string) => new OptionError(`the confusion matrix ${JSON.stringify(title)} ${why}`);
  if (n === 0 || counts.length !== n * n)
    throw refuse(`of ${n} classes needs ${n * n} counts${n ? '' : ' and classes'}, and has ${counts.length}`);
  const wrong = Array.from(counts).find((count) => !(Number.isInteger(count) && count >= 0));
  if (wrong !== undefined) throw refuse(`needs whole numbers from 0, and has ${wrong}`);
  const cells = Array.from(counts, (count, at) => ({ i: Math.floor(at / n), j: at % n, count }));
  const rows = classes.map((_, i) =>
    cells.slice(n * i, n * i + n).reduce((sum, { count }) => sum + count, 0),
  );
  const right = (i: number) => counts[n * i + i];
  const mistakes = cells.filter(({ i, j }) => i !== j).reduce((most, { count }) => Math.max(most, count), 0);
  const share = ({ i, j, count }: (typeof cells)[number]) => {
    if (count === 0) return 0;
    return i === j ? count / rows[i] : 0.15 + (0.85 * count) / mistakes;
  };
  const named = classes.map((name, i) => (rows[i] ? `${name}: ${percent(right(i) / rows[i])}` : name));
  const longest = named.reduce((length, name) => Math.max(length, name.length), 0);
  const all = rows.reduce((a, b) => a + b, 0);
  const hits = classes.reduce((sum, _, i) => sum + right(i), 0);
  const size = { height: height ?? Math.max(240, 170 + 36 * n), marginLeft: Math.max(54, 24 + 8 * longest) };
  const most = cells.reduce((max, { count }) => Math.max(max, count), 0);
  const font = fontIn(String(most), { columns: classes, rows: classes, ...size });
  const told = all ? `, ${percent(hits / all)}` : '';
  return drawChart({
    title,
    axis: 'what it is, and how much of it was told right',
    legend: [
      { label: `right: ${hits} of ${all}${told}`, stroke: RIGHT, width: AREAS.square },
      { label: `mistakes: ${all - hits}`, stroke: WRONG, width: AREAS.square },
    ],
    x: { ...band(classes), label: 'what it was taken for' },
    y: { ...band(named), grid: false },
    marks: [
      Plot.cell(cells, {
        x: 'j',
        y: 'i',
        fill: (cell) => tint(share(cell), cell.i === cell.j ? RIGHT : WRONG),
        stroke: '#e4e7eb',
        inset: 0.5,
      }),
      Plot.text(
        cells.filter(({ count }) => font > 0 && count > 0),
        {
          x: 'j',
          y: 'i',
          text: ({ count }) => String(count),
          fill: (c) => (share(c) > 0.55 ? 'white' : INK),
          fontSize: font,
        },
      ),
    ],
    ...size,
  });
}

function percent(share: number): string {
  // A share that is not whole must not look so.
  const digits = share > 0.9995 && share < 1 ? 2 : 1;
  return `${(100 * share).toFixed(digits)} %`;
}

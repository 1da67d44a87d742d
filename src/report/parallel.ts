import * as Plot from '@observablehq/plot';
import { OptionError } from '../errors.js';
import { band } from './band.js';
import { drawChart, FONT_SIZE, type LegendEntry } from './chart.js';
import { INK, QUIET, SERIES } from './colors.js';

/** One of the vertical axes: what each line has there, numbers or names. */
export interface ParallelAxis {
  readonly label: string;
  readonly values: readonly (number | string)[];
  readonly log?: boolean;
}

/** Lines that each pass all axes, such as configurations with what they led to. */
export interface ParallelCoordinates {
  readonly title: string;
  readonly axes: readonly ParallelAxis[];
  /** So many of the first lines are drawn strong, over the others. */
  readonly strong: number;
  readonly strongLabel: string;
  readonly otherLabel: string;
}

const FAINT = '#b7cfea';
const [BLUE] = SERIES;
/** More names than this would lie on each other. */
const MOST_TICKS = 9;

/** Parallel coordinates (Inselberg, The plane with parallel coordinates, 1985) as a standalone SVG on a light background. */
export function parallelCoordinates(chart: ParallelCoordinates): string {
  const { title, axes, strong, strongLabel, otherLabel } = chart;
  const count = axes[0]?.values.length ?? 0;
  if (axes.length < 2 || count === 0 || axes.some(({ values }) => values.length !== count))
    throw new OptionError(
      `the parallel coordinates ${JSON.stringify(title)} need two axes or more with as many values each`,
    );
  const scales = axes.map(scaleOf);
  const points = (lines: readonly number[]) =>
    lines.flatMap((line) =>
      axes.map(({ values }, axis) => ({ line, axis, y: scales[axis].place(values[line]) })),
    );
  const all = Array.from({ length: count }, (_, line) => line);
  const lines = (some: readonly number[], stroke: string, strokeWidth: number) =>
    Plot.line(points(some), { x: 'axis', y: 'y', z: 'line', stroke, strokeWidth, strokeLinejoin: 'round' });
  const ticks = scales.flatMap(({ ticks }, axis) => ticks.map((tick) => ({ ...tick, axis })));
  const legend: LegendEntry[] = [{ label: strongLabel, stroke: BLUE, width: 3 }];
  if (count > strong) legend.push({ label: otherLabel, stroke: FAINT, width: 3 });
  return drawChart({
    title,
    axis: '',
    legend,
    x: { ...band(axes.map(({ label }) => label)), label: null },
    y: { axis: null, domain: [-0.03, 1.03], grid: false },
    marks: [
      Plot.ruleX(axes.keys(), { y1: 0, y2: 1, stroke: QUIET, strokeWidth: 1 }),
      lines(all.slice(strong), FAINT, 1.2),
      lines(all.slice(0, strong).reverse(), BLUE, 2),
      Plot.text(ticks, {
        ...{ x: 'axis', y: 'y', text: 'text', fill: INK, fontSize: FONT_SIZE - 2 },
        ...{ stroke: 'white', strokeWidth: 5, dx: 5, textAnchor: 'start' },
      }),
    ],
  });
}

interface Scale {
  place(value: number | string): number;
  readonly ticks: readonly { readonly y: number; readonly text: string }[];
}

function scaleOf({ values, log = false }: ParallelAxis): Scale {
  const numbers = values.filter((value) => typeof value === 'number');
  if (numbers.length < values.length) return namesScale([...new Set(values.map(String))]);
  const positive = numbers.every((x) => x > 0);
  const on = log && positive ? Math.log : (x: number) => x;
  const [low, high] = [numbers.reduce((a, b) => Math.min(a, b)), numbers.reduce((a, b) => Math.max(a, b))];
  const place = (x: number) => (high > low ? (on(x) - on(low)) / (on(high) - on(low)) : 0.5);
  const different = [...new Set(numbers)].sort((a, b) => a - b);
  const shown = different.length <= MOST_TICKS && isApart(different.map(place)) ? different : ends(low, high);
  return { place: (x) => place(Number(x)), ticks: shown.map((x) => ({ y: place(x), text: shortNumber(x) })) };
}

const ends = (low: number, high: number) => (high > low ? [low, high] : [low]);
/** Whether labels at these places do not lie on each other. */
const isApart = (places: readonly number[]) => places.every((y, i) => i === 0 || y - places[i - 1] > 0.06);
const shortNumber = (x: number) => String(Number(x.toPrecision(4)));

function namesScale(names: readonly string[]): Scale {
  const place = (name: number | string) =>
    names.length > 1 ? names.indexOf(String(name)) / (names.length - 1) : 0.5;
  const every = Math.ceil(names.length / MOST_TICKS);
  return {
    place,
    ticks: names.filter((_, i) => i % every === 0).map((text) => ({ y: place(text), text })),
  };
}

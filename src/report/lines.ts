import * as Plot from '@observablehq/plot';
import { OptionError } from '../errors.js';
import { ABOVE, BELOW, drawChart, type Guided, type LegendEntry, logAxis } from './chart.js';
import { QUIET, SERIES } from './colors.js';
import type { Place } from './notes.js';
import { type Point, thin } from './thin.js';

/** One line of a chart. */
export interface Series {
  label: string;
  points: readonly Point[];
  /** A dot on each point as well; where there are many, the line alone reads better. */
  dots?: boolean;
}

/** A dashed line to compare with, its label beside it, near its first point unless lines run through there. */
export interface Guide {
  label: string;
  points: readonly Point[];
}

export interface LineChart {
  title: string;
  /** What the horizontal axis shows. */
  x: string;
  /** What the vertical axis shows. */
  y: string;
  series: readonly Series[];
  guides?: readonly Guide[];
  /** Axes that are logarithmic; what is not above 0 there is left out, and the legend says how much. */
  log?: 'x' | 'y' | 'xy';
  /** Ends of the vertical axis; by default round numbers around what is shown. */
  range?: readonly [number, number];
  height?: number;
}

const MOST_TICKS = 9;

/** Draws lines over a common axis as a standalone SVG on a light background. Points that are not finite are gaps. */
export function lineChart(chart: LineChart): string {
  const { title, series, guides = [], log = '', range, height } = chart;
  const shows = ({ x, y }: Point) =>
    Number.isFinite(x) &&
    Number.isFinite(y) &&
    (x > 0 || !log.includes('x')) &&
    (y > 0 || !log.includes('y'));
  const all = series.flatMap(({ points }) => points);
  const shown = all.filter(shows);
  if (shown.length === 0) {
    throw new OptionError(`the chart ${JSON.stringify(title)} has no point that can be drawn`);
  }
  const xs = shown.map(({ x }) => x);
  const ys = shown.map(({ y }) => y);
  const guided = guides.flatMap(({ label, points }) => guideLine(label, points, range ?? ys));
  const marks: Plot.Markish[] = guided.map(({ mark }) => mark);
  const legend: LegendEntry[] = [];
  series.forEach(({ label, points, dots }, i) => {
    const stroke = SERIES[i % SERIES.length];
    const data = thin(
      points.map(({ x }) => x),
      points.map((point) => (shows(point) ? point.y : Number.NaN)),
    );
    marks.push(Plot.line(data, { x: 'x', y: 'y', stroke, strokeWidth: 2, strokeLinejoin: 'round' }));
    if (dots || data.filter(({ y }) => Number.isFinite(y)).length === 1) {
      marks.push(Plot.dot(data, { x: 'x', y: 'y', fill: stroke, r: 3, stroke: 'white', strokeWidth: 0.75 }));
    }
    legend.push({ label, stroke, width: 3 });
  });
  const left = all.length - shown.length;
  if (left > 0) legend.push({ label: `${left} not drawn: 0 or not finite`, stroke: 'none', width: 0 });
  return drawChart({
    title,
    axis: chart.y,
    legend,
    x: { label: chart.x, ...(log.includes('x') ? powers(xs) : { nice: true, ticks: 6 }) },
    y: log.includes('y') ? powers(ys) : range ? { domain: [...range], ticks: 6 } : { nice: true, ticks: 6 },
    marks,
    notes: guided.map(({ note }) => note),
    height,
    marginLeft: 62,
  });
}

/** A guide, as far as it runs within the height of the chart. */
function guideLine(label: string, points: readonly Point[], ys: readonly number[]): Guided[] {
  const low = ys.reduce((a, b) => Math.min(a, b));
  const high = ys.reduce((a, b) => Math.max(a, b));
  const inside = points.filter(({ y }) => y >= low && y <= high);
  if (inside.length === 0) return [];
  const [first, last] = [inside[0], inside[inside.length - 1]];
  const sides = besides(last.x - first.x, last.y - first.y);
  const at = [0, 0.25, 0.5, 0.75, 1].map((part) => inside[Math.round(part * (inside.length - 1))]);
  return [
    {
      mark: Plot.line(inside, { x: 'x', y: 'y', stroke: QUIET, strokeWidth: 1.4, strokeDasharray: '6 4' }),
      note: {
        text: label,
        color: QUIET,
        places: at.flatMap(({ x, y }) => sides.map((side) => ({ x, y, ...side }))),
      },
    },
  ];
}

/** Where a label stands beside a line: on the sides that it does not run through. */
function besides(right: number, up: number): Omit<Place, 'x' | 'y'>[] {
  const slope = up * right;
  if (slope > 0)
    return [
      { anchor: 'end', dx: -8, dy: -8 },
      { anchor: 'start', dx: 8, dy: 10 },
    ];
  if (slope < 0)
    return [
      { anchor: 'start', dx: 10, dy: -4 },
      { anchor: 'end', dx: -8, dy: 10 },
    ];
  // From where it begins, along it.
  const anchors = ['start', 'middle', 'end'] as const;
  return [ABOVE, BELOW].flatMap((dy) =>
    (right < 0 ? anchors.toReversed() : anchors).map((anchor) => ({ anchor, dx: 0, dy })),
  );
}

/** A logarithmic axis; over many powers of ten, some of the powers are named. */
function powers(values: readonly number[]): Plot.ScaleOptions {
  const axis = logAxis(values);
  const ticks = axis.ticks as unknown as number[];
  if (ticks.length <= MOST_TICKS) return axis;
  const step = Math.ceil(ticks.length / MOST_TICKS);
  return {
    ...axis,
    ticks: ticks.filter((tick) => Math.round(Math.log10(tick)) % step === 0) as unknown as number,
    tickFormat: (tick: number) => tick.toExponential(0).replace('e+', 'e'),
  };
}

import * as Plot from '@observablehq/plot';
import { OptionError } from '../errors.js';
import { drawChart, type LegendEntry, logAxis, QUIET, SERIES } from './chart.js';
import { type Point, thin } from './thin.js';

/** One line of a chart. */
export interface Series {
  label: string;
  points: readonly Point[];
  /** A dot on each point as well; where there are many, the line alone reads better. */
  dots?: boolean;
}

/** A dashed line to compare with, its label at its first point. */
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
  const marks: Plot.Markish[] = guides.flatMap(({ label, points }) => guideLine(label, points, range ?? ys));
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
    height,
    marginLeft: 62,
  });
}

/** A guide, as far as it runs within the height of the chart. */
function guideLine(label: string, points: readonly Point[], ys: readonly number[]): Plot.Markish[] {
  const low = ys.reduce((a, b) => Math.min(a, b));
  const high = ys.reduce((a, b) => Math.max(a, b));
  const inside = points.filter(({ y }) => y >= low && y <= high);
  if (inside.length === 0) return [];
  // Beside the line, on the side that the line does not run through.
  const rises = inside[inside.length - 1].y >= inside[0].y;
  const place = rises ? { textAnchor: 'end', dx: -8, dy: -8 } : { textAnchor: 'start', dx: 10, dy: -2 };
  const text = { x: 'x', y: 'y', text: () => label, fill: QUIET, stroke: 'white', strokeWidth: 5 } as const;
  return [
    Plot.line(inside, { x: 'x', y: 'y', stroke: QUIET, strokeWidth: 1.4, strokeDasharray: '6 4' }),
    Plot.text(inside.slice(0, 1), { ...text, ...(place as Plot.TextOptions) }),
  ];
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

import * as Plot from '@observablehq/plot';
import { wholeNumber } from '../check.js';
import { OptionError } from '../errors.js';
import { type Chart, drawChart, FONT_SIZE, HEIGHT } from './chart.js';
import { INK, SERIES } from './colors.js';
import { textWidth } from './text-width.js';

/** A distribution: its values, or how many of them fell into each bin of the chart's `domain`. */
export type Distribution = { label: string } & (
  | { values: ArrayLike<number> }
  | {
      counts: ArrayLike<number> /** Values below and above the domain, and those that are no numbers. */;
      outside?: number;
    }
);

/** What a histogram shows. */
export interface Histogram {
  title: string;
  /** What the values are; it stands below the axis. */
  label: string;
  series: readonly Distribution[];
  /** Distributions one above the other on the same axes, or each in a row of its own, the first on top. */
  layout?: 'overlaid' | 'rows';
  /** Ends of the horizontal axis; by default the least and the largest value. Values outside are counted in the legend. */
  domain?: readonly [number, number];
  /** 60 unless given. */
  bins?: number;
}

/** Counts of values in bins of equal width. */
export interface Bins {
  counts: Float64Array;
  /** Values that are in no bin: outside of the domain, or not finite. */
  outside: number;
  total: number;
}

const ROW_HEIGHT = 58;
/** So that names begin below the title, and end a little before the rows. */
const BESIDE = 16 + 9;
/** Below the last row, of a row, where names have a second line. */
const NOTE = 0.25;
/** How much of its place a row's highest bin fills. */
const FILL = 0.86;

/** Draws how values are distributed, as a standalone SVG on a light background. */
export function histogram(options: Histogram): string {
  const { series, layout = 'overlaid', bins = 60 } = options;
  wholeNumber('histogram: bins', bins);
  if (series.length === 0) throw new OptionError('histogram: there is no distribution to draw');
  if (layout === 'overlaid' && series.length > SERIES.length) {
    throw new OptionError(
      `histogram: ${series.length} distributions cannot be told apart one above the other: use layout 'rows'`,
    );
  }
  const domain = options.domain ?? spanOf(series);
  checkDomain(domain);
  const binned = series.map((s) => ({ label: s.label, ...binsOf(s, domain, bins) }));
  return drawChart(layout === 'rows' ? rows(options, binned, domain) : overlaid(options, binned, domain));
}

/** Sorts values into `bins` bins of equal width from `domain[0]` to `domain[1]`, both ends included. */
export function bin(values: ArrayLike<number>, domain: readonly [number, number], bins: number): Bins {
  checkDomain(domain);
  const [low, high] = domain;
  const counts = new Float64Array(bins);
  let outside = 0;
  for (let i = 0; i < values.length; i++) {
    const at = ((values[i] - low) / (high - low)) * bins;
    if (at >= 0 && at <= bins) counts[Math.min(bins - 1, Math.floor(at))]++;
    else outside++;
  }
  return { counts, outside, total: values.length };
}

type Named = Bins & { label: string };

function overlaid(
  { title, label }: Histogram,
  series: readonly Named[],
  domain: readonly [number, number],
): Chart {
  const marks = series.flatMap((s, i) => {
    const points = outline(s, domain);
    const stroke = SERIES[i];
    return [
      Plot.areaY(points, { x: 'x', y: 'y', fill: stroke, fillOpacity: 0.14, curve: 'step-after' }),
      Plot.line(points, {
        x: 'x',
        y: 'y',
        stroke,
        strokeWidth: 1.8,
        curve: 'step-after',
        strokeLinejoin: 'round',
      }),
    ];
  });
  const named = (s: Named) => (s.outside > 0 ? `${s.label} (${unseen(s)})` : s.label);
  const legend = series.map((s, i) => ({ label: named(s), stroke: SERIES[i], width: 3 }));
  return {
    title,
    axis: 'share of the values',
    legend,
    x: { label, domain: [...domain], ticks: 8 },
    y: { nice: true, ticks: 6, tickFormat: percent, zero: true },
    marks: [...marks, Plot.ruleY([0], { stroke: INK })],
  };
}

function rows(
  { title, label }: Histogram,
  series: readonly Named[],
  domain: readonly [number, number],
): Chart {
  const base = (i: number) => series.length - 1 - i;
  const marks = series.flatMap((s, i) => {
    const points = outline(s, domain);
    const most = points.reduce((a, { y }) => Math.max(a, y), 0) || 1;
    const scaled = points.map(({ x, y }) => ({ x, low: base(i), high: base(i) + (FILL * y) / most }));
    const shape = { x: 'x', curve: 'step-after' } as const;
    return [
      Plot.areaY(scaled, { ...shape, y1: 'low', y2: 'high', fill: SERIES[0], fillOpacity: 0.35 }),
      Plot.line(scaled, { ...shape, y: 'high', stroke: SERIES[0], strokeWidth: 1.4 }),
    ];
  });
  // What is not shown is told below the name, so that long names leave room for the picture.
  const noted = series.some((s) => s.outside > 0);
  const labels = series.map((s) => (s.outside > 0 ? `${s.label}\n${unseen(s)}` : s.label));
  return {
    title,
    axis: 'share of the values, each row on a scale of its own',
    legend: [],
    x: { label, domain: [...domain], ticks: 8 },
    y: {
      domain: [noted ? -NOTE : 0, series.length],
      grid: true,
      ticks: series.map((_, i) => base(i)) as unknown as number,
      tickFormat: (at: number) => labels[series.length - 1 - at],
      tickSize: 0,
    },
    marks,
    height: Math.max(HEIGHT / 2, 150 + ROW_HEIGHT * series.length),
    marginLeft:
      BESIDE +
      Math.max(...labels.flatMap((label) => label.split('\n')).map((line) => textWidth(line, FONT_SIZE))),
  };
}

/** The corners of the steps, from zero to zero. */
function outline(
  { counts, total }: Named,
  [low, high]: readonly [number, number],
): { x: number; y: number }[] {
  const width = (high - low) / counts.length;
  const points = Array.from(counts, (count, i) => ({ x: low + i * width, y: count / Math.max(1, total) }));
  return [{ x: low, y: 0 }, ...points, { x: high, y: points[points.length - 1].y }, { x: high, y: 0 }];
}

function binsOf(s: Distribution, domain: readonly [number, number], bins: number): Bins {
  if ('values' in s) return bin(s.values, domain, bins);
  const counts = Float64Array.from(s.counts);
  if (counts.length === 0 || counts.some((n) => !(n >= 0 && Number.isFinite(n))))
    throw new OptionError(`histogram: the counts of ${s.label} must be some numbers from 0`);
  const outside = s.outside ?? 0;
  return { counts, outside, total: counts.reduce((a, b) => a + b, outside) };
}

/** From the least to the largest value, with room where they are the same. */
function spanOf(series: readonly Distribution[]): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const s of series) {
    if (!('values' in s))
      throw new OptionError(`histogram: ${s.label} is given as counts: give their domain too`);
    for (let i = 0; i < s.values.length; i++) {
      const v = s.values[i];
      if (!Number.isFinite(v)) continue;
      if (v < low) low = v;
      if (v > high) high = v;
    }
  }
  if (low > high) return [0, 1];
  if (low < high) return [low, high];
  const room = Math.abs(low) / 2 || 0.5;
  return [low - room, high + room];
}

function checkDomain([low, high]: readonly [number, number]): void {
  if (!(low < high) || !Number.isFinite(high - low))
    throw new OptionError(
      `histogram: the domain must go from a lower to a higher number, got ${low} to ${high}`,
    );
}

const unseen = ({ outside, total }: Bins) => `${percent(outside / total)} not shown`;

function percent(share: number): string {
  const value = share * 100;
  return `${Number(value.toPrecision(2))} %`;
}

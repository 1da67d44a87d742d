import * as Plot from '@observablehq/plot';
import { OptionError } from '../errors.js';
import { drawChart, guideX, logAxis } from './chart.js';
import { SERIES } from './colors.js';
import { type Point, thin } from './thin.js';

/** A run in which the learning rate rose from step to step. */
export interface RateCurve {
  title: string;
  rates: ArrayLike<number>;
  /** The loss of each step's own batch, drawn faint. */
  losses: ArrayLike<number>;
  /** The same, averaged, drawn strong. */
  smoothed: ArrayLike<number>;
  /** Where the loss stands still and where it explodes. */
  bounds: { lower: number; upper: number };
  suggestion: number;
}

const RAW = '#b7cfea';
const [SMOOTHED, SUGGESTION] = SERIES;
/** What the loss rises above its beginning is shown up to this part of its fall. */
const ABOVE = 0.6;

/** The loss against the learning rate as a standalone SVG on a light background, with bounds and suggestion marked. */
export function rateCurve({ title, rates, losses, smoothed, bounds, suggestion }: RateCurve): string {
  if (rates.length === 0 || losses.length !== rates.length || smoothed.length !== rates.length) {
    throw new OptionError(
      `a curve over rates needs a loss and an average for each; it got ${rates.length} rates, ${losses.length} losses and ${smoothed.length} averages`,
    );
  }
  const averages = Array.from(smoothed).filter(Number.isFinite);
  const low = averages.reduce((a, b) => Math.min(a, b));
  const start = averages[Math.min(averages.length - 1, Math.round(averages.length / 20))];
  const top = start + ABOVE * (start - low || Math.abs(start) || 1);
  const raw = cut(thin(rates, losses), top);
  const average = cut(thin(rates, smoothed), top);
  const bottom = [...raw, ...average].reduce((least, { y }) => (y < least ? y : least), low);
  const line = (data: Point[], stroke: string, strokeWidth: number) =>
    Plot.line(data, { x: 'x', y: 'y', stroke, strokeWidth, strokeLinejoin: 'round' });
  const guides = [
    guideX(bounds.lower, `stands still at ${digits(bounds.lower)}`, top),
    guideX(bounds.upper, `explodes at ${digits(bounds.upper)}`, top, { anchor: 'end' }),
    guideX(suggestion, digits(suggestion), top, { stroke: SUGGESTION, dashed: false, dy: 36 }),
  ];
  return drawChart({
    title,
    axis: 'loss',
    legend: [
      { label: 'each step', stroke: RAW, width: 2 },
      { label: 'smoothed', stroke: SMOOTHED, width: 3 },
      { label: 'suggestion', stroke: SUGGESTION, width: 3 },
    ],
    x: { label: 'learning rate', ...logAxis([...Array.from(rates), bounds.lower, bounds.upper]) },
    y: { domain: [bottom, top], ticks: 6 },
    marks: [
      line(raw, RAW, 0.8),
      line(average, 'white', 4.5),
      line(average, SMOOTHED, 2.2),
      ...guides.map(({ mark }) => mark),
    ],
    notes: guides.map(({ note }) => note),
  });
}

const digits = (x: number) => String(Number(x.toPrecision(2)));

/** A curve without what is above `top`, cut where it crosses. */
function cut(points: readonly Point[], top: number): Point[] {
  const out: Point[] = [];
  points.forEach((point, i) => {
    const before = points[i - 1];
    if (before && before.y > top !== point.y > top) {
      const part = (top - before.y) / (point.y - before.y);
      if (Number.isFinite(part)) out.push({ x: before.x * (point.x / before.x) ** part, y: top });
    }
    out.push(point.y > top ? { x: point.x, y: Number.NaN } : point);
  });
  return out;
}

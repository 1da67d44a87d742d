import * as Plot from '@observablehq/plot';
import { OptionError } from '../errors.js';
import { drawChart, guideY, SERIES } from './chart.js';
import { type Point, thin } from './thin.js';

/** Several curves over the same axis, such as the steps of a training. */
export interface Curves {
  title: string;
  /** What the vertical axis shows. */
  axis: string;
  /** What the horizontal axis shows. */
  label: string;
  /** Where there is no value, `y` is NaN. */
  series: readonly { label: string; points: readonly Point[] }[];
  /** Dashed lines across. */
  guides?: readonly { y: number; label: string }[];
  /** Ends of the vertical axis; by default around what is shown. */
  domain?: readonly [number, number];
}

/** Beyond the colors there are, series are told apart by how they are dashed. */
const DASHES = [undefined, '7 3', '2 3'];

/** Draws curves as a standalone SVG on a light background. */
export function curves({ title, axis, label, series, guides = [], domain }: Curves): string {
  if (series.length > SERIES.length * DASHES.length)
    throw new OptionError(`curves: ${series.length} cannot be told apart; draw them in several charts`);
  const shown = series.map((s) => ({
    label: s.label,
    points: thin(
      s.points.map(({ x }) => x),
      s.points.map(({ y }) => y),
    ),
  }));
  const all = shown.flatMap(({ points }) => points);
  const xs = all.map(({ x }) => x);
  const ys = [...all.map(({ y }) => y).filter(Number.isFinite), ...guides.map(({ y }) => y)];
  if (xs.length === 0 || ys.length === 0) throw new OptionError('curves: there is nothing to draw');
  const [first, last] = [xs.reduce((a, b) => Math.min(a, b)), xs.reduce((a, b) => Math.max(a, b))];
  const [low, high] = domain ?? [ys.reduce((a, b) => Math.min(a, b)), ys.reduce((a, b) => Math.max(a, b))];
  const margin = domain ? 0 : 0.06 * (high - low || Math.abs(high) || 1);
  const styled = shown.map((s, i) => ({
    ...s,
    stroke: SERIES[i % SERIES.length],
    dash: DASHES[Math.floor(i / SERIES.length)],
  }));
  return drawChart({
    title,
    axis,
    legend: styled.map((s) => ({ label: s.label, stroke: s.stroke, width: 3, dash: s.dash })),
    x: {
      label,
      domain: [first, last > first ? last : first + 1],
      ticks: Math.max(1, Math.min(6, last - first)),
    },
    y: { domain: [low - margin, high + margin], ticks: 6 },
    marks: [
      ...styled.flatMap(({ points, stroke, dash }) => [
        Plot.line(points, {
          x: 'x',
          y: 'y',
          stroke,
          strokeWidth: 1.6,
          strokeDasharray: dash,
          strokeLinejoin: 'round',
        }),
        ...(points.length === 1 ? [Plot.dot(points, { x: 'x', y: 'y', fill: stroke, r: 3.5 })] : []),
      ]),
      ...guides.flatMap((guide) => guideY(guide.y, guide.label, last > first ? last : first + 1)),
    ],
  });
}

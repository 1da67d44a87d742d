import * as Plot from '@observablehq/plot';
import { OptionError } from '../errors.js';
import { drawChart, WIDTH } from './chart.js';
import { INK, QUIET } from './colors.js';

/** Labels at places, such as words in two dimensions of their vectors. The first ones are the most important. */
export interface LabelMap {
  title: string;
  points: readonly { label: string; x: number; y: number }[];
  /** What the axes show. */
  x?: string;
  y?: string;
}

const [HEIGHT, SIZE] = [640, 12];
/** Room around the plotted area, as `drawChart` leaves it, and within it for labels at its edge. */
const [INNER_WIDTH, INNER_HEIGHT] = [WIDTH - 92, HEIGHT - 150];

/** The map as a standalone SVG. A label that would lie on one before it is a dot. Throws OptionError without points. */
export function labelMap({ title, points, x = '', y = '' }: LabelMap): string {
  const shown = points.filter((point) => Number.isFinite(point.x) && Number.isFinite(point.y));
  if (shown.length === 0) throw new OptionError('a map of labels needs at least one point; it got none');
  const [left, right] = around(shown.map((point) => point.x));
  const [bottom, top] = around(shown.map((point) => point.y));
  const boxes: Box[] = [];
  const [labels, dots]: (typeof shown)[] = [[], []];
  for (const point of shown) {
    const box = {
      x: ((point.x - left) / (right - left)) * INNER_WIDTH,
      y: ((point.y - bottom) / (top - bottom)) * INNER_HEIGHT,
      // Fonts cannot be measured here; a letter of Helvetica is about 0.56 of its size wide.
      width: point.label.length * SIZE * 0.56 + 2,
    };
    const free = boxes.every((other) => !overlap(box, other));
    if (free) boxes.push(box);
    (free ? labels : dots).push(point);
  }
  return drawChart({
    title,
    axis: y,
    legend: [],
    height: HEIGHT,
    x: { label: x, domain: [left, right], ticks: 6 },
    y: { domain: [bottom, top], ticks: 6 },
    marks: [
      Plot.dot(dots, { x: 'x', y: 'y', r: 1.5, fill: QUIET }),
      Plot.text(labels, { x: 'x', y: 'y', text: 'label', fontSize: SIZE, fill: INK }),
    ],
  });
}

interface Box {
  x: number;
  y: number;
  width: number;
}

const overlap = (a: Box, b: Box) =>
  Math.abs(a.y - b.y) < SIZE && Math.abs(a.x - b.x) < (a.width + b.width) / 2;

/** An interval with some room on both sides. */
function around(values: readonly number[]): [number, number] {
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  const room = (high - low) * 0.06 || 1;
  return [low - room, high + room];
}

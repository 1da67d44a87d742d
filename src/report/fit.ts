import type * as Plot from '@observablehq/plot';
import { shorten, textWidth } from './text-width.js';

// Where the ticks of an axis stand is known once a chart is drawn. So it is drawn, looked at, and drawn again with
// fewer ticks or more room until no label lies on another one or outside of the picture.

/** What may change of a chart so that its labels fit. */
export interface Layout {
  readonly x: Plot.ScaleOptions;
  readonly y: Plot.ScaleOptions;
  readonly marginLeft: number;
  readonly marginRight: number;
}

/** Pixels between two labels side by side, and from a label to the axis and to the edge of the picture. */
const [BETWEEN, BESIDE] = [8, 13];
/** How much of a line's height the next label keeps free. */
const LINE = 0.94;
/** Names of fewer pixels than this say nothing. */
const LEAST_NAME = 30;
const MOST_DRAWINGS = 24;

/** The chart as `draw` makes it of the first layout that fits, with the room that it leaves on both sides. */
export function fitted<T extends SVGSVGElement>(
  draw: (layout: Layout) => T,
  wanted: Layout,
  { size, room, width }: { size: number; room: number; width: number },
): { chart: T; marginLeft: number; marginRight: number } {
  const fewer = { x: 0, y: 0 };
  let marginLeft = Math.min(wanted.marginLeft, room);
  let { marginRight } = wanted;
  for (let left = MOST_DRAWINGS; ; left--) {
    const chart = draw({
      x: withFewer(wanted.x, fewer.x),
      y: withFewer(wanted.y, fewer.y),
      marginLeft,
      marginRight,
    });
    const [x, y] = [labelsOf(chart, 'x'), labelsOf(chart, 'y')];
    shortenTo(y, room - BESIDE, size);
    if (wanted.x.type === 'band') shortenTo(x, spacing(x) - BETWEEN, size);
    const needed = BESIDE + y.reduce((wide, label) => Math.max(wide, widthOf(label, size)), 0);
    const beyond = x.reduce((far, label) => Math.max(far, label.x + widthOf(label, size) / 2), 0) + 2 - width;
    const crowded = {
      x: most(x, (label, before) => distance(label, before, size) / (label.x - before.x)),
      y: most(y, (label, before) => (LINE * size * lines(label).length) / (label.y - before.y)),
    };
    const fits = crowded.x <= 1 && crowded.y <= 1 && needed <= marginLeft && beyond <= 0;
    if (fits || left === 0) return { chart, marginLeft, marginRight };
    marginLeft = Math.max(marginLeft, Math.ceil(needed));
    marginRight += Math.ceil(Math.max(0, beyond));
    for (const axis of ['x', 'y'] as const)
      if (crowded[axis] > 1) fewer[axis] = sparser(wanted[axis], fewer[axis], crowded[axis]);
  }
}

/** The largest of what is found of neighbours on an axis. */
function most(labels: readonly Label[], of: (label: Label, before: Label) => number): number {
  return labels.slice(1).reduce((max, label, i) => Math.max(max, of(label, labels[i])), 0);
}

/** The next try: names stand evenly, so that it is known how many of them fit; ticks may find rounder places. */
const sparser = ({ type }: Plot.ScaleOptions, times: number, crowded: number) =>
  type === 'band' ? Math.ceil((times + 1) * crowded) - 1 : times + 1;

interface Label {
  readonly element: Element;
  readonly x: number;
  readonly y: number;
}

/** The labels of an axis in the order in which they stand on it. */
function labelsOf(chart: Element, axis: 'x' | 'y'): Label[] {
  const texts = Array.from(chart.querySelectorAll(`[aria-label="${axis}-axis tick label"] text`));
  return texts
    .map((element) => {
      const [, x, y] = /translate\(([^,]+),([^)]+)\)/.exec(element.getAttribute('transform') ?? '') ?? [];
      return { element, x: Number(x), y: Number(y) };
    })
    .sort((a, b) => a[axis] - b[axis]);
}

/** The elements that have a line of text each. */
function lines({ element }: Label): Element[] {
  const parts = Array.from(element.querySelectorAll('tspan'));
  return parts.length > 0 ? parts : [element];
}

/** What is shown of a line, without the whole of a name that was shortened. */
const said = (line: Element) => line.firstChild?.textContent ?? '';

const widthOf = (label: Label, size: number) =>
  Math.max(...lines(label).map((line) => textWidth(said(line), size)));

const distance = (a: Label, b: Label, size: number) => (widthOf(a, size) + widthOf(b, size)) / 2 + BETWEEN;

const spacing = (labels: readonly Label[]) =>
  labels.reduce((least, { x }, i) => (i > 0 ? Math.min(least, x - labels[i - 1].x) : least), Infinity);

/** Names that are too long are cut in the middle; the whole one is told where a mouse rests. */
function shortenTo(labels: readonly Label[], width: number, size: number): void {
  if (width < LEAST_NAME) return;
  for (const label of labels) {
    for (const line of lines(label)) {
      const text = said(line);
      const short = shorten(text, width, size);
      if (short === text) continue;
      const title = line.ownerDocument.createElementNS('http://www.w3.org/2000/svg', 'title');
      title.textContent = text;
      line.textContent = short;
      line.appendChild(title);
    }
  }
}

/** An axis with fewer ticks, the fewer the larger `times` is. */
function withFewer(scale: Plot.ScaleOptions, times: number): Plot.ScaleOptions {
  if (times === 0) return scale;
  const { ticks = 8, type, domain } = scale;
  if (typeof ticks === 'number' && type !== 'band') return { ...scale, ticks: Math.max(2, ticks - times) };
  const all = Array.from((type === 'band' ? domain : ticks) as Iterable<number>);
  const kept = type === 'log' ? rounder(all, times) : everyNth(all, times + 1);
  return { ...scale, ticks: kept as unknown as number };
}

const everyNth = (all: readonly number[], n: number) => all.filter((_, i) => i % n === 0);

/** Of the ticks of a logarithmic axis those at 1, 2 and 5, then the powers of ten, then some of these. */
function rounder(all: readonly number[], times: number): number[] {
  const of = (digits: string) => all.filter((tick) => digits.includes(tick.toExponential()[0]));
  const steps = [of('125'), of('1')].filter(
    (ticks, i, found) => ticks.length > 1 && ticks.length < (found[i - 1] ?? all).length,
  );
  return steps[times - 1] ?? everyNth(steps.at(-1) ?? all, times - steps.length + 1);
}

import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { forXml } from '../printable.js';
import { INK, QUIET } from './colors.js';
import { escapeText } from './escape.js';
import { fitted, type Layout } from './fit.js';
import { type Note, placeNotes } from './notes.js';
import { shorten, textWidth } from './text-width.js';

/** A chart before it is drawn: marks on two axes, with what stands above them. */
export interface Chart {
  title: string;
  /** What the vertical axis shows; it stands above the axis. */
  axis: string;
  legend: readonly LegendEntry[];
  x: Plot.ScaleOptions;
  y: Plot.ScaleOptions;
  marks: Plot.Markish[];
  /** Labels of lines, written over all marks. */
  notes?: readonly Note[];
  height?: number;
  /** Room for the labels of the vertical axis; more is made where they need it. */
  marginLeft?: number;
}

/** A label beside a short line of this color; no line where the width is 0. */
export interface LegendEntry {
  label: string;
  stroke: string;
  width: number;
}

export const WIDTH = 640;
export const HEIGHT = 430;
const MARGIN = { top: 100, right: 38, bottom: 50, left: 54 };
/** Pixels of a chart beside its plotted area, but for the labels on the left. */
export const AROUND = { across: MARGIN.right, down: MARGIN.top + MARGIN.bottom } as const;
/** Large for a desk, so that it can still be read when a phone shows the chart at half its size. */
export const FONT_SIZE = 15;
export const FONT = 'Helvetica, Arial, sans-serif';

const SVG = 'http://www.w3.org/2000/svg';
const LEGEND_LINE = 24;
/** The line of a legend before its label. */
const LEGEND_MARK = 28;
/** Where the vertical axis is named. */
const AXIS_AT = 84;
/** Of labels that lie on a grid. */
const HALO = { stroke: 'white', 'stroke-width': 5, 'stroke-linejoin': 'round', 'paint-order': 'stroke' };
/** The most that names on the left may take. */
const MOST_LEFT = 0.45 * WIDTH;

/** Draws a chart as a standalone SVG on a light background. */
export function drawChart(wanted: Chart): string {
  const { title, axis, x, y, marks, notes = [], height = HEIGHT, marginLeft = MARGIN.left } = wanted;
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const legend = placeLegend(wanted.legend);
  const extra = LEGEND_LINE * (legend.at(-1)?.line ?? 0);
  const marginTop = MARGIN.top + extra;
  const plot = (layout: Layout) =>
    Plot.plot({
      document: document as unknown as Document,
      width: WIDTH,
      height: height + extra,
      marginTop,
      marginBottom: MARGIN.bottom,
      style: { fontFamily: FONT, fontSize: `${FONT_SIZE}px`, color: INK, background: 'white' },
      marks,
      ...layout,
    }) as unknown as SVGSVGElement & Plot.Plot;
  const { chart, ...margin } = fitted(
    plot,
    {
      x: { labelAnchor: 'center', labelArrow: 'none', labelOffset: 42, ...x },
      y: { label: null, grid: true, ...y },
      marginLeft,
      marginRight: MARGIN.right,
    },
    { size: FONT_SIZE, room: MOST_LEFT, width: WIDTH },
  );
  const add = appender(document as unknown as Document, chart);
  // A bold Helvetica is about 0.56 of its size wide.
  const size = Math.max(10, Math.min(18, (WIDTH - 32) / (title.length * 0.56)));
  add('text', { x: 16, y: 28, fill: INK, 'font-size': size, 'font-weight': 'bold' }, title);
  for (const { label, stroke, width, left, line } of legend) {
    const at = 48 + LEGEND_LINE * line;
    if (width > 0) {
      add('line', { x1: left, x2: left + 22, y1: at, y2: at, stroke, 'stroke-width': width });
    }
    const text = left + (width > 0 ? LEGEND_MARK : 0);
    add('text', { x: text, y: at + 4.5, fill: QUIET, 'font-size': FONT_SIZE }, label);
  }
  add('text', { x: 16, y: AXIS_AT + extra, fill: INK, 'font-size': FONT_SIZE }, axis);
  const frame = {
    left: margin.marginLeft - 3,
    right: WIDTH - margin.marginRight + 3,
    top: marginTop - 20,
    bottom: height + extra - MARGIN.bottom,
  };
  const named = {
    left: 16,
    right: 16 + textWidth(axis, FONT_SIZE),
    top: AXIS_AT + extra - FONT_SIZE,
    bottom: AXIS_AT + extra + 4,
  };
  const [toX, toY] = [toPixels(chart, 'x'), toPixels(chart, 'y')];
  const placed = placeNotes(notes, chart, { x: toX, y: toY, size: FONT_SIZE, frame, taken: [named] });
  for (const { text, color, left, middle } of placed) {
    const at = { x: round(left), y: round(middle + 0.32 * FONT_SIZE) };
    add('text', { ...at, fill: color, 'font-size': FONT_SIZE, ...HALO }, text);
  }
  return standalone(chart, title);
}

const toPixels = (chart: Plot.Plot, axis: 'x' | 'y') => (value: number) =>
  Number(chart.scale(axis)?.apply(value));
const round = (x: number) => Math.round(100 * x) / 100;

/** Entries one beside the other, in as many lines as they need. */
function placeLegend(legend: readonly LegendEntry[]) {
  let left = 16;
  let line = 0;
  return legend.map((entry) => {
    const mark = entry.width > 0 ? LEGEND_MARK : 0;
    const label = shorten(entry.label, WIDTH - 32 - mark, FONT_SIZE);
    // At least 8 pixels from one entry to the next.
    const wide = mark + Math.max(label.length * 7.1, textWidth(label, FONT_SIZE) - 12);
    if (left > 16 && left + wide > WIDTH - 16) {
      left = 16;
      line++;
    }
    const placed = { ...entry, label, left, line };
    left += wide + 20;
    return placed;
  });
}

/** A dashed horizontal line from `first` to `last` on the x axis, and its label. */
export function guideY(y: number, text: string, [first, last]: readonly [number, number]): Guided {
  const place = (x: number, anchor: 'start' | 'middle' | 'end') =>
    [ABOVE, BELOW].map((dy) => ({ x, y, dx: anchor === 'start' ? 4 : 0, dy, anchor }));
  return {
    mark: Plot.ruleY([y], { stroke: QUIET, strokeWidth: 1.4, strokeDasharray: '6 4' }),
    note: {
      text,
      color: QUIET,
      places: [
        ...place(last, 'end'),
        ...place(first, 'start'),
        ...place(first + (last - first) / 2, 'middle'),
      ],
    },
  };
}

/** A line to compare with, and its label. */
export interface Guided {
  mark: Plot.Markish;
  note: Note;
}

/** Pixels from a level line to the middle of its label. */
export const [ABOVE, BELOW] = [-12, 13] as const;

/** A vertical line with its label beside it, at the height `y` of the vertical axis or further down; `dy` moves it from there in pixels. */
export function guideX(
  x: number,
  text: string,
  y: number,
  { stroke = QUIET as string, dashed = true, anchor = 'start' as 'start' | 'end', dy = 12 } = {},
): Guided {
  const other = anchor === 'start' ? ('end' as const) : ('start' as const);
  const places = [dy, dy + 24, dy + 48].flatMap((down) =>
    [anchor, other].map((side) => ({ x, y, dx: side === 'start' ? 6 : -6, dy: down, anchor: side })),
  );
  return {
    mark: Plot.ruleX([x], { stroke, strokeWidth: 1.6, strokeDasharray: dashed ? '6 4' : undefined }),
    note: { text, color: stroke, places },
  };
}

/** A logarithmic axis just around what is shown, with round ticks: 1, 2, 3, 5, 10, 20 and so on. */
export function logAxis(values: readonly number[]): Plot.ScaleOptions {
  const low = values.reduce((a, b) => Math.min(a, b)) / 1.08;
  const high = values.reduce((a, b) => Math.max(a, b)) * 1.08;
  // Over many powers of ten, the powers alone.
  const digits = Math.log10(high / low) > 3 ? [1] : [1, 2, 3, 5];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++) {
    ticks.push(
      ...digits.map((digit) => Number(`${digit}e${power}`)).filter((tick) => tick >= low && tick <= high),
    );
  }
  return { type: 'log', domain: [low, high], ticks: ticks as unknown as number, tickFormat: String };
}

/** Appends elements to a chart: their name, attributes and text, which begins at its x. */
export function appender(document: Document, chart: SVGSVGElement) {
  return (name: string, attributes: Record<string, string | number>, text = '') => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
    if (name === 'text') element.setAttribute('text-anchor', 'start');
    element.textContent = text;
    chart.appendChild(element);
  };
}

/** An SVG that means the same outside of a page: namespace, nothing that needs a style sheet, a label for screen readers. */
export function standalone(chart: SVGSVGElement, title: string): string {
  for (const style of Array.from(chart.querySelectorAll('style'))) style.remove();
  chart.setAttribute('xmlns', SVG);
  chart.setAttribute('role', 'img');
  // Written by hand: linkedom leaves < in attributes, which XML forbids.
  return forXml(chart.outerHTML).replace('<svg ', () => `<svg aria-label="${escapeText(title)}" `);
}

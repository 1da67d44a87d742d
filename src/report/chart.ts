import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { forXml } from '../printable.js';
import { escapeText } from './escape.js';

/** A chart before it is drawn: marks on two axes, with what stands above them. */
export interface Chart {
  title: string;
  /** What the vertical axis shows; it stands above the axis. */
  axis: string;
  legend: readonly LegendEntry[];
  x: Plot.ScaleOptions;
  y: Plot.ScaleOptions;
  marks: Plot.Markish[];
  height?: number;
  /** Room for the labels of the vertical axis. */
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
/** Large for a desk, so that it can still be read when a phone shows the chart at half its size. */
export const FONT_SIZE = 15;
export const FONT = 'Helvetica, Arial, sans-serif';
export const INK = '#1f2933';
export const QUIET = '#5b6673';
/** Colors of series that stand side by side, told apart by color-blind people too. */
export const SERIES = ['#1d5fa8', '#c4501b', '#1b9e8f', '#7a3fa0', '#8a6d3b', '#5b6673'] as const;

/** From white, for a share of 0, to a color. */
export function tint(share: number, color: string): string {
  const parts = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
  const mixed = parts.map((part) => Math.round(255 + share * (part - 255)));
  return `#${mixed.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

const SVG = 'http://www.w3.org/2000/svg';
const LEGEND_LINE = 24;

/** Draws a chart as a standalone SVG on a light background. */
export function drawChart({
  title,
  axis,
  legend,
  x,
  y,
  marks,
  height = HEIGHT,
  marginLeft = MARGIN.left,
}: Chart): string {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const placed = placeLegend(legend);
  const extra = LEGEND_LINE * (placed.at(-1)?.line ?? 0);
  const chart = Plot.plot({
    document: document as unknown as Document,
    width: WIDTH,
    height: height + extra,
    marginTop: MARGIN.top + extra,
    marginRight: MARGIN.right,
    marginBottom: MARGIN.bottom,
    marginLeft,
    style: { fontFamily: FONT, fontSize: `${FONT_SIZE}px`, color: INK, background: 'white' },
    x: { labelAnchor: 'center', labelArrow: 'none', labelOffset: 42, ...x },
    y: { label: null, grid: true, ...y },
    marks,
  }) as unknown as SVGSVGElement;
  const add = appender(document as unknown as Document, chart);
  // Fonts cannot be measured here; a bold Helvetica is about 0.56 of its size wide.
  const size = Math.max(10, Math.min(18, (WIDTH - 32) / (title.length * 0.56)));
  add('text', { x: 16, y: 28, fill: INK, 'font-size': size, 'font-weight': 'bold' }, title);
  for (const { label, stroke, width, left, line } of placed) {
    const at = 48 + LEGEND_LINE * line;
    if (width > 0) {
      add('line', { x1: left, x2: left + 22, y1: at, y2: at, stroke, 'stroke-width': width });
    }
    const text = left + (width > 0 ? 28 : 0);
    add('text', { x: text, y: at + 4.5, fill: QUIET, 'font-size': FONT_SIZE }, label);
  }
  add('text', { x: 16, y: 84 + extra, fill: INK, 'font-size': FONT_SIZE }, axis);
  return standalone(chart, title);
}

/** Entries one beside the other, in as many lines as they need. */
function placeLegend(legend: readonly LegendEntry[]) {
  let left = 16;
  let line = 0;
  return legend.map((entry) => {
    const wide = (entry.width > 0 ? 28 : 0) + entry.label.length * 7.1;
    if (left > 16 && left + wide > WIDTH - 16) {
      left = 16;
      line++;
    }
    const placed = { ...entry, left, line };
    left += wide + 20;
    return placed;
  });
}

/** A dashed horizontal line with its label at the right end, `last` on the x axis. */
export function guideY(y: number, label: string, last: number): Plot.Markish[] {
  return [
    Plot.ruleY([y], { stroke: QUIET, strokeWidth: 1.4, strokeDasharray: '6 4' }),
    Plot.text([{ x: last, y }], {
      x: 'x',
      y: 'y',
      text: () => label,
      textAnchor: 'end',
      dy: -9,
      fill: QUIET,
      stroke: 'white',
      strokeWidth: 5,
    }),
  ];
}

/** A vertical line with its label beside it, at the height `y` of the vertical axis; `dy` moves it from there in pixels. */
export function guideX(
  x: number,
  label: string,
  y: number,
  { stroke = QUIET, dashed = true, anchor = 'start' as 'start' | 'end', dy = 12 } = {},
): Plot.Markish[] {
  return [
    Plot.ruleX([x], { stroke, strokeWidth: 1.6, strokeDasharray: dashed ? '6 4' : undefined }),
    Plot.text([{ x, y }], {
      x: 'x',
      y: 'y',
      text: () => label,
      textAnchor: anchor,
      dx: anchor === 'start' ? 6 : -6,
      dy,
      fill: stroke,
      stroke: 'white',
      strokeWidth: 5,
    }),
  ];
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

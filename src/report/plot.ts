import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { OptionError } from '../errors.js';
import { escapeText } from './escape.js';
import { type Point, thin } from './thin.js';

/** What a loss curve shows. All lists are as long as `steps`. */
export interface LossCurve {
  title: string;
  steps: ArrayLike<number>;
  /** The loss of each step's own batch, drawn faint. */
  losses: ArrayLike<number>;
  /** The same, averaged (`smooth`), drawn strong. */
  smoothed?: ArrayLike<number>;
  /** Losses on the words that are not trained on. */
  dev?: readonly { step: number; loss: number }[];
  /** The loss of a simpler model, a dashed line. */
  baseline: { value: number; label: string };
}

const WIDTH = 640;
const HEIGHT = 430;
const MARGIN = { top: 100, right: 38, bottom: 50, left: 54 };
/** Large for a desk, so that it can still be read when a phone shows the plot at half its size. */
const FONT_SIZE = 15;
export const FONT = 'Helvetica, Arial, sans-serif';
export const INK = '#1f2933';
export const QUIET = '#5b6673';
const RAW = '#b7cfea';
const SMOOTHED = '#1d5fa8';
const DEV = '#c4501b';
const SVG = 'http://www.w3.org/2000/svg';
/** A few early losses this many times above the typical one would flatten all the rest on a linear axis. */
const LOG_FROM = 4;

/** The loss over the steps as a standalone SVG on a light background. Long series are thinned, extremes kept. */
export function lossCurve(curve: LossCurve): string {
  const { steps, losses, smoothed, dev = [], baseline, title } = curve;
  checkLengths(curve);
  const raw = thin(steps, losses);
  const average = smoothed ? thin(steps, smoothed) : [];
  const held = thin(
    dev.map(({ step }) => step),
    dev.map(({ loss }) => loss),
    400,
  );
  const shown = [...raw, ...average, ...held].filter(({ y }) => Number.isFinite(y));
  const log = !(baseline.value <= 0) && wantsLog(shown, losses);
  const gaps = Array.from(losses).filter((loss) => !Number.isFinite(loss)).length;

  const last = held.reduce((x, point) => Math.max(x, point.x), steps[steps.length - 1]);
  const earliest = held.reduce((x, point) => Math.min(x, point.x), steps[0]);
  const first = earliest < last / 20 || steps.length === 1 ? 0 : earliest;

  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const line = (data: Point[], stroke: string, strokeWidth: number) =>
    Plot.line(data, { x: 'x', y: 'y', stroke, strokeWidth, strokeLinejoin: 'round' });
  const dots = (data: Point[], fill: string, r: number) =>
    Plot.dot(data, { x: 'x', y: 'y', fill, r, stroke: 'white', strokeWidth: 0.75 });
  const marks: Plot.Markish[] = [line(raw, smoothed ? RAW : SMOOTHED, smoothed ? 0.8 : 1.2)];
  if (raw.length === 1) marks.push(dots(raw, SMOOTHED, 3.5));
  if (average.length > 0) marks.push(line(average, 'white', 4.5), line(average, SMOOTHED, 2.2));
  if (held.length > 0) marks.push(line(held, DEV, 1.4));
  if (held.length > 0 && held.length <= 60) marks.push(dots(held, DEV, 3.5));
  if (Number.isFinite(baseline.value)) marks.push(...baselineMarks(baseline, last));

  const chart = Plot.plot({
    document: document as unknown as Document,
    width: WIDTH,
    height: HEIGHT,
    marginTop: MARGIN.top,
    marginRight: MARGIN.right,
    marginBottom: MARGIN.bottom,
    marginLeft: MARGIN.left,
    style: { fontFamily: FONT, fontSize: `${FONT_SIZE}px`, color: INK, background: 'white' },
    x: {
      label: 'step',
      labelAnchor: 'center',
      labelArrow: 'none',
      labelOffset: 42,
      domain: [first, last],
      // Never more ticks than steps, so that none stands between two.
      ticks: Math.min(6, last - first),
    },
    y: { label: null, grid: true, ...(log ? logAxis(shown, baseline.value) : { nice: true, ticks: 6 }) },
    marks,
  }) as unknown as SVGSVGElement;

  const legend: [string, string, number][] = [
    [smoothed ? 'each step' : 'training loss', smoothed ? RAW : SMOOTHED, 2],
  ];
  if (average.length > 0) legend.push(['training, smoothed', SMOOTHED, 3]);
  if (held.length > 0) legend.push(['dev', DEV, 3]);
  if (gaps > 0) legend.push([`${gaps} not finite, not drawn`, 'none', 0]);
  addHeading(document as unknown as Document, chart, title, log ? 'loss (log scale)' : 'loss', legend);
  return standalone(chart, title);
}

function checkLengths({ steps, losses, smoothed }: LossCurve): void {
  if (steps.length === 0) throw new OptionError('a loss curve needs at least one step; it got none');
  for (const [name, values] of Object.entries({ losses, smoothed })) {
    if (values && values.length !== steps.length) {
      throw new OptionError(
        `a loss curve needs one value a step; it got ${steps.length} steps and ${values.length} ${name}`,
      );
    }
  }
}

/** Whether early losses tower so high above the typical one that a linear axis would hide the rest. */
function wantsLog(shown: Point[], losses: ArrayLike<number>): boolean {
  const sorted = Float64Array.from(Array.from(losses).filter(Number.isFinite)).sort();
  const typical = sorted[sorted.length >> 1];
  return shown.every(({ y }) => y > 0) && sorted[sorted.length - 1] > LOG_FROM * typical;
}

/** A logarithmic axis just around what is shown, with round ticks: 1, 2, 3, 5, 10, 20 and so on. */
function logAxis(shown: Point[], baseline: number): Plot.ScaleOptions {
  const ys = shown.map(({ y }) => y);
  if (baseline > 0 && Number.isFinite(baseline)) ys.push(baseline);
  const low = ys.reduce((a, b) => Math.min(a, b)) / 1.08;
  const high = ys.reduce((a, b) => Math.max(a, b)) * 1.08;
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++) {
    ticks.push(
      ...[1, 2, 3, 5]
        .map((digit) => Number(`${digit}e${power}`))
        .filter((tick) => tick >= low && tick <= high),
    );
  }
  return { type: 'log', domain: [low, high], ticks: ticks as unknown as number, tickFormat: String };
}

function baselineMarks(baseline: LossCurve['baseline'], last: number): Plot.Markish[] {
  return [
    Plot.ruleY([baseline.value], { stroke: QUIET, strokeWidth: 1.4, strokeDasharray: '6 4' }),
    Plot.text([{ x: last, y: baseline.value }], {
      x: 'x',
      y: 'y',
      text: () => baseline.label,
      textAnchor: 'end',
      dy: -9,
      fill: QUIET,
      stroke: 'white',
      strokeWidth: 5,
    }),
  ];
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

function addHeading(
  document: Document,
  chart: SVGSVGElement,
  title: string,
  axis: string,
  legend: [string, string, number][],
): void {
  const add = appender(document, chart);
  // Fonts cannot be measured here; a bold Helvetica is about 0.56 of its size wide.
  const size = Math.max(10, Math.min(18, (WIDTH - 32) / (title.length * 0.56)));
  add('text', { x: 16, y: 28, fill: INK, 'font-size': size, 'font-weight': 'bold' }, title);
  let x = 16;
  for (const [label, stroke, width] of legend) {
    if (width > 0) {
      add('line', { x1: x, x2: x + 22, y1: 48, y2: 48, stroke, 'stroke-width': width });
      x += 28;
    }
    add('text', { x, y: 52.5, fill: QUIET, 'font-size': FONT_SIZE }, label);
    x += label.length * 7.1 + 20;
  }
  add('text', { x: 16, y: 84, fill: INK, 'font-size': FONT_SIZE }, axis);
}

/** An SVG that means the same outside of a page: namespace, nothing that needs a style sheet, a label for screen readers. */
export function standalone(chart: SVGSVGElement, title: string): string {
  for (const style of Array.from(chart.querySelectorAll('style'))) style.remove();
  chart.setAttribute('xmlns', SVG);
  chart.setAttribute('role', 'img');
  // Written by hand: linkedom leaves < in attributes, which XML forbids.
  return chart.outerHTML.replace('<svg ', () => `<svg aria-label="${escapeText(title)}" `);
}

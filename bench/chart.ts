import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { appender, FONT, standalone } from '../src/report/chart.js';
import { INK, QUIET } from '../src/report/colors.js';
import type { Row } from './results.js';
import { percent } from './table.js';

const WIDTH = 760;
const ROW = 34;
const BOTTOM = 52;
const FONT_SIZE = 15;

interface Style {
  label: string;
  color: string;
  symbol: 'circle' | 'square' | 'triangle' | 'diamond2';
}

function styleOf({ engine, threads }: Row): Style {
  const others: Record<string, string> = {
    'jax-js': '#d1731b',
    tfjs: '#b5413b',
    onnxruntime: '#8a6d3b',
    torch: '#7a3fa0',
  };
  if (engine === 'tape') return { label: 'tape', color: '#8b95a1', symbol: 'circle' };
  if (engine === 'compiled-wide') {
    const label = `compiled, wide${threads > 1 ? `, ${threads} threads` : ''}`;
    return { label, color: '#4a90d9', symbol: threads > 1 ? 'diamond2' : 'triangle' };
  }
  if (engine === 'compiled-without') {
    const label = `compiled, without${threads > 1 ? `, ${threads} threads` : ''}`;
    return { label, color: '#6c7a2c', symbol: threads > 1 ? 'diamond2' : 'triangle' };
  }
  if (engine === 'compiled-relaxed')
    return { label: 'compiled, relaxed', color: '#1b9e8f', symbol: 'circle' };
  if (engine !== 'compiled') return { label: engine, color: others[engine] ?? INK, symbol: 'square' };
  return threads === 1
    ? { label: 'compiled', color: '#1d5fa8', symbol: 'circle' }
    : { label: `compiled, ${threads} threads`, color: '#12305c', symbol: 'diamond2' };
}

export interface Dots {
  title: string;
  axis: string;
  /** Log scale around 1, or a share from 0 to 1. */
  scale: 'times' | 'share';
  value: (row: Row, all: readonly Row[]) => number | null;
}

/** A row for each workload, a dot for each engine. */
export function dots(results: readonly Row[], { title, axis, scale, value }: Dots): string {
  const workloads = [...new Set(results.map((row) => row.workload))];
  const points = results.flatMap((row) => {
    const x = value(
      row,
      results.filter((r) => r.workload === row.workload),
    );
    return x === null ? [] : [{ x, y: row.workload, ...styleOf(row) }];
  });
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const styles = [...new Map(points.map(({ x: _, y: __, ...style }) => [style.label, style])).values()];
  const legend = placeLegend(styles);
  const top = legend.bottom + 22;
  const xs = points.map((p) => p.x);
  const x = scale === 'times' ? timesAxis(xs) : shareAxis(xs);
  const chart = Plot.plot({
    document: document as unknown as Document,
    width: WIDTH,
    height: top + BOTTOM + ROW * workloads.length,
    marginTop: top,
    marginBottom: BOTTOM,
    marginLeft: Math.max(128, 20 + Math.max(...workloads.map(({ length }) => length)) * FONT_SIZE * 0.55),
    marginRight: 30,
    style: { fontFamily: FONT, fontSize: `${FONT_SIZE}px`, color: INK, background: 'white' },
    x: { ...x.scale, axis: null },
    y: { type: 'point', domain: workloads, label: null, padding: 0.6, tickSize: 0 },
    marks: [
      Plot.gridX(x.ticks, { stroke: INK, strokeOpacity: 0.1 }),
      Plot.axisX(x.ticks, {
        text: x.label,
        label: axis,
        labelAnchor: 'center',
        labelArrow: 'none',
        labelOffset: 44,
      }),
      Plot.ruleX([1], { stroke: QUIET, strokeWidth: 1.2, strokeDasharray: '5 4' }),
      Plot.ruleY(
        points,
        Plot.groupY(
          { x1: 'min', x2: 'max' },
          { x1: 'x', x2: 'x', y: 'y', stroke: '#cfd6de', strokeWidth: 2 },
        ),
      ),
      Plot.dot(points, {
        x: 'x',
        y: 'y',
        fill: 'color',
        symbol: 'symbol',
        r: 5.5,
        stroke: 'white',
        strokeWidth: 1,
      }),
    ],
    color: { type: 'identity' },
    symbol: { type: 'identity' },
  }) as unknown as SVGSVGElement;
  addHeading(document as unknown as Document, chart, title, legend.places);
  return standalone(chart, title);
}

interface Axis {
  scale: Plot.ScaleOptions;
  ticks: number[];
  label: (tick: number) => string;
}

/** Around what is shown, with ticks at 1, 2, 5, 10 and so on. */
function timesAxis(xs: readonly number[]): Axis {
  const domain = [Math.min(...xs) / 1.15, Math.max(...xs) * 1.15];
  const powers = Array.from({ length: 25 }, (_, i) => i - 12);
  const ticks = powers
    .flatMap((power) => [1, 2, 5].map((digit) => Number(`${digit}e${power}`)))
    .filter((tick) => domain[0] <= tick && tick <= domain[1]);
  return { scale: { type: 'log', domain }, ticks, label: String };
}

/** From nothing to all there is, or to more if noise has made it that. */
function shareAxis(xs: readonly number[]): Axis {
  const ticks = Array.from({ length: 6 }, (_, i) => i / 5);
  return { scale: { domain: [0, Math.max(1, ...xs)] }, ticks, label: percent };
}

interface Place extends Style {
  x: number;
  y: number;
}

/** The legend's entries in lines as wide as the chart. */
function placeLegend(styles: readonly Style[]): { places: Place[]; bottom: number } {
  let [x, y] = [22, 56];
  const places = styles.map((style) => {
    // Fonts cannot be measured here; Helvetica is about half of its size wide.
    const width = 34 + style.label.length * FONT_SIZE * 0.5;
    if (x + width > WIDTH) [x, y] = [22, y + 24];
    x += width;
    return { ...style, x: x - width, y };
  });
  return { places, bottom: y };
}

function addHeading(document: Document, chart: SVGSVGElement, title: string, legend: readonly Place[]): void {
  const add = appender(document, chart);
  add('text', { x: 16, y: 28, fill: INK, 'font-size': 18, 'font-weight': 'bold' }, title);
  for (const { label, color, symbol, x, y } of legend) {
    if (symbol === 'circle') add('circle', { cx: x, cy: y - 5, r: 5.5, fill: color });
    else if (symbol === 'square') add('rect', { x: x - 5, y: y - 10, width: 10, height: 10, fill: color });
    else add('path', { d: `M${x},${y - 12}l7,7l-7,7l-7,-7z`, fill: color });
    add('text', { x: x + 11, y, fill: QUIET, 'font-size': FONT_SIZE }, label);
  }
}

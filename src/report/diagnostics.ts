import type { Diagnostics, DiagnosticsRecord, Spread } from '../train/diagnostics.js';
import { SERIES } from './colors.js';
import { histogram } from './histogram.js';
import { lineChart, type Series } from './lines.js';
import type { Section } from './page.js';
import { tableHtml } from './table.js';
import type { Point } from './thin.js';

/** Where the step of a parameter is about a thousandth of it. */
const HEALTHY = -3;
/** As many as there are colors. */
const MOST_CURVES = SERIES.length;
const MOST_ROWS = 16;

/** The pictures and numbers of a training's diagnostics, as sections of a page. */
export function diagnosticsSections({ records }: Diagnostics): Section[] {
  const last = records.at(-1);
  if (!last) return [];
  const when = `step ${(last.at + 1).toLocaleString('en-US')}`;
  const sections: Section[] = [
    ...rows(
      `Activations, ${when}`,
      'value',
      last.layers.map((l) => [l.name, l.activation]),
    ),
    ...rows(
      `Gradients of the activations, ${when}`,
      'gradient',
      last.layers.map((l) => [l.name, l.gradient]),
    ),
    ...rows(
      `Gradients of the weights, ${when}`,
      'gradient',
      matrices(last).map((p) => [p.name, p.gradient]),
    ),
    ...overTime(records, 'Update to data', 'log10(std(update) / std(data))', (p) => p.updateToData, [
      { y: HEALTHY, label: 'about right: 1e-3' },
    ]),
    ...overTime(records, 'Gradient to data', 'log10(std(gradient) / std(data))', (p) => p.gradientToData),
    ...stuck(records),
  ];
  return [...sections, { heading: `Layers and parameters, ${when}`, html: tables(last) }];
}

const matrices = ({ parameters }: DiagnosticsRecord) => parameters.filter(({ shape }) => shape.length > 1);

/** Distributions in rows on one axis, wide enough for most of each. */
function rows(title: string, label: string, named: readonly (readonly [string, Spread | null])[]): Section[] {
  const shown = named.flatMap(([name, spread]) =>
    spread && spread.high > spread.low ? [{ name, spread }] : [],
  );
  if (shown.length === 0) return [];
  const some = shown.slice(0, MOST_ROWS);
  // Three standard deviations of the widest, and no further than the values go.
  const reach = some.reduce((most, { spread: s }) => {
    const far = Math.max(Math.abs(s.low), Math.abs(s.high));
    return Math.max(most, Math.min(far, Math.abs(s.mean) + 3 * s.std));
  }, 0);
  const domain = [-reach, reach] as const;
  const left = shown.length - some.length;
  const svg = histogram({
    title,
    label,
    layout: 'rows',
    domain,
    series: some.map(({ name, spread }) => ({ label: name, ...rebin(spread, domain, BINS) })),
  });
  return [{ heading: left > 0 ? `${title} (${left} more are in the table)` : title, svg }];
}

const BINS = 60;

/** Counts on another axis: each bin is shared among those that it overlaps. */
export function rebin(
  { low, high, counts, notFinite }: Spread,
  domain: readonly [number, number],
  bins: number,
): { counts: number[]; outside: number } {
  const out = new Array<number>(bins).fill(0);
  const width = (high - low) / counts.length;
  const step = (domain[1] - domain[0]) / bins;
  let inside = 0;
  counts.forEach((count, i) => {
    const from = (low + i * width - domain[0]) / step;
    const to = from + width / step;
    for (let bin = Math.max(0, Math.floor(from)); bin < Math.min(bins, Math.ceil(to)); bin++) {
      const share = (count * (Math.min(bin + 1, to) - Math.max(bin, from))) / (to - from);
      out[bin] += share;
      inside += share;
    }
  });
  const total = counts.reduce((a, b) => a + b, 0);
  return { counts: out, outside: Math.round(total - inside) + notFinite };
}

/** One curve for each parameter: the weights, then biases and gains, whose ratios mean less. */
function overTime(
  records: readonly DiagnosticsRecord[],
  title: string,
  axis: string,
  value: (parameter: DiagnosticsRecord['parameters'][number]) => number | null,
  guides: readonly { y: number; label: string }[] = [],
): Section[] {
  const all = records[0].parameters.map(({ name, shape }, i) => ({
    matrix: shape.length > 1,
    label: name,
    points: points(records, (record) => value(record.parameters[i])),
  }));
  return [true, false].flatMap((matrix) =>
    chart(
      `${title}: ${matrix ? 'weights' : 'biases and gains'}`,
      axis,
      all.filter((s) => s.matrix === matrix),
      guides,
    ),
  );
}

/** Shares of saturated elements and dead units, of the layers that have them. */
function stuck(records: readonly DiagnosticsRecord[]): Section[] {
  const percent = (share: number | null) => (share === null ? null : 100 * share);
  const series = records[0].layers.flatMap(({ name, saturated, dead }, i) => [
    ...(saturated === null
      ? []
      : [{ label: `${name}: saturated`, points: points(records, (r) => percent(r.layers[i].saturated)) }]),
    ...(dead === null
      ? []
      : [{ label: `${name}: dead units`, points: points(records, (r) => percent(r.layers[i].dead)) }]),
  ]);
  const most = series.flatMap((s) => s.points).reduce((a, { y }) => (y > a ? y : a), 0);
  return chart(
    'Saturated and dead',
    'percent',
    series,
    [],
    [0, Math.min(100, 10 * Math.ceil((most + 5) / 10))],
  );
}

function chart(
  title: string,
  axis: string,
  series: readonly Series[],
  guides: readonly { y: number; label: string }[],
  range?: readonly [number, number],
): Section[] {
  const drawn = series.filter((s) => s.points.some(({ y }) => Number.isFinite(y)));
  const charts: Section[] = [];
  for (let i = 0; i < drawn.length; i += MOST_CURVES) {
    const heading = drawn.length > MOST_CURVES ? `${title}, ${i / MOST_CURVES + 1}` : title;
    const some = drawn.slice(i, i + MOST_CURVES);
    const steps = some[0].points.map(({ x }) => x);
    const svg = lineChart({
      title: heading,
      x: 'step',
      y: axis,
      series: some,
      // From the last step back, so that the label stands there if it can.
      guides: guides.map(({ y, label }) => ({ label, points: steps.map((x) => ({ x, y })).reverse() })),
      range: range ?? around([...some.flatMap((s) => s.points), ...guides].map(({ y }) => y)),
    });
    charts.push({ heading, svg });
  }
  return charts;
}

/** A range that holds all finite values, with some room. */
function around(values: readonly number[]): [number, number] {
  const finite = values.filter(Number.isFinite);
  const low = finite.reduce((a, b) => Math.min(a, b));
  const high = finite.reduce((a, b) => Math.max(a, b));
  const room = 0.06 * (high - low || 1);
  return [low - room, high + room];
}

function points(
  records: readonly DiagnosticsRecord[],
  value: (record: DiagnosticsRecord) => number | null,
): Point[] {
  return records.map((record) => ({ x: record.at + 1, y: value(record) ?? Number.NaN }));
}

function tables({ layers, parameters }: DiagnosticsRecord): string {
  const percent = (share: number | null) => (share === null ? '' : `${(100 * share).toFixed(1)} %`);
  const number = (x: number | undefined) => (x === undefined ? '' : x.toPrecision(3));
  const fixed = (x: number | null) => (x === null ? '' : x.toFixed(2));
  return [
    tableHtml(
      ['layer', 'made by', 'mean', 'std', 'gradient std', 'saturated', 'dead units'],
      layers.map((l) => [
        ...[l.name, l.op, number(l.activation.mean), number(l.activation.std), number(l.gradient?.std)],
        ...[percent(l.saturated), percent(l.dead)],
      ]),
    ),
    '<p></p>',
    tableHtml(
      [
        'parameter',
        'shape',
        'std',
        'gradient std',
        'update std',
        'log10 gradient / data',
        'log10 update / data',
      ],
      parameters.map((p) => [
        ...[
          p.name,
          p.shape.join('\u00a0x\u00a0'),
          number(p.data.std),
          number(p.gradient?.std),
          number(p.update.std),
        ],
        ...[fixed(p.gradientToData), fixed(p.updateToData)],
      ]),
    ),
  ].join('\n');
}

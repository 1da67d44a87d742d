import * as Plot from '@observablehq/plot';
import { OptionError } from '../errors.js';
import { drawChart, guideY, type LegendEntry, logAxis } from './chart.js';
import { SERIES } from './colors.js';
import { type Point, thin } from './thin.js';

/** What a loss curve shows. All lists are as long as `steps`. */
export interface LossCurve {
  title: string;
  steps: ArrayLike<number>;
  /** The loss of each step's own batch, drawn faint. */
  losses: ArrayLike<number>;
  /** The same, averaged (`smooth`), drawn strong. */
  smoothed?: ArrayLike<number>;
  /** Losses on what is not trained on. */
  dev?: readonly { step: number; loss: number }[];
  /** What these are called; `dev` unless given. */
  devLabel?: string;
  /** The loss of a simpler model, a dashed line. */
  baseline?: { value: number; label: string };
  /** What the losses are called; `loss` unless given. */
  axis?: string;
}

const RAW = '#b7cfea';
const [SMOOTHED, DEV] = SERIES;
/** A few early losses this many times above the typical one would flatten all the rest on a linear axis. */
const LOG_FROM = 4;

/** The loss over the steps as a standalone SVG on a light background. Long series are thinned, extremes kept. */
export function lossCurve(curve: LossCurve): string {
  const { steps, losses, smoothed, dev = [], devLabel = 'dev', baseline, title, axis = 'loss' } = curve;
  checkLengths(curve);
  const raw = thin(steps, losses);
  const average = smoothed ? thin(steps, smoothed) : [];
  const held = thin(
    dev.map(({ step }) => step),
    dev.map(({ loss }) => loss),
    400,
  );
  const shown = [...raw, ...average, ...held].filter(({ y }) => Number.isFinite(y));
  const log = !(baseline && baseline.value <= 0) && wantsLog(shown, losses);
  const gaps = Array.from(losses).filter((loss) => !Number.isFinite(loss)).length;

  const last = held.reduce((x, point) => Math.max(x, point.x), steps[steps.length - 1]);
  const earliest = held.reduce((x, point) => Math.min(x, point.x), steps[0]);
  const first = earliest < last / 20 || steps.length === 1 ? 0 : earliest;

  const line = (data: Point[], stroke: string, strokeWidth: number) =>
    Plot.line(data, { x: 'x', y: 'y', stroke, strokeWidth, strokeLinejoin: 'round' });
  const dots = (data: Point[], fill: string, r: number) =>
    Plot.dot(data, { x: 'x', y: 'y', fill, r, stroke: 'white', strokeWidth: 0.75 });
  const marks: Plot.Markish[] = [line(raw, smoothed ? RAW : SMOOTHED, smoothed ? 0.8 : 1.2)];
  if (raw.length === 1) marks.push(dots(raw, SMOOTHED, 3.5));
  if (average.length > 0) marks.push(line(average, 'white', 4.5), line(average, SMOOTHED, 2.2));
  if (held.length > 0) marks.push(line(held, DEV, 1.4));
  if (held.length > 0 && held.length <= 60) marks.push(dots(held, DEV, 3.5));
  const guide =
    baseline && Number.isFinite(baseline.value)
      ? guideY(baseline.value, baseline.label, [first, last])
      : undefined;
  if (guide) marks.push(guide.mark);

  const legend: LegendEntry[] = [
    smoothed
      ? { label: 'each step', stroke: RAW, width: 2 }
      : { label: 'training loss', stroke: SMOOTHED, width: 2 },
  ];
  if (average.length > 0) legend.push({ label: 'training, smoothed', stroke: SMOOTHED, width: 3 });
  if (held.length > 0) legend.push({ label: devLabel, stroke: DEV, width: 3 });
  if (gaps > 0) legend.push({ label: `${gaps} not finite, not drawn`, stroke: 'none', width: 0 });
  const ys = shown.map(({ y }) => y);
  if (baseline && baseline.value > 0 && Number.isFinite(baseline.value)) ys.push(baseline.value);
  return drawChart({
    title,
    axis: log ? `${axis} (log scale)` : axis,
    legend,
    // Never more ticks than steps, so that none stands between two.
    x: { label: 'step', domain: [first, last], ticks: Math.min(6, last - first) },
    y: log ? logAxis(ys) : { nice: true, ticks: 6 },
    marks,
    notes: guide ? [guide.note] : [],
  });
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

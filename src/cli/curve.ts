import { DataError } from '../errors.js';

/** The losses so far, of the steps and on what is held out. */
export interface Curve {
  /** Of every step, or means of `span` of them each; NaN where they are lost. */
  train: number[];
  dev: { step: number; loss: number }[];
  /** 1 unless given. */
  span?: number;
  /** Losses of the steps behind the last whole span. */
  rest?: number[];
}

/** Longer runs keep means of several steps: one number for each would take more room than the model. */
const MOST_POINTS = 1_000_000;

export function emptyCurve(steps: number): Curve {
  const span = Math.max(1, Math.ceil(steps / MOST_POINTS));
  return { train: [], dev: [], ...(span > 1 && { span, rest: [] }) };
}

/** Adds the loss of the next step. */
export function addLoss(curve: Curve, loss: number): void {
  const { span = 1, rest = [], train } = curve;
  if (span === 1) train.push(loss);
  else if (rest.push(loss) === span) train.push(rest.splice(0).reduce((a, b) => a + b, 0) / span);
  if (span > 1) curve.rest = rest;
}

/** Makes the curve as long as the run, after a step back or a loss of losses. */
export function trimCurve(curve: Curve, at: number): void {
  const { span = 1, rest = [], train } = curve;
  const whole = Math.floor(at / span);
  // Of a span that was left whole the losses of its steps are not known any more.
  const known = train.length === whole ? rest : [];
  while (train.length < whole) train.push(Number.NaN);
  train.length = whole;
  if (span > 1) curve.rest = Array.from({ length: at % span }, (_, i) => known[i] ?? Number.NaN);
  curve.dev = curve.dev.filter(({ step }) => step <= at);
}

export function formatCurve({ train, dev, span = 1, rest = [] }: Curve): string {
  const short = (loss: number) => (Number.isFinite(loss) ? Number(loss.toPrecision(6)) : null);
  // A thousand a line: an editor would choke on one line of all of them.
  const rows: string[] = [];
  for (let i = 0; i < train.length; i += 1000) {
    rows.push(JSON.stringify(train.slice(i, i + 1000).map(short)).slice(1, -1));
  }
  // Whole, so that their mean does not depend on when the run was stopped.
  const spans = span > 1 ? `"span":${span},"rest":${JSON.stringify(rest)},\n` : '';
  return `{${spans}"dev":${JSON.stringify(dev.map(({ step, loss }) => [step, short(loss)]))},\n"train":[${rows.join(',\n')}]}\n`;
}

/** The losses of the first `at` steps from what `formatCurve` wrote. Throws DataError. */
export function curveFrom(json: Record<string, unknown>, at: number): Curve {
  const { train = [], dev = [], span = 1, rest = [] } = json;
  const isLoss = (loss: unknown) => loss === null || typeof loss === 'number';
  const areLosses = (list: unknown): list is (number | null)[] => Array.isArray(list) && list.every(isLoss);
  const isPoint = (point: unknown) => Array.isArray(point) && Number.isInteger(point[0]) && isLoss(point[1]);
  const isSpan = Number.isSafeInteger(span) && (span as number) >= 1;
  if (!areLosses(train) || !areLosses(rest) || !isSpan || !Array.isArray(dev) || !dev.every(isPoint))
    throw new DataError('does not hold losses');
  const numbers = (list: (number | null)[]) => list.map((loss) => loss ?? Number.NaN);
  const curve: Curve = { train: numbers(train), dev: [] };
  if ((span as number) > 1) Object.assign(curve, { span, rest: numbers(rest) });
  for (const [step, loss] of dev) if (step <= at) curve.dev.push({ step, loss: loss ?? Number.NaN });
  trimCurve(curve, at);
  return curve;
}

import { writeInFolder } from '../../data/files.js';
import { lineChart } from '../../report/lines.js';
import { reportPage, type Section } from '../../report/page.js';
import { parallelCoordinates } from '../../report/parallel.js';
import { tableHtml } from '../../report/table.js';
import { smooth } from '../../smooth.js';
import { REPORT } from '../folder.js';
import { lossText, plural } from '../output.js';
import { countsOf, measuresIn, type Row, ranked, scoreOf } from './board.js';
import { configurationText } from './show.js';
import { spaceFrom } from './space.js';
import type { Told } from './summary.js';

/** Rows of the table, lines that are drawn strong, and curves, of the best. */
const [MOST_ROWS, STRONG, CURVES] = [20, 5, 6];
const MOST_FAILED = 50;

/** Writes report.html of a sweep. `command`: that of its best configuration. */
export async function writeSweepReport(folder: string, told: Told & { command?: string }): Promise<void> {
  const { kind, plan, course, rows, command } = told;
  const { judge } = plan;
  const { done, failed, waiting } = countsOf(rows);
  const sorted = ranked(rows, judge).filter((row) => scoreOf(row, judge) !== null);
  const summary: [string, string][] = [
    ...(sorted.length > 0
      ? [[`best ${judge.metric}`, lossText(scoreOf(sorted[0], judge)!)] as [string, string]]
      : []),
    ['configurations', String(rows.length)],
    ['done', String(done)],
    ['failed', String(failed)],
    ...(waiting > 0 ? [['missing', String(waiting)] as [string, string]] : []),
    ['strategy', plan.strategy],
    ...(plan.strategy === 'grid' ? [] : [['seed', String(plan.seed)] as [string, string]]),
  ];
  const sections = [
    ...parallelSection(told, sorted),
    ...bestSection(told, sorted),
    ...curveSection(told, sorted),
    ...failedSection(told),
    ...(command ? [{ heading: 'The command for the best, to the same bits', pre: command }] : []),
    { heading: 'The space', pre: JSON.stringify(plan.space, null, 2) },
  ];
  const title = `${kind.title}: a sweep of ${plural(course.configurations.length, 'configuration')}`;
  await writeInFolder(folder, REPORT, reportPage({ title, summary, sections }));
}

function parallelSection({ plan, course, kind }: Told, sorted: readonly Row[]): Section[] {
  const { varied } = course;
  if (varied.length === 0 || sorted.length < 2) return [];
  const space = spaceFrom(plan.space, kind, 'the space');
  const axes = varied.map((name) => {
    const domain = space.get(name)!;
    const values = sorted.map(({ configuration }) => configuration[name] ?? 'none');
    const log = 'range' in domain ? domain.range.log : isGeometric(values);
    return { label: name, values: values.map((x) => (typeof x === 'boolean' ? String(x) : x)), log };
  });
  const scores = sorted.map((row) => scoreOf(row, plan.judge)!);
  const strong = Math.min(STRONG, sorted.length);
  const svg = parallelCoordinates({
    title: `${plural(sorted.length, 'configuration')} and their ${plan.judge.metric}`,
    axes: [...axes, { label: plan.judge.metric, values: scores, log: isGeometric(scores) }],
    strong,
    strongLabel: strong > 1 ? `the best ${strong}` : 'the best',
    otherLabel: 'the others',
  });
  return [{ heading: 'Settings and what they led to', svg }];
}

/** Whether values of a list, as 0.01, 0.1, 1, stand apart by factors. */
function isGeometric(values: readonly unknown[]): boolean {
  const numbers = values.filter((x) => typeof x === 'number');
  const [low, high] = [
    numbers.reduce((a, b) => Math.min(a, b), Infinity),
    numbers.reduce((a, b) => Math.max(a, b), 0),
  ];
  return low > 0 && high / low >= 50;
}

function bestSection({ plan, course }: Told, sorted: readonly Row[]): Section[] {
  if (sorted.length === 0) return [];
  const shown = sorted.slice(0, MOST_ROWS);
  const measured = measuresIn(shown);
  const several = course.rounds.length > 1;
  const head = [
    ...['', ...course.varied, ...(several ? ['round'] : [])],
    ...measured.map(([part, metric]) => `${metric}, ${part}`),
    'in trials/',
  ];
  const rows = shown.map((row, i) => [
    String(i + 1),
    ...course.varied.map((name) => String(row.configuration[name])),
    ...(several ? [String(row.round + 1)] : []),
    ...measured.map(([part, metric]) => numberText(row.outcome?.measured?.[part]?.[metric])),
    row.name.slice(0, 8),
  ]);
  const heading =
    sorted.length > MOST_ROWS
      ? `The best ${MOST_ROWS} by ${plan.judge.metric}`
      : `All by ${plan.judge.metric}, the best first`;
  return [{ heading, html: tableHtml(head, rows) }];
}

const numberText = (x: number | null | undefined) => (x === null || x === undefined ? '' : lossText(x));

/** Losses on what is held out, else on what is trained on, of the best. */
function curveSection({ kind, course }: Told, sorted: readonly Row[]): Section[] {
  const best = sorted.slice(0, CURVES);
  const held = best.some(({ outcome }) => outcome?.measured?.dev && (outcome.curve?.dev.length ?? 0) > 0);
  const series = best.flatMap((row) => {
    const points = pointsOf(row, held);
    const label = configurationText(row.configuration, course.varied);
    return points.some(({ y }) => Number.isFinite(y)) ? [{ label, points }] : [];
  });
  if (series.length === 0) return [];
  const title = `Loss of the best ${series.length}${held ? ` on ${kind.dev}` : ', smoothed'}`;
  return [
    { heading: 'How the best of them learned', svg: lineChart({ title, x: 'step', y: 'loss', series }) },
  ];
}

/** `held`: on what is held out, the last of them as it is measured at the end. */
function pointsOf({ outcome }: Row, held: boolean) {
  const { dev = [], train = [] } = outcome?.curve ?? {};
  const point = ([x, y]: readonly [number, number | null]) => ({ x, y: y ?? Number.NaN });
  // Lines of single batches would hide each other.
  if (!held) return averaged(train.map(point));
  const at = outcome?.steps ?? 0;
  const last: readonly [number, number | null] = [at, outcome?.measured?.dev?.loss ?? null];
  return [...dev.filter(([step]) => step < at), last].map(point);
}

/** An average over about a twentieth of the points; of few points each as it is. */
export function averaged(points: readonly { x: number; y: number }[]) {
  const averages = smooth(
    points.map(({ y }) => y),
    Math.max(0, 1 - 20 / points.length),
  );
  return points.map(({ x }, i) => ({ x, y: averages[i] }));
}

function failedSection({ course, rows }: Told): Section[] {
  const failed = rows.filter(({ outcome }) => outcome && outcome.status !== 'done');
  if (failed.length === 0) return [];
  const list = failed
    .slice(0, MOST_FAILED)
    .map(
      ({ outcome, configuration }) =>
        `${configurationText(configuration, course.varied)}: ${outcome!.status}: ${outcome!.reason}`,
    );
  return [{ heading: 'Failed', list }];
}

import { writeInFolder } from '../data/files.js';
import { graphToDot } from '../graph/dot.js';
import { diagnosticsSections } from '../report/diagnostics.js';
import { dotToSvg } from '../report/graphviz.js';
import { lossCurve } from '../report/loss-curve.js';
import { reportPage, type Section } from '../report/page.js';
import { tableHtml } from '../report/table.js';
import { smooth } from '../smooth.js';
import type { Session } from '../train/session.js';
import type { Curve } from './curve.js';
import { canBeDrawn } from './drawn.js';
import { type Config, CURVE, REPORT } from './folder.js';
import { type Baseline, type Comparison, flagsOf, type Part, partsOf, type Task } from './kinds/kind.js';
import { type Measured, metricSections } from './metrics.js';
import { count, duration, inBits, lossText, rate } from './output.js';
import { pictureSections } from './pictures.js';
import type { Best } from './run.js';
import { flagOf, type Settings } from './settings.js';
import { shellWord } from './shell.js';
import { buildStep } from './task.js';

export interface Results {
  session: Session;
  config: Config;
  task: Task;
  curve: Curve;
  losses: Partial<Record<Part, number>>;
  measured: Measured;
  baseline: Baseline | null;
  samples: string[];
  run: { steps: number; seconds: number; stepsPerSecond: number; best: Best | null };
  /** Steps that were taken: the session may have gone back to the best model. */
  at: number;
  comparison?: Comparison;
}

/** Writes loss.svg and report.html. */
export async function writeReport(folder: string, results: Results): Promise<void> {
  const svg = curveSvg(results);
  await writeInFolder(folder, CURVE, svg);
  const { config, session } = results;
  const { kind, settings } = config;
  const bits = kind.bits(settings);
  const sections: Section[] = [
    { heading: 'Loss over the steps', svg },
    ...(bits ? [{ heading: `${capital(bits)} over the steps`, svg: curveSvg(results, bits) }] : []),
    { heading: 'Losses', html: lossTable(results) },
    ...comparisonSections(results),
    ...metricSections(session, results.measured),
    ...judgedPictures(results),
    ...sampleSections(results),
    ...(session.program.diagnostics ? diagnosticsSections(session.diagnostics()) : []),
    await graphSection(results),
    { heading: 'The command for the same model', pre: command(results) },
  ];
  await writeInFolder(folder, REPORT, reportPage({ title: kind.title, summary: summary(results), sections }));
}

/** Of the part that judges, the last one, where rows are images. */
function judgedPictures({ session, task, config: { kind } }: Results): Section[] {
  const { name, rows } = partsOf(kind, task).at(-1)!;
  return pictureSections(session, name, rows);
}

function comparisonSections({ comparison }: Results): Section[] {
  if (!comparison) return [];
  const { heading, head, rows, notes } = comparison;
  return [
    { heading, html: tableHtml(head, rows) },
    { heading: 'How to read it', list: notes },
  ];
}

function sampleSections({ samples, config: { kind, settings } }: Results): Section[] {
  if (!kind.sampler) return [];
  const heading = `${samples.length === 1 ? 'Sample' : 'Samples'}, seed ${settings.seed}`;
  return [{ heading, html: kind.sampler.html(samples) }];
}

const capital = (text: string) => text[0].toUpperCase() + text.slice(1);

/** `bits`: in these instead of nats. */
function curveSvg({ curve, losses, baseline, config, at, run }: Results, bits?: string): string {
  const unit = bits ? 1 / Math.LN2 : 1;
  // Losses at the end are those of the best model, which has its point.
  const measured = run.best?.step ?? at;
  const dev = curve.dev.filter(({ step }) => step !== measured);
  if (losses.dev !== undefined) dev.push({ step: measured, loss: losses.dev });
  dev.sort((a, b) => a.step - b.step);
  const { span = 1 } = curve;
  const common = {
    title: config.kind.curveTitle(config.settings),
    ...(bits && { axis: bits }),
    ...(baseline && {
      baseline: { value: baseline.loss * unit, label: `uniform ${lossText(baseline.loss * unit)}` },
    }),
    devLabel: config.kind.dev,
    dev: dev.map(({ step, loss }) => ({ step, loss: loss * unit })),
  };
  // Without a step there is still a loss to show: that of the untrained model.
  if (curve.train.length === 0) return lossCurve({ ...common, steps: [0], losses: [losses.train! * unit] });
  const train = curve.train.map((loss) => loss * unit);
  return lossCurve({
    ...common,
    steps: Float64Array.from(train, (_, i) => (i + 1) * span),
    losses: train,
    smoothed: smooth(train, decay(train.length)),
  });
}

/** Averages over a hundredth of the run, whatever its length. */
function decay(steps: number): number {
  return 1 - 1 / Math.min(1000, Math.max(10, steps / 100));
}

function summary({ session, losses, baseline, run, task, config, at }: Results): [string, string][] {
  const { kind, settings } = config;
  const bits = kind.bits(settings);
  const judged = losses.dev;
  const facts: [string, string][] = [
    ...lossFacts(judged === undefined ? 'train' : kind.dev, judged ?? losses.train!, bits),
    ...(baseline ? [['uniform guess', lossText(baseline.loss)] as [string, string]] : []),
    ['parameters', count(session.parameterCount)],
    ['steps', count(at)],
  ];
  if (run.best) facts.push(['best model', `step ${count(run.best.step)}`]);
  if (run.steps > 0) facts.push(['steps/s', rate(run.stepsPerSecond)], ['time', duration(run.seconds)]);
  facts.push(['engine', session.module ? `compiled, ${threads(session)}` : 'tape']);
  if (session.module) facts.push(['wasm', `${(session.module.wasm.length / 1024).toFixed(1)} KiB`]);
  facts.push([`${kind.unit(settings)}s`, count(task.size)]);
  return facts;
}

const lossFacts = (part: string, loss: number, bits: string | undefined): [string, string][] => [
  [`loss on ${part}`, lossText(loss)],
  ...(bits ? [[`${bits}, ${part}`, inBits(loss)] as [string, string]] : []),
];

const threads = ({ threads: n }: Session) => `${n} thread${n === 1 ? '' : 's'}`;

function lossTable({ losses, baseline, task, config: { kind, settings } }: Results): string {
  const bits = kind.bits(settings);
  const unit = `${kind.unit(settings)}s`;
  // What has no other unit than rows counts nothing twice; without a cross-entropy there is no perplexity.
  const counted = unit !== 'rows';
  const row = (name: string, size: string, rows: string, loss: number) => [
    ...(counted ? [name, size, rows] : [name, rows]),
    lossText(loss),
    ...(bits ? [inBits(loss)] : []),
    ...(baseline ? [perplexity(loss)] : []),
  ];
  const rows = partsOf(kind, task).map(({ part, name, rows: { rows } }) =>
    row(name, count(task.sizeOf[part] ?? rows), count(rows), losses[part]!),
  );
  const heads = ['', ...(counted ? [unit] : []), 'rows', 'loss', ...(bits ? [bits] : [])];
  return tableHtml(
    baseline ? [...heads, 'perplexity'] : heads,
    baseline ? [...rows, row('uniform', '', '', baseline.loss)] : rows,
  );
}

/** Among how many equally likely characters the model is as uncertain. */
const perplexity = (loss: number) => Math.exp(loss).toFixed(2);

/** The command that trains the same model to the same bits. */
function command({ config: { kind, settings, data } }: Results): string {
  const parts = flagsOf(kind, settings as Settings);
  if (data.file !== null) parts.unshift(`--data ${shellWord(data.file)}`);
  return `2headgrad train ${kind.command} \\\n  ${parts.join(' \\\n  ')}`;
}

/** The training step as the compiler has it after its passes, or as it was traced. */
async function graphSection({ session: { module }, task, config }: Results): Promise<Section> {
  const heading = 'The training step as a graph';
  const { kind, settings } = config;
  const graphs = module?.graphs ?? buildStep(kind, task.kept, settings).program.entries;
  // Of a step in shards, what is done for each of them.
  const train = graphs.train ?? graphs.shard;
  if (canBeDrawn(train)) return { heading, svg: await dotToSvg(graphToDot(train)) };
  const how = flagsOf(kind, settings as unknown as Settings, { changed: true })
    .filter((flag) => [...kind.model.map(flagOf), '--set'].includes(flag.split(' ')[0]))
    .join(' ');
  return {
    heading,
    list: [
      `It has ${count(train.nodes.length)} nodes, too many for a picture. As text: 2headgrad inspect ${kind.command}${how && ` ${how}`} --stage graph`,
    ],
  };
}

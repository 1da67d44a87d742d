import { writeInFolder } from '../data/files.js';
import { graphToDot } from '../graph/dot.js';
import { diagnosticsSections } from '../report/diagnostics.js';
import { escapeText } from '../report/escape.js';
import { dotToSvg } from '../report/graphviz.js';
import { lossCurve } from '../report/loss-curve.js';
import { reportPage, type Section } from '../report/page.js';
import { tableHtml } from '../report/table.js';
import { smooth } from '../smooth.js';
import type { Session } from '../train/session.js';
import { type Config, CURVE, type Curve, REPORT } from './folder.js';
import { count, duration, lossText, rate } from './output.js';
import { flagOf, RUN_SETTINGS } from './settings.js';
import { buildStep, type NamesTask, PARTS, type Part } from './task.js';

export interface Results {
  session: Session;
  config: Config;
  task: NamesTask;
  curve: Curve;
  losses: Record<Part, number>;
  baseline: number;
  samples: string[];
  run: { steps: number; seconds: number; stepsPerSecond: number };
}

/** Writes loss.svg and report.html. */
export async function writeReport(folder: string, results: Results): Promise<void> {
  const svg = curveSvg(results);
  await writeInFolder(folder, CURVE, svg);
  const { config, samples, session } = results;
  const sections: Section[] = [
    { heading: 'Loss over the steps', svg },
    { heading: 'Losses', html: lossTable(results) },
    { heading: `Samples, seed ${config.settings.seed}`, html: sampleList(samples) },
    ...(session.program.diagnostics ? diagnosticsSections(session.diagnostics()) : []),
    { heading: 'The training step as a graph', svg: await graphSvg(results) },
    { heading: 'The command for the same model', pre: command(results) },
  ];
  await writeInFolder(folder, REPORT, reportPage({ title: 'Names', summary: summary(results), sections }));
}

function curveSvg({ curve, losses, baseline, config, session }: Results): string {
  const label = `uniform ${lossText(baseline)}`;
  const last = { step: session.at, loss: losses.dev };
  const dev = [...curve.dev.filter(({ step }) => step < session.at), last];
  const { hidden, context, norm, batch } = config.settings;
  const normed = norm === 'none' ? '' : `, ${norm} norm`;
  const title = `Names: context ${context}, hidden ${hidden}${normed}, batch ${batch}`;
  const common = { title, baseline: { value: baseline, label }, dev };
  // Without a step there is still a loss to show: that of the untrained model.
  if (curve.train.length === 0) return lossCurve({ ...common, steps: [0], losses: [losses.train] });
  const steps = Float64Array.from(curve.train, (_, i) => i + 1);
  return lossCurve({
    ...common,
    steps,
    losses: curve.train,
    smoothed: smooth(curve.train, decay(curve.train.length)),
  });
}

/** Averages over a hundredth of the run, whatever its length. */
function decay(steps: number): number {
  return 1 - 1 / Math.min(1000, Math.max(10, steps / 100));
}

function summary({ session, losses, baseline, run, task }: Results): [string, string][] {
  const facts: [string, string][] = [
    ['loss on dev', lossText(losses.dev)],
    ['uniform guess', lossText(baseline)],
    ['parameters', count(session.parameterCount)],
    ['steps', count(session.at)],
  ];
  if (run.steps > 0) facts.push(['steps/s', rate(run.stepsPerSecond)], ['time', duration(run.seconds)]);
  facts.push(['engine', session.module ? `compiled, ${threads(session)}` : 'tape']);
  if (session.module) facts.push(['wasm', `${(session.module.wasm.length / 1024).toFixed(1)} KiB`]);
  facts.push(['words', count(task.words)]);
  return facts;
}

const threads = ({ threads: n }: Session) => `${n} thread${n === 1 ? '' : 's'}`;

function lossTable({ losses, baseline, task }: Results): string {
  const rows = PARTS.map((part) => [
    part,
    count(task.wordsOf[part]),
    count(task.rowsOf[part].rows),
    lossText(losses[part]),
    perplexity(losses[part]),
  ]);
  rows.push(['uniform', '', '', lossText(baseline), perplexity(baseline)]);
  return tableHtml(['', 'words', 'rows', 'loss', 'perplexity'], rows);
}

/** Among how many equally likely characters the model is as uncertain. */
const perplexity = (loss: number) => Math.exp(loss).toFixed(2);

function sampleList(samples: readonly string[]): string {
  const items = samples.map((sample) => `<li>${escapeText(sample) || '(empty)'}</li>`);
  return `<ul style="columns: 9rem; list-style: none; padding: 0">${items.join('')}</ul>`;
}

/** The command that trains the same model to the same bits. */
function command({ config: { settings, data } }: Results): string {
  const values: [string, unknown][] = RUN_SETTINGS.map((name) => [flagOf(name), settings[name]]);
  const parts = values
    .filter(([, value]) => value !== null && value !== false)
    .map(([flag, value]) => (value === true ? flag : `${flag} ${value}`));
  if (data.file !== null) parts.unshift(`--data ${JSON.stringify(data.file)}`);
  return `2headgrad train names \\\n  ${parts.join(' \\\n  ')}`;
}

/** As the compiler has it after its passes, or as it was traced. */
function graphSvg({ session: { module }, task, config }: Results): Promise<string> {
  const { entries } = buildStep(task.vocabulary, config.settings).program;
  return dotToSvg(graphToDot((module?.graphs ?? entries).train));
}

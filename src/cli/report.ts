import { writeInFolder } from '../data/files.js';
import { graphToDot } from '../graph/dot.js';
import { diagnosticsSections } from '../report/diagnostics.js';
import { dotToSvg } from '../report/graphviz.js';
import { lossCurve } from '../report/loss-curve.js';
import { reportPage, type Section } from '../report/page.js';
import { tableHtml } from '../report/table.js';
import { smooth } from '../smooth.js';
import type { Session } from '../train/session.js';
import { canBeDrawn } from './drawn.js';
import { type Config, CURVE, type Curve, REPORT } from './folder.js';
import { flagsOf, PARTS, type Part, type Task } from './kinds/kind.js';
import { count, duration, inBits, lossText, rate } from './output.js';
import { flagOf, type Settings } from './settings.js';
import { buildStep } from './task.js';

export interface Results {
  session: Session;
  config: Config;
  task: Task;
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
  const { kind, settings } = config;
  const bits = kind.bits(settings);
  const sections: Section[] = [
    { heading: 'Loss over the steps', svg },
    ...(bits ? [{ heading: `${capital(bits)} over the steps`, svg: curveSvg(results, bits) }] : []),
    { heading: 'Losses', html: lossTable(results) },
    {
      heading: `${samples.length === 1 ? 'Sample' : 'Samples'}, seed ${settings.seed}`,
      html: kind.samplesHtml(samples),
    },
    ...(session.program.diagnostics ? diagnosticsSections(session.diagnostics()) : []),
    await graphSection(results),
    { heading: 'The command for the same model', pre: command(results) },
  ];
  await writeInFolder(folder, REPORT, reportPage({ title: kind.title, summary: summary(results), sections }));
}

const capital = (text: string) => text[0].toUpperCase() + text.slice(1);

/** `bits`: in these instead of nats. */
function curveSvg({ curve, losses, baseline, config, session }: Results, bits?: string): string {
  const unit = bits ? 1 / Math.LN2 : 1;
  const label = `uniform ${lossText(baseline * unit)}`;
  const last = { step: session.at, loss: losses.dev };
  const dev = [...curve.dev.filter(({ step }) => step < session.at), last];
  const common = {
    title: config.kind.curveTitle(config.settings),
    ...(bits && { axis: bits }),
    baseline: { value: baseline * unit, label },
    dev: dev.map(({ step, loss }) => ({ step, loss: loss * unit })),
  };
  // Without a step there is still a loss to show: that of the untrained model.
  if (curve.train.length === 0) return lossCurve({ ...common, steps: [0], losses: [losses.train * unit] });
  const train = curve.train.map((loss) => loss * unit);
  return lossCurve({
    ...common,
    steps: Float64Array.from(train, (_, i) => i + 1),
    losses: train,
    smoothed: smooth(train, decay(train.length)),
  });
}

/** Averages over a hundredth of the run, whatever its length. */
function decay(steps: number): number {
  return 1 - 1 / Math.min(1000, Math.max(10, steps / 100));
}

function summary({ session, losses, baseline, run, task, config }: Results): [string, string][] {
  const { kind, settings } = config;
  const bits = kind.bits(settings);
  const facts: [string, string][] = [
    ['loss on dev', lossText(losses.dev)],
    ...(bits ? [[`${bits}, dev`, inBits(losses.dev)] as [string, string]] : []),
    ['uniform guess', lossText(baseline)],
    ['parameters', count(session.parameterCount)],
    ['steps', count(session.at)],
  ];
  if (run.steps > 0) facts.push(['steps/s', rate(run.stepsPerSecond)], ['time', duration(run.seconds)]);
  facts.push(['engine', session.module ? `compiled, ${threads(session)}` : 'tape']);
  if (session.module) facts.push(['wasm', `${(session.module.wasm.length / 1024).toFixed(1)} KiB`]);
  facts.push([`${kind.unit(settings)}s`, count(task.size)]);
  return facts;
}

const threads = ({ threads: n }: Session) => `${n} thread${n === 1 ? '' : 's'}`;

function lossTable({ losses, baseline, task, config: { kind, settings } }: Results): string {
  const bits = kind.bits(settings);
  const row = (name: string, size: string, rows: string, loss: number) => [
    ...[name, size, rows, lossText(loss)],
    ...(bits ? [inBits(loss)] : []),
    perplexity(loss),
  ];
  const rows = PARTS.map((part) =>
    row(part, count(task.sizeOf[part]), count(task.measured[part].rows), losses[part]),
  );
  const units = `${kind.unit(settings)}s`;
  return tableHtml(
    ['', units, 'rows', 'loss', ...(bits ? [bits] : []), 'perplexity'],
    [...rows, row('uniform', '', '', baseline)],
  );
}

/** Among how many equally likely characters the model is as uncertain. */
const perplexity = (loss: number) => Math.exp(loss).toFixed(2);

/** The command that trains the same model to the same bits. */
function command({ config: { kind, settings, data } }: Results): string {
  const parts = flagsOf(kind, settings as Settings);
  if (data.file !== null) parts.unshift(`--data ${JSON.stringify(data.file)}`);
  return `2headgrad train ${kind.name} \\\n  ${parts.join(' \\\n  ')}`;
}

/** The training step as the compiler has it after its passes, or as it was traced. */
async function graphSection({ session: { module }, task, config }: Results): Promise<Section> {
  const heading = 'The training step as a graph';
  const { kind, settings } = config;
  const { train } = module?.graphs ?? buildStep(kind, task.tokens, settings).program.entries;
  if (canBeDrawn(train)) return { heading, svg: await dotToSvg(graphToDot(train)) };
  const how = flagsOf(kind, settings as unknown as Settings, { changed: true })
    .filter((_, i, all) => kind.model.some((name) => all[i].split(' ')[0] === flagOf(name)))
    .join(' ');
  return {
    heading,
    list: [
      `It has ${count(train.nodes.length)} nodes, too many for a picture. As text: 2headgrad inspect ${kind.name}${how && ` ${how}`} --stage graph`,
    ],
  };
}

import { join } from 'node:path';
import { closing } from '../closing.js';
import { writeInFolder } from '../data/files.js';
import { DataError, DivergedError, OptionError } from '../errors.js';
import { PLAIN } from '../models/choose.js';
import type { Evaluated } from '../train/metrics.js';
import type { Session } from '../train/session.js';
import { compileProgress } from './compile-progress.js';
import { engineText, memoryLines, noteThreads } from './describe.js';
import {
  aboutData,
  absolute,
  type Config,
  type Curve,
  checkFolder,
  checkForeign,
  checkTogether,
  holdsRun,
  REPORT,
  readConfig,
  readCurve,
  readModel,
  removeResults,
  saveRun,
  settingsDigest,
  trimCurve,
  WASM,
} from './folder.js';
import { answering, breathe, Interrupt } from './interrupt.js';
import { kindOf, kindsWith, MODEL_FILE } from './kinds/index.js';
import { type Kind, type Part, partsOf, refuseOthers, settingsFrom, type Task } from './kinds/kind.js';
import { holdFolder } from './lock.js';
import { metricsJson, metricTables } from './metrics.js';
import { count, duration, inBits, lossText, Output, plural, rate } from './output.js';
import { Run } from './run.js';
import { checkEngine, flagOf, type RunSettings, type SettingName, type Settings } from './settings.js';
import { checkModelSize, loadTask, measure, untracedStep } from './task.js';

export interface TrainOptions extends Settings {
  data?: string;
  export?: string;
  out?: string;
  resume?: boolean;
  diagnostics?: boolean;
  wide?: boolean;
  memory?: number;
  json?: boolean;
}

/** Tokens of a sample that does not end by itself. */
const SAMPLE_LENGTH = 300;
/** Steps that --diagnostics looks at. */
const LOOKS = 200;

/** Trains a kind of model, or that of a file. Returns the exit code. */
export function train(what: string, options: TrainOptions): Promise<number> {
  return closing(async (use) => trainWith(await kindOf(what, options.export), options, use));
}

async function trainWith(
  kind: Kind,
  options: TrainOptions,
  use: (session: Session) => Session,
): Promise<number> {
  const output = new Output(options.json ?? false);
  const { out: folder = kind.folder } = options;
  const stopped = (signal: string | null, more: object) =>
    output.result({ task: kind.command, interrupted: signal, ...more, out: folder });
  const interrupt = new Interrupt('Stopping. Again to leave at once, without saving.', (signal) =>
    stopped(signal, { saved }),
  );
  let saved = false;
  refuseOthers(kind, options, kindsWith(kind));
  if (options.resume) await checkFolder(folder);
  await holdFolder(folder);
  if (!options.resume) await checkForeign(folder);
  const before = options.resume ? await readConfig(folder, kind) : null;
  if (before && before.kind !== kind)
    throw new OptionError(
      `the run in ${folder} is one of ${before.kind.name}: 2headgrad train ${before.kind.name} --resume${outFlag(before.kind, folder)}`,
    );
  if (before) kind.checkSame?.(before.kept, folder);
  const settings = before ? merge(kind, before.settings, options, folder) : settingsFrom(kind, options);
  const { wide = false, memory } = options;
  checkEngine({ ...settings, wide, memory, kept: options.threads === undefined });
  kind.check(settings);
  const file = before && options.data === undefined ? before.data.file : absolute(options.data);
  const task = await loadTask(kind, file, settings, !before || options.data !== undefined);
  if (before && before.data.sha256 !== task.sha256) {
    throw new DataError(
      `the run in ${folder} was trained on other ${kind.unit(settings)}s: ${task.source} ${kind.otherData}`,
    );
  }
  const checkpoint = before ? await readModel(folder, before) : null;
  if (checkpoint && checkpoint.at > settings.steps) {
    throw new OptionError(
      `--steps ${settings.steps}: the run in ${folder} is already at step ${checkpoint.at}`,
    );
  }
  const curve = checkpoint ? await readCurve(folder, checkpoint.at) : { train: [], dev: [] };
  const every = Math.max(1, Math.round(settings.steps / LOOKS));
  const step = answering(() =>
    untracedStep(kind, task.kept, settings, options.diagnostics ? { every } : undefined),
  );
  await breathe();
  // Before it is traced: a stranger's settings may have thousands of layers.
  if (checkpoint) checkModelSize(step, checkpoint.bytes.length);
  answering(() => step.program);
  for (const line of task.lines) output.line(line);

  const { seed, threads, engine } = settings;
  const session = use(
    engine === 'tape'
      ? answering(() => step.interpret({ seed }))
      : await step.compile({
          seed,
          threads,
          wide,
          memory,
          apart: true,
          around: answering,
          progress: compileProgress(),
        }),
  );
  noteThreads(session);
  if (memory !== undefined) for (const line of memoryLines(session.module!, memory)) output.line(line);
  interrupt.hold();
  describeModel(output, kind, settings, session);
  if (before && checkpoint) {
    session.restore(checkpoint.bytes);
    checkTogether(folder, before, checkpoint);
    output.line(`Going on from step ${count(session.at)} of ${count(settings.steps)}`);
  } else if (await holdsRun(folder)) {
    output.line(`The run that ${folder} holds is replaced by this one (--resume would go on with it)`);
  }
  session.data(task.rows.columns, { order: kind.order });

  const config: Config = {
    kind,
    settings,
    data: { file, size: task.size, sha256: task.sha256 },
    kept: task.kept,
  };
  if (checkpoint?.settings !== settingsDigest(config)) config.before = checkpoint?.settings;
  let stale = !before;
  const save = async () => {
    await saveRun(folder, config, curve, session.checkpoint(aboutData(config)));
    if (stale) await removeResults(folder);
    stale = false;
  };
  const plan = { steps: settings.steps, batch: kind.batch(settings), every: kind.every?.(settings) };
  const run = new Run(session, plan, kind.rate(settings), task, curve, save);
  const diverged = await run.train(interrupt.signal).catch((error: unknown) => {
    if (error instanceof DivergedError) return error;
    throw error;
  });
  if (diverged) throw await afterDivergence(diverged, { session, curve, save, folder });
  await save();
  if (interrupt.exitCode) {
    const place = `step ${count(session.at)} of ${count(settings.steps)}`;
    output.line(
      `Stopped at ${place}; saved. Go on with: 2headgrad train ${kind.command} --resume${outFlag(kind, folder)}`,
    );
    const { steps, stepsPerSecond } = run;
    stopped(interrupt.received, {
      saved: true,
      steps: session.at,
      of: settings.steps,
      steps_now: steps,
      steps_per_second: stepsPerSecond,
    });
    return interrupt.exitCode;
  }
  saved = true;
  interrupt.release();
  await finish(output, { session, config, task, curve, run, folder });
  return 0;
}

/** The settings of a run that goes on: its own, but for those on the command line, where they may change. */
function merge(kind: Kind, saved: RunSettings, options: Settings, folder: string): RunSettings {
  const has = saved as unknown as Settings;
  const fixed: readonly SettingName[] = [...kind.model, 'batch', 'seed'];
  for (const name of fixed.filter((name) => name in kind.initial)) {
    const asked = options[name];
    if (asked === undefined || asked === has[name]) continue;
    const value = asked === true ? '' : ` ${asked}`;
    const was = asked === true ? 'was begun without' : `has ${has[name]}`;
    throw new OptionError(
      `${flagOf(name)}${value}: the run in ${folder} ${was}; leave the option out, or train into another folder`,
    );
  }
  return settingsFrom({ initial: saved }, options);
}

function describeModel(output: Output, kind: Kind, settings: RunSettings, session: Session): void {
  const { steps } = settings;
  output.line(`${plural(session.parameterCount, 'parameter')}: ${kind.modelText(settings)}`);
  output.line(
    `${plural(steps, 'step')} of batch ${kind.batch(settings)}, learning rate ${kind.rateText(settings)}, ${engineText(session)}`,
  );
}

interface Saved {
  session: Session;
  curve: Curve;
  save: () => Promise<void>;
  folder: string;
}

/** Keeps the last good state, unless that is an untrained model and the folder has a better one. */
async function afterDivergence(
  error: DivergedError,
  { session, curve, save, folder }: Saved,
): Promise<DivergedError> {
  trimCurve(curve, session.at);
  const kept = session.at === 0 && (await holdsRun(folder));
  try {
    if (!kept) await save();
    error.message += kept ? ` ${folder} is as it was before.` : ` Saved in ${folder}.`;
  } catch (why) {
    error.message += ` It could not be saved: ${(why as Error).message}`;
  }
  return error;
}

interface Finished {
  session: Session;
  config: Config;
  task: Task;
  curve: Curve;
  run: Run;
  folder: string;
}

async function finish(
  output: Output,
  { session, config, task, curve, run, folder }: Finished,
): Promise<void> {
  const { kind, settings, kept } = config;
  const { sampler } = kind;
  const losses: Partial<Record<Part, number>> = {};
  const parts = partsOf(kind, task);
  const measured: { name: string; all: Evaluated }[] = [];
  for (const { part, name, rows } of parts) {
    const all = await measure(session, rows, kind.batch(settings));
    losses[part] = all.loss;
    measured.push({ name, all });
  }
  const how = { ...PLAIN, length: SAMPLE_LENGTH };
  const drawn = sampler?.draw(session.checkpoint(), kept, settings, settings.seed, how);
  const samples = sampler && drawn ? await firstOf(drawn, sampler.counts.train) : [];
  const baseline = kind.baseline(kept);
  if (session.module) await writeInFolder(folder, WASM, session.module.wasm);
  const { writeReport } = await import('./report.js');
  await writeReport(folder, { session, config, task, curve, losses, measured, baseline, samples, run });

  const { bold, dim } = output.colors;
  const trained = run.steps > 0 ? `, ${rate(run.stepsPerSecond)} steps/s` : '';
  output.line();
  output.line(`${plural(run.steps, 'step')} in ${duration(run.seconds)}${trained}`);
  output.line();
  const bits = kind.bits(settings);
  const width = Math.max(8, ...parts.map(({ name }) => name.length));
  const row = (name: string, loss: number, note = '') =>
    output.line(
      `  ${name.padEnd(width)} ${lossText(loss)}${bits ? `   ${inBits(loss)} ${bits}` : ''}${note}`,
    );
  output.line(bold('Loss'));
  for (const { part, name } of parts) row(name, losses[part]!);
  if (baseline) row('uniform', baseline.loss, dim(`   ${baseline.why}`));
  for (const { heading, lines } of metricTables(session, measured)) {
    output.line();
    output.line(bold(heading));
    for (const line of lines) output.line(`  ${line}`);
  }
  output.line();
  if (sampler) {
    output.line(bold(samples.length === 1 ? 'Sample' : 'Samples'));
    for (const line of sampler.text(samples)) output.line(`  ${line}`);
    output.line();
  }
  output.line(`Report: ${join(folder, REPORT)}`);
  const model = kind.format === MODEL_FILE.format ? ` --model ${kind.command}` : '';
  if (sampler) output.line(dim(`More ${sampler.noun}: 2headgrad sample ${folder}${model}`));
  const named = (suffix: string, unit: number) =>
    Object.fromEntries(parts.map(({ part }) => [`${part}_${suffix}`, losses[part]! / unit]));
  output.result({
    task: kind.command,
    ...named('loss', 1),
    ...(bits && named('bits', Math.LN2)),
    ...(session.program.metrics && { metrics: metricsJson(measured) }),
    baseline: baseline?.loss ?? null,
    steps: session.at,
    steps_per_second: run.stepsPerSecond,
    train_seconds: run.seconds,
    compile_ms: session.module?.compileMs ?? 0,
    compile_cached: session.module?.cached ?? false,
    parameters: session.parameterCount,
    engine: session.kind,
    threads: session.threads,
    wide: session.wide,
    memory: session.module?.memory ?? null,
    seed: settings.seed,
    [`${kind.unit(settings)}s`]: task.size,
    ...kind.facts(kept),
    ...(sampler && { samples }),
    out: folder,
  });
}

const outFlag = (kind: Kind, folder: string) => (folder === kind.folder ? '' : ` --out ${folder}`);

/** The first of some samples; signals are heard in between. */
async function firstOf(samples: Generator<string, never>, wanted: number): Promise<string[]> {
  const first: string[] = [];
  while (first.length < wanted) {
    first.push(samples.next().value);
    await breathe();
  }
  return first;
}

import { join } from 'node:path';
import { closing } from '../closing.js';
import { writeInFolder } from '../data/files.js';
import { DataError, DivergedError, OptionError } from '../errors.js';
import type { Session } from '../train/session.js';
import { compileProgress } from './compile-progress.js';
import { describeData, engineText, modelText, noteThreads } from './describe.js';
import {
  absolute,
  type Config,
  type Curve,
  checkFolder,
  checkForeign,
  holdsRun,
  REPORT,
  readConfig,
  readCurve,
  readModel,
  removeResults,
  saveRun,
  trimCurve,
  WASM,
} from './folder.js';
import { Interrupt } from './interrupt.js';
import { holdFolder } from './lock.js';
import { count, duration, lossText, Output, plural, rate } from './output.js';
import { Run } from './run.js';
import { firstOf, sampleWords } from './sampling.js';
import {
  checkCombination,
  decayStep,
  flagOf,
  RUN_SETTINGS,
  type RunSettings,
  type SettingName,
} from './settings.js';
import { buildStep, checkModelSize, loadTask, meanLoss, type NamesTask, PARTS } from './task.js';

export interface TrainOptions extends Omit<RunSettings, 'lrDecayAt'> {
  lrDecayAt?: number;
  data?: string;
  out: string;
  resume?: boolean;
  diagnostics?: boolean;
  wide?: boolean;
  json?: boolean;
}

/** Decided when a run begins; another value would make it another run. */
const FIXED = ['context', 'embed', 'hidden', 'norm', 'direct', 'batch', 'seed'] as const;
const SAMPLES = 20;
/** Steps that --diagnostics looks at. */
const LOOKS = 200;

/** `given` tells which options stand on the command line. Returns the exit code. */
export function train(options: TrainOptions, given: (name: string) => boolean): Promise<number> {
  return closing((use) => trainWith(options, given, use));
}

async function trainWith(
  options: TrainOptions,
  given: (name: string) => boolean,
  use: (session: Session) => Session,
): Promise<number> {
  const output = new Output(options.json ?? false);
  const { out: folder } = options;
  const stopped = (signal: string | null, more: object) =>
    output.result({ task: 'names', interrupted: signal, ...more, out: folder });
  const interrupt = new Interrupt('Stopping. Again to leave at once, without saving.', (signal) =>
    stopped(signal, { saved }),
  );
  let saved = false;
  if (options.resume) await checkFolder(folder);
  await holdFolder(folder);
  if (!options.resume) await checkForeign(folder);
  const before = options.resume ? await readConfig(folder) : null;
  const settings = before ? merge(before.settings, options, given, folder) : ownSettings(options);
  const { wide = false } = options;
  checkCombination({ ...settings, wide });
  const file = before && !given('data') ? before.data.file : absolute(options.data);
  const task = await loadTask(file, settings, !before || given('data'));
  if (before && before.data.sha256 !== task.sha256) {
    throw new DataError(
      `the run in ${folder} was trained on other words: ${task.source} has changed or is another file`,
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
  const step = buildStep(task.vocabulary, settings, options.diagnostics ? { every } : undefined);
  if (checkpoint) checkModelSize(step, checkpoint.bytes.length);
  describeData(output, task);

  const { seed, threads, engine } = settings;
  const session = use(
    engine === 'tape'
      ? step.interpret({ seed })
      : await step.compile({ seed, threads, wide, apart: true, progress: compileProgress() }),
  );
  noteThreads(session);
  interrupt.hold();
  describeModel(output, settings, session);
  if (checkpoint) {
    session.restore(checkpoint.bytes);
    output.line(`Going on from step ${count(session.at)} of ${count(settings.steps)}`);
  } else if (await holdsRun(folder)) {
    output.line(`The run that ${folder} holds is replaced by this one (--resume would go on with it)`);
  }
  session.data({ x: task.rowsOf.train.x, y: task.rowsOf.train.y });

  const config: Config = {
    settings,
    data: { file, words: task.words, sha256: task.sha256 },
    vocabulary: task.vocabulary,
  };
  let stale = !before;
  const save = async () => {
    await saveRun(folder, config, curve, session.checkpoint({ words: task.sha256 }));
    if (stale) await removeResults(folder);
    stale = false;
  };
  const run = new Run(session, settings, task, curve, save);
  const diverged = await run.train(interrupt.signal).catch((error: unknown) => {
    if (error instanceof DivergedError) return error;
    throw error;
  });
  if (diverged) throw await afterDivergence(diverged, { session, curve, save, folder });
  await save();
  if (interrupt.exitCode) {
    const place = `step ${count(session.at)} of ${count(settings.steps)}`;
    output.line(`Stopped at ${place}; saved. Go on with: 2headgrad train names --resume${outFlag(folder)}`);
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

function ownSettings(options: TrainOptions): RunSettings {
  const all = { ...options, lrDecayAt: options.lrDecayAt ?? null, direct: options.direct ?? false };
  return Object.fromEntries(RUN_SETTINGS.map((name) => [name, all[name]])) as unknown as RunSettings;
}

/** The settings of a run that goes on: its own, but for those on the command line, where they may change. */
function merge(
  saved: RunSettings,
  options: TrainOptions,
  given: (name: string) => boolean,
  folder: string,
): RunSettings {
  const asked = ownSettings(options);
  for (const name of FIXED) {
    if (given(name) && asked[name] !== saved[name]) {
      const value = name === 'direct' ? '' : ` ${asked[name]}`;
      const has = name === 'direct' ? 'was begun without' : `has ${saved[name]}`;
      throw new OptionError(
        `${flagOf(name)}${value}: the run in ${folder} ${has}; leave the option out, or train into another folder`,
      );
    }
  }
  const merged = { ...saved };
  const take = <K extends SettingName>(name: K) => {
    if (given(name)) merged[name] = asked[name];
  };
  RUN_SETTINGS.forEach(take);
  return merged;
}

function describeModel(output: Output, settings: RunSettings, session: Session): void {
  const { batch, steps, lr } = settings;
  output.line(`${plural(session.parameterCount, 'parameter')}: ${modelText(settings)}`);
  const decay = decayStep(settings);
  const rates = decay < steps ? `${lr}, from step ${count(decay)} ${lr / 10}` : `${lr}`;
  output.line(`${plural(steps, 'step')} of batch ${batch}, learning rate ${rates}, ${engineText(session)}`);
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
  task: NamesTask;
  curve: Curve;
  run: Run;
  folder: string;
}

async function finish(
  output: Output,
  { session, config, task, curve, run, folder }: Finished,
): Promise<void> {
  const { settings, vocabulary } = config;
  const losses = { train: 0, dev: 0, test: 0 };
  for (const part of PARTS) losses[part] = await meanLoss(session, task.rowsOf[part], settings.batch);
  const checkpoint = session.checkpoint();
  const samples = firstOf(sampleWords(checkpoint, vocabulary, settings, settings.seed), SAMPLES);
  const baseline = Math.log(vocabulary.size);
  if (session.module) await writeInFolder(folder, WASM, session.module.wasm);
  const { writeReport } = await import('./report.js');
  await writeReport(folder, { session, config, task, curve, losses, baseline, samples, run });

  const { bold, dim } = output.colors;
  const trained = run.steps > 0 ? `, ${rate(run.stepsPerSecond)} steps/s` : '';
  output.line();
  output.line(`${plural(run.steps, 'step')} in ${duration(run.seconds)}${trained}`);
  output.line();
  const row = (name: string, loss: number, note = '') =>
    output.line(`  ${name.padEnd(8)} ${lossText(loss)}${note}`);
  output.line(bold('Loss'));
  for (const part of PARTS) row(part, losses[part]);
  row('uniform', baseline, dim(`   ln(${vocabulary.size}): every character as likely as any other`));
  output.line();
  output.line(bold('Samples'));
  for (let i = 0; i < samples.length; i += 5) output.line(`  ${samples.slice(i, i + 5).join(', ')}`);
  output.line();
  output.line(`Report: ${join(folder, REPORT)}`);
  output.line(dim(`More names: 2headgrad sample ${folder}`));
  output.result({
    task: 'names',
    train_loss: losses.train,
    dev_loss: losses.dev,
    test_loss: losses.test,
    baseline,
    steps: session.at,
    steps_per_second: run.stepsPerSecond,
    train_seconds: run.seconds,
    compile_ms: session.module?.compileMs ?? 0,
    compile_cached: session.module?.cached ?? false,
    parameters: session.parameterCount,
    engine: session.kind,
    threads: session.threads,
    wide: session.wide,
    seed: settings.seed,
    words: task.words,
    vocabulary: vocabulary.size,
    samples,
    out: folder,
  });
}

const outFlag = (folder: string) => (folder === 'runs/names' ? '' : ` --out ${folder}`);

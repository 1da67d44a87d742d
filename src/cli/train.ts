import { join } from 'node:path';
import { closing } from '../closing.js';
import type { Peers } from '../distributed/index.js';
import { DataError, DivergedError, OptionError } from '../errors.js';
import { checkCut } from '../run/shards/options.js';
import type { Session } from '../train/session.js';
import { compileProgress } from './compile-progress.js';
import { type Curve, emptyCurve, trimCurve } from './curve.js';
import { engineText, memoryLines, noteThreads } from './describe.js';
import { leads, readerOf, sharedValue, tellCheckpoint, withPeers } from './distributed.js';
import { finish } from './finish.js';
import {
  aboutData,
  absolute,
  BEST,
  type Config,
  checkFolder,
  checkForeign,
  checkTogether,
  holdsRun,
  readBest,
  readConfig,
  readCurve,
  readModel,
  removeBest,
  removeResults,
  saveRun,
  settingsDigest,
} from './folder.js';
import { answering, breathe, Interrupt } from './interrupt.js';
import { settingsOfRun } from './kept-settings.js';
import { kindOf, kindsWith } from './kinds/index.js';
import { type Kind, type Rows, refuseOthers, settingsFrom } from './kinds/kind.js';
import { holdFolder } from './lock.js';
import { count, note, Output, plural } from './output.js';
import { optionSettings, type SettingValues, valuesOf } from './own-settings.js';
import { type Best, Run } from './run.js';
import { checkEngine, flagOf, type RunSettings, type SettingName, type Settings } from './settings.js';
import { shellWord } from './shell.js';
import { checkModelSize, loadTask, measure, untracedStep } from './task.js';

export interface TrainOptions extends Settings {
  data?: string;
  export?: string;
  /** What settings of a model file are to be. */
  set?: SettingValues;
  /** Of a sweep: the SHA-256 that all of its trainings have of their data. */
  dataDigest?: string;
  out?: string;
  resume?: boolean;
  diagnostics?: boolean;
  wide?: boolean;
  memory?: number;
  distributed?: boolean;
  /** Seconds that another process may be silent. */
  peerTimeout?: number;
  /** Seconds from one checkpoint to the next. */
  saveEvery?: number;
  json?: boolean;
}

/** Of a run that ends since another process of it was asked to. */
const TERMINATED = 143;
/** Steps that --diagnostics looks at. */
const LOOKS = 200;

/** Trains a kind of model, or that of a file. Returns the exit code. */
export function train(what: string, options: TrainOptions, output?: Output): Promise<number> {
  const alone = (peers: Peers | null) =>
    closing(async (use) => {
      const { export: exported, set, out: folder, resume } = options;
      const given = resume
        ? await settingsOfRun(what, { set, folder, exported }, peers)
        : optionSettings(set);
      return trainWith(await kindOf(what, exported, given), options, output, use, peers);
    });
  if (options.distributed) return withPeers(options.peerTimeout, alone);
  if (options.peerTimeout !== undefined)
    throw new OptionError('--peer-timeout: there are no other processes without --distributed');
  return alone(null);
}

async function trainWith(
  kind: Kind,
  options: TrainOptions,
  given: Output | undefined,
  use: (session: Session) => Session,
  peers: Peers | null,
): Promise<number> {
  const isFirst = leads(peers);
  const reader = readerOf(peers);
  const output = given ?? new Output(options.json ?? false, !isFirst);
  const { out: folder = kind.folder } = options;
  const stopped = (signal: string | null, more: object) =>
    output.result({ task: kind.command, interrupted: signal, ...more, out: folder });
  const announce = isFirst ? 'Stopping. Again to leave at once, without saving.' : null;
  const interrupt = new Interrupt(announce, (signal) => stopped(signal, { saved }));
  let saved = false;
  refuseOthers(kind, options, kindsWith(kind));
  const set = valuesOf(kind.own);
  await checkSameSet(peers, set);
  if (isFirst) await takeFolder(folder, options);
  const before = options.resume ? await readConfig(folder, kind, undefined, reader) : null;
  if (before && before.kind !== kind)
    throw new OptionError(
      `the run in ${folder} is one of ${before.kind.name}: 2headgrad train ${before.kind.name} --resume${outFlag(before.kind, folder)}`,
    );
  if (before) kind.checkSame?.(before.kept, folder);
  const asked = before ? merge(kind, before.settings, options, folder) : settingsFrom(kind, options);
  const { wide = false, memory } = options;
  if (peers) checkCut('--distributed', { shards: asked.shards, distributed: peers });
  checkEngine({ ...asked, wide, memory, kept: options.threads === undefined });
  kind.check(asked);
  const file = before && options.data === undefined ? before.data.file : absolute(options.data);
  const task = await loadTask(kind, file, asked, !before || options.data !== undefined);
  const settings = kind.settled?.(asked, options, task) ?? asked;
  if ((options.dataDigest ?? task.sha256) !== task.sha256)
    throw new DataError(
      `the sweep was begun with other ${kind.unit(settings)}s: ${task.source} ${kind.otherData}`,
    );
  if (before && before.data.sha256 !== task.sha256) {
    throw new DataError(
      `the run in ${folder} was trained on other ${kind.unit(settings)}s: ${task.source} ${kind.otherData}`,
    );
  }
  const checkpoint = before ? await readModel(folder, before, undefined, reader) : null;
  if (checkpoint && checkpoint.at > settings.steps) {
    throw new OptionError(
      `--steps ${settings.steps}: the run in ${folder} is already at step ${checkpoint.at}`,
    );
  }
  const curve = checkpoint && isFirst ? await readCurve(folder, checkpoint.at) : emptyCurve(settings.steps);
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
          shards: settings.shards,
          distributed: peers ?? undefined,
          progress: isFirst ? compileProgress() : undefined,
        }),
  );
  if (isFirst) noteThreads(session);
  if (memory !== undefined) for (const line of memoryLines(session.module!, memory)) output.line(line);
  interrupt.hold();
  describeModel(output, kind, settings, session);
  if (before && checkpoint) {
    session.restore(checkpoint.bytes);
    checkTogether(folder, before, checkpoint);
    output.line(`Going on from step ${count(session.at)} of ${count(settings.steps)}`);
  } else if (isFirst && (await holdsRun(folder))) {
    output.line(`The run that ${folder} holds is replaced by this one (--resume would go on with it)`);
  }
  session.data(task.rows.columns, { order: kind.order });

  const config: Config = {
    kind,
    settings,
    set,
    data: { file, size: task.size, sha256: task.sha256 },
    kept: task.kept,
  };
  if (checkpoint?.settings !== settingsDigest(config)) config.before = checkpoint?.settings;
  let stale = !before;
  // Until it is written: a disk may be full.
  let best: Uint8Array | undefined;
  let savedAt = checkpoint?.at ?? null;
  const save = async (found?: Best) => {
    if (!isFirst) return;
    const about = aboutData(config);
    if (found) best = session.checkpoint({ ...about, best: String(found.loss) });
    if (stale) await removeBest(folder);
    await saveRun(folder, config, curve, session.checkpoint(about), best);
    best = undefined;
    savedAt = session.at;
    if (stale) await removeResults(folder);
    stale = false;
  };
  const plan = {
    ...{ steps: settings.steps, batch: kind.batch(settings), every: kind.every?.(settings, task) },
    patience: kind.patience?.(settings),
    quiet: !isFirst,
  };
  const look = (rows: Rows) => kind.measure?.(session, rows) ?? measure(session, rows, plan.batch);
  const bestBefore = before && (await sharedValue(peers, () => bestOf(folder, before, session.at)));
  const saveSeconds = options.saveEvery ?? kind.saveSeconds;
  const run = new Run(session, plan, kind.rate(settings), task, curve, save, saveSeconds, look, bestBefore);
  if (peers && isFirst)
    interrupt.signal.addEventListener('abort', () => note(savedText(savedAt, folder)), { once: true });
  const signal = peers ? peers.together(interrupt.signal) : interrupt.signal;
  const diverged = await run.train(signal).catch((error: unknown) => {
    tellCheckpoint(error, folder, savedAt);
    if (error instanceof DivergedError) return error;
    throw error;
  });
  if (diverged) throw isFirst ? await afterDivergence(diverged, { session, curve, save, folder }) : diverged;
  await save();
  peers?.close();
  if (!isFirst) return 0;
  // Another process may have been asked to end.
  const exitCode = interrupt.exitCode || (signal.aborted && session.at < settings.steps ? TERMINATED : 0);
  if (exitCode) {
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
    return exitCode;
  }
  saved = true;
  interrupt.release();
  await finish(output, { session, config, task, curve, run, look, folder, peers });
  return 0;
}

/** Throws OptionError in a process that has other settings of its model file than the first. */
async function checkSameSet(peers: Peers | null, set: SettingValues): Promise<void> {
  if (!peers) return;
  const first = await sharedValue(peers, async () => set);
  const [here, there] = [set, first].map((values) => new Map(Object.entries(values)));
  const name = [...there.keys(), ...here.keys()].find((name) => there.get(name) !== here.get(name));
  if (name !== undefined)
    throw new OptionError(
      `${name} is ${here.get(name) ?? 'no setting'} here, and ${there.get(name) ?? 'none'} in the first process: give all the same --set, and the same file`,
    );
}

/** Has the folder for this process alone. */
async function takeFolder(folder: string, { resume }: TrainOptions): Promise<void> {
  if (resume) await checkFolder(folder);
  await holdFolder(folder);
  if (!resume) await checkForeign(folder);
}

/** Where others are lost there may be no time to save again. */
const savedText = (step: number | null, folder: string): string =>
  step === null ? 'Nothing is saved so far.' : `Saved so far: step ${count(step)}, in ${folder}.`;

/** The best model of a run that goes on. Throws DataError where it is of a later step than the run itself. */
async function bestOf(folder: string, config: Config, at: number): Promise<Best | null> {
  const found = await readBest(folder, config);
  if (!found) return null;
  if (found.at <= at && found.best !== undefined) return { step: found.at, loss: found.best };
  throw new DataError(
    `${JSON.stringify(join(folder, BEST))} is of step ${found.at}, and the run is at ${at}: they do not belong together; delete it to go on without`,
  );
}

/** The settings of a run that goes on: its own, but for those on the command line, where they may change. */
function merge(kind: Kind, saved: RunSettings, options: Settings, folder: string): RunSettings {
  const has = saved as unknown as Settings;
  const fixed: readonly SettingName[] = [...kind.model, 'batch', 'seed', 'shards'];
  for (const name of fixed.filter((name) => name in kind.initial)) {
    const asked = options[name];
    if (asked === undefined || asked === has[name]) continue;
    const value = asked === true ? '' : ` ${asked}`;
    const was = asked === true || has[name] === null ? 'was begun without' : `has ${has[name]}`;
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

const outFlag = (kind: Kind, folder: string) => (folder === kind.folder ? '' : ` --out ${shellWord(folder)}`);

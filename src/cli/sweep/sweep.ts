import { lstat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { unknown } from '../../check.js';
import { writeInFolder } from '../../data/files.js';
import { OptionError } from '../../errors.js';
import { absolute, checkFolder, checkForeign, holdsRun } from '../folder.js';
import { answering, Interrupt } from '../interrupt.js';
import { kindOf, refuseOwn } from '../kinds/index.js';
import { type Kind, settingsFrom, type Task } from '../kinds/kind.js';
import { holdFolder } from '../lock.js';
import { Output, plural } from '../output.js';
import { optionSettings, type SettingValues } from '../own-settings.js';
import { shellWord } from '../shell.js';
import { buildStep } from '../task.js';
import { type Judge, type Row, ranked, scoreOf, tableCsv } from './board.js';
import { checkRedis } from './bullmq.js';
import { dataDigestOf, identify, identityName, trialOf } from './identity.js';
import { isFinal, type Trial } from './outcome.js';
import {
  COUNT,
  type Course,
  checkSamePlan,
  courseOf,
  ETA,
  type Plan,
  readPlan,
  type Strategy,
  usualStrategy,
  writePlan,
} from './plan.js';
import { type Listener, localQueue, type Queue } from './queue.js';
import { redisQueue } from './redis-queue.js';
import { hideCommandLine, redisPlace, refuseUrl } from './redis-url.js';
import { Show } from './show.js';
import { sourcesOf } from './sources.js';
import { apart, readSpace, spaceFrom, withFixed } from './space.js';
import { readOutcomes, refuseLinks, trialFolder, writeOutcome } from './store.js';
import { bestCommand, finish, type Site, TABLE, type Told } from './summary.js';

export interface SweepOptions {
  space?: string;
  strategy?: Strategy;
  count?: number;
  eta?: number;
  seed?: number;
  lowest?: string;
  highest?: string;
  jobs?: number;
  redis?: string | true;
  data?: string;
  export?: string;
  /** What settings of a model file are in all trainings. */
  set?: SettingValues;
  out?: string;
  resume?: boolean;
  json?: boolean;
}

const SEED = 42;

/** Trains a model with many settings, and says which did best. Returns the exit code. */
export async function sweep(what: string, options: SweepOptions): Promise<number> {
  refuseUrl([what]);
  const redis = options.redis === undefined ? undefined : redisPlace(options.redis, process.env);
  if (options.redis !== undefined) hideCommandLine(options.redis, '2headgrad sweep');
  const output = new Output(options.json ?? false);
  const kind = await kindOf(what, options.export);
  const sources = await sourcesOf(kind);
  if (!kind.own) refuseOwn(kind, optionSettings(options.set));
  const folder = options.out ?? join(dirname(kind.folder), `sweep-${basename(kind.folder)}`);
  const interrupt = new Interrupt(
    'Stopping: trainings that run are saved. Again to leave at once.',
    (signal) => output.result({ task: kind.command, interrupted: signal, out: folder }),
  );
  if (redis && options.jobs !== undefined)
    throw new OptionError(`--jobs ${options.jobs}: with --redis workers train, each with --jobs of its own`);
  if (redis) await checkRedis(redis);
  if (options.resume) await checkFolder(folder);
  await holdFolder(folder);
  const { plan, task, known } = await prepare(kind, folder, options);
  const course = courseOf(plan, kind, options.space ?? join(folder, 'sweep.json'));
  if (known === undefined) await writePlan(folder, plan);
  interrupt.hold();
  for (const line of task.lines) output.line(line);
  output.line(courseText(course, plan));
  output.line();

  const site: Site = { what, options, kind, sources, folder, plan, course, redis, interrupt };
  const rows = await runAll(site);
  const told: Told = { ...site, rows };
  await writeInFolder(
    folder,
    TABLE,
    tableCsv(rows, { ...course, judge: plan.judge, rounds: course.rounds.length }),
  );
  const { writeSweepReport } = await import('./report.js');
  await writeSweepReport(folder, { ...told, command: bestCommand(told) });
  interrupt.release();
  return finish(output, told);
}

/** What is to be done, checked: by the options, or by the folder of a sweep that goes on. */
async function prepare(
  kind: Kind,
  folder: string,
  options: SweepOptions,
): Promise<{ plan: Plan; task: Task; known?: Plan }> {
  const known = await readPlan(folder);
  if (known && !options.resume)
    throw new OptionError(`--out ${folder}: it holds a sweep: go on with it by --resume, or give another`);
  if (!known && options.resume) throw new OptionError(`--resume: the folder ${folder} holds no sweep`);
  if (!known) await checkNew(folder);
  if (!known && options.space === undefined)
    throw new OptionError(
      '--space: give a JSON file with what each setting may be, such as {"lr": [0.1, 0.01]}',
    );
  const read = options.space === undefined ? known!.space : await readSpace(options.space, kind);
  const space = withFixed(read, optionSettings(options.set), kind);
  const data = options.data === undefined ? (known?.data ?? null) : absolute(options.data);
  const { identity, task } = await identify(kind, data, corporaOf(kind, space));
  const judge = judgeOf(options) ?? known?.judge ?? { metric: 'loss', highest: false };
  checkJudge(judge, kind, task);
  const usual = known ?? {
    strategy: usualStrategy(spaceFrom(space, kind, '--space')),
    count: COUNT,
    eta: ETA,
    seed: SEED,
  };
  const { strategy = usual.strategy, count = usual.count, eta = usual.eta, seed = usual.seed } = options;
  refuseUnused({ ...options, strategy });
  const plan: Plan = { strategy, count, eta, seed, judge, space, data, identity };
  if (known) checkSamePlan(folder, known, plan);
  return { plan, task, known };
}

/** The corpora that its trainings load where no file is named. */
function corporaOf(kind: Kind, space: Record<string, unknown>): readonly (string | undefined)[] {
  const domain = spaceFrom(space, kind, '--space').get('corpus');
  if (!kind.corpora || !domain || !('values' in domain)) return [undefined];
  return kind.corpora.filter((corpus) => domain.values.includes(corpus));
}

async function checkNew(folder: string): Promise<void> {
  await checkForeign(folder);
  if (await holdsRun(folder))
    throw new OptionError(`--out ${folder}: this folder holds a trained model and its report; give another`);
  if (await lstat(join(folder, TABLE)).catch(() => null))
    throw new OptionError(
      `--out ${folder}: ${TABLE} there is of no sweep that the folder holds: choose another folder, or move it away`,
    );
}

function judgeOf({ lowest, highest }: SweepOptions): Judge | undefined {
  if (lowest !== undefined && highest !== undefined)
    throw new OptionError('--lowest and --highest: a sweep is judged by one number; leave one of them out');
  const metric = lowest ?? highest;
  return metric === undefined ? undefined : { metric, highest: highest !== undefined };
}

function checkJudge({ metric }: Judge, kind: Kind, task: Task): void {
  if (metric === 'loss') return;
  const { description } = answering(() => buildStep(kind, task.kept, settingsFrom(kind, {})));
  const { outputs = [] } = description.entries.evaluate ?? {};
  const names = outputs.filter(({ shape }) => shape.length === 0).map(({ name }) => name);
  if (!names.includes(metric))
    throw new OptionError(
      `${kind.name} measures no number ${unknown(metric, [...new Set(['loss', ...names])])}`,
    );
}

/** Options of another strategy. */
function refuseUnused({ strategy, count, eta, seed, resume }: SweepOptions): void {
  if (resume) return;
  if (strategy === 'grid' && count !== undefined)
    throw new OptionError(`--count ${count}: a grid has all combinations; take --strategy random`);
  if (strategy === 'grid' && seed !== undefined)
    throw new OptionError(
      `--seed ${seed}: a grid draws nothing; seeds of trainings are a setting: "seed": [1, 2, 3]`,
    );
  if (strategy !== 'halving' && eta !== undefined)
    throw new OptionError(`--eta ${eta} is for --strategy halving, and this is ${strategy}`);
}

function courseText({ configurations, rounds }: Course, { strategy, count }: Plan): string {
  const all = plural(configurations.length, 'configuration');
  const fewer =
    strategy !== 'grid' && configurations.length < count
      ? ` (the space has no more than these of ${count})`
      : '';
  if (strategy !== 'halving')
    return `${all}${fewer}, ${strategy === 'grid' ? 'all of the grid' : 'drawn at random'}`;
  const told = rounds.map(({ count, steps }) => `${count} for ${plural(steps!, 'step')}`);
  return `${all}${fewer}, halved in ${plural(rounds.length, 'round')}: ${told.join(', ')}`;
}

/** All rounds, or as many as there are until a signal comes. */
async function runAll(site: Site): Promise<Row[]> {
  const { kind, folder, plan, course, interrupt } = site;
  const { judge, identity } = plan;
  const { configurations, rounds } = course;
  await refuseLinks(folder);
  const outcomes = await readOutcomes(folder);
  const rows = configurations.map(
    (configuration, order): Row => ({ order, configuration, name: '', round: 0, state: 'waiting' }),
  );
  const show = new Show({ rows, varied: course.varied, judge, rounds: rounds.length });
  interrupt.signal.addEventListener('abort', () => show.stop());
  let queue: Queue | undefined;
  try {
    let alive: readonly Row[] = rows;
    for (const [round, { count, steps }] of rounds.entries()) {
      if (round > 0)
        alive = ranked(alive, judge)
          .filter((row) => scoreOf(row, judge) !== null)
          .slice(0, count);
      const wanted = alive.map((row) => {
        const settings = { ...row.configuration, ...(steps !== undefined && { steps }) };
        return { row, trial: trialOf(kind, identity, settings) };
      });
      const left = wanted.filter(({ row, trial }) => {
        const outcome = outcomes.get(trial.name);
        const ended = outcome !== undefined && isFinal(outcome);
        Object.assign(
          row,
          ended ? { round, outcome, name: trial.name, state: 'ended' } : { state: 'waiting' },
        );
        return !ended;
      });
      if (left.length === 0) continue;
      queue ??= await queueOf(site, show);
      const listener = listenerOf(
        new Map(left.map(({ row, trial }) => [trial.name, row])),
        round,
        folder,
        show,
      );
      await queue.run(
        left.map(({ trial }) => trial),
        listener,
        interrupt.signal,
      );
      if (interrupt.signal.aborted) break;
    }
    return rows;
  } finally {
    for (const row of rows) if (row.state === 'running') row.state = 'waiting';
    show.stop();
    await queue?.close();
  }
}

function listenerOf(rows: ReadonlyMap<string, Row>, round: number, folder: string, show: Show): Listener {
  const rowOf = ({ name }: Trial) => rows.get(name)!;
  return {
    started: (trial) => void Object.assign(rowOf(trial), { state: 'running', place: undefined }),
    place: (trial, place) => void Object.assign(rowOf(trial), { state: 'running', place }),
    waiting: (trial) => void Object.assign(rowOf(trial), { state: 'waiting', place: undefined }),
    async ended(trial, outcome) {
      await writeOutcome(folder, trial, outcome);
      const row = rowOf(trial);
      Object.assign(row, { round, outcome, name: trial.name, state: 'ended', place: undefined });
      show.ended(row);
    },
  };
}

async function queueOf(
  { what, options, kind, sources, folder, plan, redis, interrupt }: Site,
  show: Show,
): Promise<Queue> {
  const { data, identity } = plan;
  if (redis) {
    const say = (text: string) => show.say(text);
    return redisQueue(redis, identityName(identity), {
      ...{ workers: workerCommand(kind, data), say, signal: interrupt.signal },
    });
  }
  const { threads } = spaceThreads(plan, kind);
  const runOf = (trial: Trial, each: number) => ({
    ...{ task: what, exported: options.export, data: data ?? undefined, ...apart(kind, trial.settings) },
    ...{ sources, dataDigest: dataDigestOf(kind, data, identity) },
    ...{ folder: trialFolder(folder, trial), threads: each },
  });
  return localQueue(runOf, { jobs: options.jobs, threads });
}

/** Threads of each training, where the space says them. */
function spaceThreads({ space }: Plan, kind: Kind): { threads?: number } {
  const said = spaceFrom(space, kind, '--space').get('threads');
  return said && 'values' in said ? { threads: said.values[0] as number } : {};
}

/** Without the address: it may have a password. */
const workerCommand = (kind: Kind, data: string | null) =>
  `2headgrad worker ${kind.command}${data === null ? '' : ` --data ${shellWord(data)}`} --redis URL`;

import { gzipSync } from 'node:zlib';
import { closing } from '../closing.js';
import { bytesText } from '../errors.js';
import { sessionBytes } from '../plan/layout.js';
import { RandomStream, STREAMS } from '../random/philox.js';
import type { AnyTrainStep } from '../run/train-step.js';
import { madeUp } from '../run/wide/request.js';
import { LEARNING_RATE } from '../train/description.js';
import type { Session } from '../train/session.js';
import { compileProgress } from './compile-progress.js';
import { noteThreads } from './describe.js';
import { absolute } from './folder.js';
import { answering, breathe, Interrupt } from './interrupt.js';
import { kindOf, kindsWith } from './kinds/index.js';
import { type Kind, type Rows, refuseOthers, settingsFrom } from './kinds/kind.js';
import { count, duration, note, Output, plural, rate, tableText } from './output.js';
import { optionSettings, type SettingValues } from './own-settings.js';
import { type Contestant, median, quantile, race, type Timing } from './rounds.js';
import type { RunSettings, Settings } from './settings.js';
import { buildStep, loadTask } from './task.js';

export interface BenchOptions extends Omit<Settings, 'threads' | 'seconds'> {
  threads: number;
  seconds: number;
  data?: string;
  export?: string;
  set?: SettingValues;
  memory?: number;
  json?: boolean;
}

/** Rounds in which all take a turn, but those that are slow, and the fewest in which these do. */
const ROUNDS = 7;
const LEAST_ROUNDS = 3;

interface Entrant extends Contestant {
  readonly session: Session;
}

interface Speed {
  readonly engine: string;
  readonly threads: number;
  /** Median, least and most of the rounds. */
  readonly steps_per_second: number;
  readonly lowest: number;
  readonly highest: number;
  readonly rounds: number;
}

/** Measures how fast a kind of model, or that of a file, trains. Returns the exit code. */
export function bench(what: string, options: BenchOptions): Promise<number> {
  return closing(async (use) =>
    measure(await kindOf(what, options.export, optionSettings(options.set)), options, use),
  );
}

async function measure(
  kind: Kind,
  { threads, seconds, data, memory, json = false, export: _, ...given }: BenchOptions,
  use: (session: Session) => Session,
): Promise<number> {
  const output = new Output(json);
  refuseOthers(kind, given, kindsWith(kind));
  const settings = settingsFrom(kind, given);
  new Interrupt('Stopping.', (signal) => output.result({ task: kind.command, interrupted: signal }));
  kind.check(settings);
  const { step, rows, lines } = await stepAndRows(kind, absolute(data), settings);
  for (const line of lines) output.line(line);

  const { seed } = settings;
  const progress = compileProgress();
  const module = await step.compileModule({ cache: false, apart: true, around: answering, memory, progress });
  const entrants: Entrant[] = [];
  for (const asked of new Set([1, threads])) {
    const session = use(await step.start(module, { seed, threads: asked }));
    noteThreads(session);
    if (entrants.some((other) => other.session.threads === session.threads)) continue;
    entrants.push(entrantOf(session));
  }
  entrants.push(entrantOf(use(answering(() => step.interpret({ seed })))));
  for (const { session } of entrants) session.data(rows.columns, { order: kind.order });

  const parameters = entrants[0].session.parameterCount;
  const wasm = { bytes: module.wasm.length, gzipped: gzipSync(module.wasm, { level: 9 }).length };
  const bytes = sessionBytes(module.layout, 1);
  const batch = kind.batch(settings);
  output.line(`${plural(parameters, 'parameter')}: ${kind.modelText(settings)}, batch ${count(batch)}`);
  output.line(
    `Compiled in ${duration(module.compileMs / 1000)}: ${bytesText(wasm.bytes)} of wasm, ${count(wasm.gzipped)} gzipped; ${bytesText(bytes)} of memory beside the data`,
  );
  const speeds = await speedsOf(entrants, seconds);
  output.line();
  for (const line of table(speeds)) output.line(line);
  output.result({
    ...{ task: kind.command, parameters, batch, compile_ms: module.compileMs },
    ...{ wasm_bytes: wasm.bytes, wasm_gzipped: wasm.gzipped, memory_bytes: bytes, speeds },
  });
  return 0;
}

/** The training step, traced, and rows to train on: where there are none, such as it can do something with. */
async function stepAndRows(
  kind: Kind,
  data: string | null,
  settings: RunSettings,
): Promise<{ step: AnyTrainStep; rows: Rows; lines: readonly string[] }> {
  if (data === null && kind.hasData === false && kind.keptNow) {
    const kept = kind.keptNow();
    const step = answering(() => buildStep(kind, kept, settings));
    return { step, rows: madeUpRows(step, settings.seed), lines: [`${kind.name}: made-up rows`] };
  }
  const { kept, rows, lines } = await loadTask(kind, data, settings);
  return { step: answering(() => buildStep(kind, kept, settings)), rows, lines };
}

/** One batch. */
function madeUpRows(step: AnyTrainStep, seed: number): Rows {
  const stream = new RandomStream(seed, STREAMS.batch);
  let drawn = 0;
  const random = () => stream.uniform(drawn++);
  const inputs = step.description.entries.train.inputs.filter(({ name }) => name !== LEARNING_RATE);
  const columns = inputs.map((input) => [input.name, madeUp(input, random, input.bound?.size)]);
  return { columns: Object.fromEntries(columns), rows: inputs[0].shape[0] ?? 1 };
}

function entrantOf(session: Session): Entrant {
  return {
    session,
    async take(steps) {
      await breathe();
      const began = performance.now();
      // At this rate parameters stay, so that no long measurement ends where numbers vanish or explode.
      await session.run({ steps, lr: 0, every: steps });
      return performance.now() - began;
    },
  };
}

/** Has all take turns for about so many seconds. */
async function speedsOf(entrants: readonly Entrant[], seconds: number): Promise<Speed[]> {
  const budgetMs = (1000 * seconds) / entrants.length;
  const timing: Timing = {
    ...{ rounds: ROUNDS, leastRounds: LEAST_ROUNDS },
    ...{ sampleMs: budgetMs / ROUNDS, budgetMs },
  };
  if (process.stderr.isTTY) note(`Measuring, ${duration(seconds)} and a while to warm up ...`);
  const results = await race(entrants, timing, () => {});
  return results.map(({ samples, failure }, i) => {
    if (failure) throw failure;
    const { session } = entrants[i];
    return {
      engine: session.kind,
      threads: session.threads,
      steps_per_second: median(samples),
      lowest: quantile(samples, 0),
      highest: quantile(samples, 1),
      rounds: samples.length,
    };
  });
}

function table(speeds: readonly Speed[]): string[] {
  const tape = speeds[speeds.length - 1].steps_per_second;
  const rows = speeds.map((speed) => [
    speed.engine === 'tape' ? 'tape' : `compiled, ${plural(speed.threads, 'thread')}`,
    rate(speed.steps_per_second),
    `${rate(speed.lowest)} to ${rate(speed.highest)}`,
    timeText(1 / speed.steps_per_second),
    `${(speed.steps_per_second / tape).toFixed(1)}x`,
  ]);
  return tableText(['', 'steps/s', 'rounds', 'a step', 'of the tape'], rows);
}

/** 2.31 s, 23.1 ms, 23.1 us. */
function timeText(seconds: number): string {
  const [scale, unit] = seconds >= 1 ? [1, 's'] : seconds >= 1e-3 ? [1e3, 'ms'] : [1e6, 'us'];
  return `${Number((seconds * scale).toPrecision(3))} ${unit}`;
}

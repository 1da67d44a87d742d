import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isObject } from '../../check.js';
import { readBytes } from '../../data/files.js';
import { clipped } from '../../printable.js';
import { thin } from '../../report/thin.js';
import { holdsRun, MODEL, readCurve } from '../folder.js';
import { PARTS, type Part } from '../kinds/kind.js';
import { isHeld } from '../lock.js';
import type { SettingValues } from '../own-settings.js';
import type { Settings } from '../settings.js';
import type { TrainOptions } from '../train.js';
import { MOST_REASON, type Outcome, type Place, type SmallCurve } from './outcome.js';
import { withoutSecrets } from './redis-url.js';
import type { Answer, Order } from './trial.js';

const SCRIPT = fileURLToPath(new URL('./trial.js', import.meta.url));
const KEPT_TEXT = 4096;
/** A process that is asked to save and end does so in a moment, or hangs. */
const STOP_MS = 30_000;
const WAIT_MS = 100;
const MOST_POINTS = 200;

export interface TrialRun {
  /** What `train` is given. */
  readonly task: string;
  readonly exported?: string;
  readonly data?: string;
  /** The SHA-256 of its data, where it is known: they may not be others when its turn comes. */
  readonly dataDigest?: string;
  readonly settings: Settings;
  /** What its model file asks for. */
  readonly set: SettingValues;
  /** The digest of that file, which may not be another when its turn comes. */
  readonly sources?: string;
  readonly folder: string;
  readonly threads?: number;
}

interface Ended extends Answer {
  /** How a process ended that gave no answer. */
  readonly how?: string;
}

/** Trains in a process of its own; null where `signal` has stopped it. What the folder has of the same training is gone on with. */
export async function runTrial(
  run: TrialRun,
  signal: AbortSignal,
  onPlace: (place: Place) => void = () => {},
): Promise<Outcome | null> {
  const folder = await freeFolder(run.folder, signal);
  if (signal.aborted) return null;
  const started = performance.now();
  const resume = await holdsRun(folder);
  let ended = await inProcess({ ...run, folder }, resume, signal, onPlace);
  // What cannot be gone on with, cut off or damaged, is begun again.
  if (resume && ended.error !== undefined && !ended.diverged && !signal.aborted)
    ended = await inProcess({ ...run, folder }, false, signal, onPlace);
  const about = { host: hostname(), seconds: Math.round(performance.now() - started) / 1000 };
  if (ended.code === 0 && ended.result) return { ...(await resultOf(ended.result, folder)), about };
  if (ended.error === undefined && signal.aborted) return null;
  const reason = clipped(ended.error ?? ended.how ?? `it ended with exit code ${ended.code}`, MOST_REASON);
  return { status: ended.diverged ? 'diverged' : 'failed', reason: withoutFolder(reason, folder), about };
}

/** Of a sweep that was killed a training may still be about to save; what a lost host holds for good is left to it. */
async function freeFolder(folder: string, signal: AbortSignal): Promise<string> {
  const until = performance.now() + STOP_MS;
  while (!signal.aborted && (await isHeld(folder))) {
    if (performance.now() > until) return `${folder}-${hostname()}-${process.pid}`;
    await sleep(WAIT_MS);
  }
  return folder;
}

function inProcess(
  { task, exported, data, dataDigest, settings, set, sources, folder, threads }: TrialRun,
  resume: boolean,
  signal: AbortSignal,
  onPlace: (place: Place) => void,
): Promise<Ended> {
  const options: TrainOptions = {
    ...settings,
    // The tape has one thread.
    ...(threads !== undefined && settings.engine !== 'tape' && { threads }),
    ...{ data, dataDigest, export: exported, set, out: folder, resume },
  };
  return new Promise((resolve) => {
    // In a group of its own: Ctrl-C in a terminal is for whoever waits, who passes it on once.
    const child = fork(SCRIPT, [], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      detached: true,
      env: withoutSecrets(process.env),
    });
    let stderr = '';
    let answer: Answer = {};
    let timer: NodeJS.Timeout | undefined;
    const stop = () => {
      child.send('stop' satisfies Order, () => {});
      timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    };
    child.stderr!.on('data', (text) => {
      stderr = (stderr + text).slice(-KEPT_TEXT);
      const place = placeIn(stderr);
      if (place) onPlace(place);
    });
    child.on('message', (message) => (answer = isObject(message) ? message : {}));
    const end = (how: string) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      resolve({ ...answer, how });
    };
    child.once('error', (error) => end(`a process could not be started: ${error.message}`));
    child.once('close', (code, killed) =>
      end(
        killed
          ? `its process was ended by ${killed}`
          : `its process ended with exit code ${code} before it had a result: the model file ends it, as it seems`,
      ),
    );
    signal.addEventListener('abort', stop);
    child.send({ task, options, sources, parent: process.pid, grace: STOP_MS } satisfies Order, () => {});
  });
}

/** The last place that a training has told. */
function placeIn(text: string): Place | undefined {
  const found = [...text.matchAll(/^step ([\d,]+) of ([\d,]+) {2}loss (\S+)/gm)].at(-1);
  const number = (digits: string) => Number(digits.replaceAll(',', ''));
  return found && { at: number(found[1]), of: number(found[2]), loss: found[3] };
}

async function resultOf(result: Record<string, unknown>, folder: string): Promise<Omit<Outcome, 'about'>> {
  const steps = Number(result.steps);
  const bytes = await readBytes(join(folder, MODEL));
  return {
    status: 'done',
    steps,
    measured: measuredIn(result),
    model: createHash('sha256').update(bytes).digest('hex'),
    curve: await curveIn(folder, steps),
  };
}

/** Losses and metrics of one number, by the part that they were measured on. */
function measuredIn(result: Record<string, unknown>): NonNullable<Outcome['measured']> {
  const metrics = isObject(result.metrics) ? result.metrics : {};
  const of = (part: Part) => {
    const named = metrics[part] ?? (part === 'dev' ? metrics.validation : undefined);
    const numbers = Object.entries(isObject(named) ? named : {}).filter(([, x]) => typeof x === 'number');
    return { loss: finite(result[`${part}_loss`]), ...Object.fromEntries(numbers) };
  };
  const parts = PARTS.filter((part) => result[`${part}_loss`] !== undefined);
  return Object.fromEntries(parts.map((part) => [part, of(part)]));
}

const finite = (x: unknown) => (Number.isFinite(x) ? Number(x) : null);

async function curveIn(folder: string, steps: number): Promise<SmallCurve> {
  const { train, dev, span = 1 } = await readCurve(folder, steps);
  const points = thin(
    train.map((_, i) => (i + 1) * span),
    train,
    MOST_POINTS,
  );
  const held = thin(
    dev.map(({ step }) => step),
    dev.map(({ loss }) => loss),
    MOST_POINTS,
  );
  const plain = (list: typeof points) => list.map(({ x, y }) => [x, finite(y)] as const);
  return { train: plain(points), dev: plain(held) };
}

/** What failed is told alike wherever it ran. */
const withoutFolder = (reason: string, folder: string) =>
  reason.replace(` Saved in ${folder}.`, '').replace(` ${folder} is as it was before.`, '');

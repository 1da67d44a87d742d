import { basename, extname, resolve } from 'node:path';
import { crossEntropyOf } from '../../doctor/cross-entropy.js';
import { DataError, GradError, OptionError } from '../../errors.js';
import * as schedules from '../../optim/schedule.js';
import { type AnyTrainStep, trainStep } from '../../run/train-step.js';
import { readColumns } from '../columns-file.js';
import { checkData, columnsOf, digestOf, rowText } from '../file-data.js';
import { samplerOf } from '../file-sampler.js';
import { difference, type Identity, identityFrom, identityOf } from '../identity.js';
import { answering } from '../interrupt.js';
import type { ModelFile } from '../model.js';
import { plural } from '../output.js';
import { settingsText, valuesOf } from '../own-settings.js';
import { type FileSettings, flagOf, type SettingName } from '../settings.js';
import { shellWord } from '../shell.js';
import { type Training, trainingOf } from '../training.js';
import { type Baseline, type Choices, type Kind, PARTS, type Part, type Task } from './kind.js';

/** Steps, and rates by the name of the optimizer, where neither the file nor the command line says any. */
const STEPS = 1000;
const RATES: Readonly<Record<string, number>> = { sgd: 0.1 };
const RATE = 0.001;

/** The options that any model file has. */
export const MODEL_FILE: Choices<FileSettings> & Pick<Kind, 'format'> = {
  name: 'a model file',
  format: 'file',
  initial: {
    ...{ steps: null as unknown as number, lr: null, schedule: 'constant', warmup: null, every: null },
    ...{ seed: 42, shards: 1, threads: 1, engine: 'compiled' },
  },
  model: [],
};

/** The folder that a step of a file is trained into unless told; `name`: where there are several. */
export const usualFolder = (path: string, name?: string): string =>
  `runs/${stemOf(path)}${name === undefined ? '' : `-${name}`}`;

const stemOf = (path: string) => basename(path, extname(path)).replace(/\.grad$/, '');

/** A step of a user's file. Throws DataError where the file says something wrong of its training. */
export function modelFile(
  file: ModelFile,
  { name, step }: { name: string; step: AnyTrainStep },
): Kind<FileSettings, Identity> {
  const { path } = file;
  const training = trainingOf(file);
  const { batchSize, options } = step.definition;
  const usual = RATES[options.optimizer.name] ?? RATE;
  const several = file.steps.size > 1;
  const stem = stemOf(path);
  const own = file.settings;
  checkNames(path, [...own.keys()]);
  const values = valuesOf(own);
  const set = own.size === 0 ? '' : `, ${settingsText(values)}`;
  let known: Identity | undefined;
  const now = () => {
    known ??= inFile(path, name, () => identityOf(resolve(path), name, step));
    return known;
  };
  return {
    name: path,
    format: MODEL_FILE.format,
    command: shellWord(path) + (several ? ` --export ${shellWord(name)}` : ''),
    folder: usualFolder(path, several ? name : undefined),
    title: training.title ?? (options.name === undefined ? stem : step.definition.name),
    initial: initialOf(training, usual),
    model: MODEL_FILE.model,
    own,
    keeps: 'model',
    dev: 'validation',
    otherData: 'gives others now; it must give the same each time',
    unit: () => 'row',
    bits: () => undefined,
    order: training.order,
    hasData: file.exports.data !== undefined,
    batch: () => batchSize,
    check: (settings) => check(path, settings),
    keptNow: now,
    keptFrom: (json) => identityFrom(json),
    checkSame(before, folder) {
      const differs = difference(before, now());
      if (differs)
        throw new DataError(
          `the run in ${folder} was begun with another model than ${path} has now: ${differs}; change it back, or train into another folder (--out)`,
        );
    },
    async load(json) {
      const found = columnsOf(file, json === null ? await file.data() : await readColumns(json), {
        name,
        step,
      });
      return taskOf(file, now(), { step, source: json ?? `${path}: data`, found });
    },
    step: (_, __, diagnostics) =>
      diagnostics && !options.diagnostics
        ? (trainStep({ ...options, diagnostics }) as unknown as AnyTrainStep)
        : step,
    rate: (settings) => rateOf(training, settings),
    rateText: (settings) => rateText(settings, training.lr === undefined && settings.lr === usual),
    every: ({ every }) => every,
    baseline: () => inFile(path, name, () => uniformOf(step)),
    facts: ({ step, optimizer }) => ({
      ...{ file: path, export: step, optimizer },
      ...(own.size > 0 && { set: values }),
    }),
    modelText: () => `${name} of ${path}${set}, ${options.optimizer.name}`,
    curveTitle: () => `${training.title ?? stem}: batch ${batchSize}`,
    sampler: samplerOf(file, step),
  };
}

/** A space of a sweep has all by their names alone. */
function checkNames(path: string, names: readonly string[]): void {
  const taken = names.find((name) => Object.hasOwn(MODEL_FILE.initial, name));
  if (taken !== undefined)
    throw new DataError(
      `${path}: the setting ${taken} has the name of an option of every model file, ${flagOf(taken as SettingName)}: call it otherwise`,
    );
}

function initialOf(training: Training, usual: number): FileSettings {
  const { lr = usual, schedule = 'constant', warmup = null, every = null } = training;
  const { steps = STEPS, seed = 42, threads = 1 } = training;
  const rate = typeof lr === 'function' ? null : lr;
  return { steps, lr: rate, schedule, warmup, every, seed, shards: 1, threads, engine: 'compiled' };
}

function check(path: string, { lr, schedule, warmup, steps }: FileSettings): void {
  const function_ = `the learning rate of ${path} is a function of the step: give --lr too`;
  if (lr === null && schedule !== 'constant')
    throw new OptionError(`${flagOf('schedule')} ${schedule}: ${function_}`);
  if (lr === null && warmup !== null) throw new OptionError(`${flagOf('warmup')} ${warmup}: ${function_}`);
  if (schedule === 'one-cycle' && warmup !== null)
    throw new OptionError(`${flagOf('warmup')} ${warmup}: one-cycle rises by itself; leave one of them out`);
  if (warmup !== null && warmup > steps)
    throw new OptionError(`${flagOf('warmup')} ${warmup}: there are ${plural(steps, 'step')} in all`);
}

function rateOf({ lr: own }: Training, settings: FileSettings): (step: number) => number {
  const { lr, schedule, steps, warmup } = settings;
  if (lr === null) return own as (step: number) => number;
  const left = Math.max(1, steps - (warmup ?? 0));
  if (schedule === 'one-cycle') return schedules.oneCycle({ max: lr, steps: left });
  const then = schedule === 'cosine' ? schedules.cosine({ lr, steps: left }) : schedules.constant(lr);
  return schedules.warmup(warmup ?? 0, then);
}

function rateText({ lr, schedule, warmup }: FileSettings, usual: boolean): string {
  if (lr === null) return 'as the file says';
  if (schedule === 'one-cycle') return `up to ${lr} and down again in one cycle`;
  const rising = warmup ? `rising to ${lr} in ${plural(warmup, 'step')}` : `${lr}`;
  const text = schedule === 'cosine' ? `${rising}, by a cosine to 0` : rising;
  return usual ? `${text} (nobody said one; lr-find looks for it)` : text;
}

/** Runs what traces the model: errors of it are told with the file. */
function inFile<T>(path: string, name: string, f: () => T): T {
  try {
    return answering(f);
  } catch (error) {
    if (error instanceof GradError) throw new DataError(`${path}, ${name}: ${error.message}`);
    throw error;
  }
}

/** What a guess that all classes are as likely would lose, where the loss is a cross-entropy. */
function uniformOf(step: AnyTrainStep): Baseline | null {
  const loss = step.program.entries.train.outputs.find((output) => output.name === 'loss');
  const found = loss && crossEntropyOf(loss.node);
  if (!found || Math.abs(found.uniform - Math.log(found.classes)) > 1e-6) return null;
  return {
    loss: found.uniform,
    why: `ln(${found.classes}): every class as likely as any other`,
  };
}

function taskOf(
  file: ModelFile,
  kept: Identity,
  { step, source, found }: { step: AnyTrainStep; source: string; found: ReturnType<typeof columnsOf> },
): Task<Identity> {
  const data = checkData(file, found, { step }, source);
  const sizeOf = Object.fromEntries(Object.entries(data).map(([part, { rows }]) => [part, rows]));
  const size = Object.values(data).reduce((n, { rows }) => n + rows, 0);
  const said = (part: Part) => `${part === 'dev' ? 'validation' : part} ${plural(data[part]!.rows, 'row')}`;
  const columns = Object.entries(step.definition.options.batch).map(
    ([name, type]) => `${name} ${rowText(type)}`,
  );
  return {
    source,
    size,
    sha256: digestOf(data),
    kept,
    lines: [
      `${source}: ${columns.join(', ')}`,
      PARTS.filter((part) => data[part])
        .map(said)
        .join(', '),
    ],
    sizeOf,
    rows: data.train,
    measured: data,
    watched: data.dev ?? null,
  };
}

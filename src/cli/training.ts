import { checkOptions, learningRate, oneOf, shown, wholeNumber } from '../check.js';
import { DataError, OptionError } from '../errors.js';
import type { LearningRate } from '../train/session.js';
import { type ModelFile, whereIs } from './model.js';
import { SCHEDULES, SETTINGS } from './settings.js';

/**
 * What a model file may say of its training, as its export `training`; the command line has the last word. README, "A
 * model of your own", lists it for users.
 */
export interface Training {
  /** Unless given 1,000. */
  steps?: number;
  /** A rate, or a function of the step, which counts from 0; unless given what is usual for the optimizer. */
  lr?: LearningRate;
  schedule?: (typeof SCHEDULES)[number];
  /** Steps in which the rate rises. */
  warmup?: number;
  seed?: number;
  threads?: number;
  /** Steps from one loss on held-out data to the next. */
  every?: number;
  /** Of the report. */
  title?: string;
}

const KNOWN = ['steps', 'lr', 'schedule', 'warmup', 'seed', 'threads', 'every', 'title'] as const;

/** The export `training` of a model file, checked; `{}` where there is none. Throws DataError. */
export function trainingOf(file: ModelFile): Training {
  const { training = {} } = file.exports as { training?: Training };
  try {
    check(training);
    return training;
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    throw new DataError(`${file.path}: ${error.message}${whereIs(file, 'training')}`);
  }
}

function check(training: Training): void {
  checkOptions('training', training, KNOWN, {
    batch: 'it is said by the shapes of the batch in trainStep',
    epochs: 'give steps: rows / batch of them are an epoch',
    optimizer: 'give it to trainStep',
    data: 'export it by itself',
  });
  const { lr, schedule, warmup, title } = training;
  for (const name of ['steps', 'seed', 'threads', 'every'] as const) {
    if (training[name] === undefined) continue;
    const problem = SETTINGS[name].problem(training[name]);
    if (problem) throw new OptionError(`training: ${name} is ${shown(training[name])}: ${problem}`);
  }
  if (lr !== undefined && typeof lr !== 'function') learningRate('training: lr', lr);
  if (schedule !== undefined) oneOf('training: schedule', schedule, SCHEDULES);
  if (warmup !== undefined) wholeNumber('training: warmup', warmup, 0);
  if (title !== undefined && typeof title !== 'string')
    throw new OptionError(`training: title must be a text, got ${shown(title)}`);
}

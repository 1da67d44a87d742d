import { shown } from '../check.js';
import { DataError, GradError } from '../errors.js';
import { choose } from '../models/choose.js';
import { RandomStream, STREAMS } from '../random/philox.js';
import type { AnyTrainStep } from '../run/train-step.js';
import { locationIn } from '../source.js';
import type { Session } from '../train/session.js';
import type { Sampler, Sampling } from './kinds/kind.js';
import type { ModelFile } from './model.js';
import { LONGEST_TEXT, textHtml, textLines } from './sampling.js';
import { checkModelSize } from './task.js';

/** What the export `sample` of a model file is given beside a session with the trained weights. */
export interface SampleInputs {
  /** What the sample is to begin with, if anything. */
  readonly prompt: string | undefined;
  /** How long it is to be, in whatever it is made of. */
  readonly length: number;
  /** Draws one of many by their probabilities, with the temperature, top-k and top-p of the command line. */
  next(probabilities: ArrayLike<number>): number;
  /** In (0, 1); the same numbers for the same seed. */
  random(): number;
}

type Sample = (session: Session, inputs: SampleInputs) => unknown;

/** Samples by what a model file exports as `sample`; null where it exports no such thing. */
export function samplerOf({ path, exports }: ModelFile, step: AnyTrainStep): Sampler | null {
  const { sample } = exports as { sample?: Sample };
  if (sample === undefined) return null;
  if (typeof sample !== 'function')
    throw new DataError(
      `${path}: sample must be a function, (session, { prompt, length, next, random }) => text, got ${shown(sample)}`,
    );
  return {
    counts: { train: 1, sample: 1 },
    noun: 'samples',
    endless: true,
    text: textLines,
    html: textHtml,
    *draw(checkpoint, _kept, _settings, seed, how) {
      checkModelSize(step, checkpoint.length);
      const session = step.interpret({ seed });
      const numbers = new RandomStream(seed, STREAMS.sample);
      for (let k = 0; ; k++) {
        // State that the sample before has left, such as keys and values, is not that of this one.
        session.restore(checkpoint);
        yield made(path, sample, session, inputsOf(how, numbers, k * LONGEST_TEXT));
      }
    },
  };
}

function inputsOf(
  { prompt, length, ...choice }: Sampling,
  numbers: RandomStream,
  from: number,
): SampleInputs {
  let at = from;
  const random = () => numbers.uniform(at++);
  const { temperature, topK, topP } = choice;
  return {
    prompt,
    length,
    random,
    next: (probabilities) => choose(probabilities, random(), { temperature, topK, topP }),
  };
}

function made(path: string, sample: Sample, session: Session, inputs: SampleInputs): string {
  let text: unknown;
  try {
    text = sample(session, inputs);
  } catch (error) {
    if (error instanceof GradError) throw new DataError(`${path}: sample: ${error.message}`);
    const { name, message, stack = '' } = error instanceof Error ? error : new Error(String(error));
    const where = locationIn(stack);
    throw new DataError(`${path}: sample() threw ${name}: ${message}${where ? ` (${where})` : ''}`);
  }
  if (typeof text !== 'string')
    throw new DataError(`${path}: sample() must return a text, got ${shown(text)}`);
  return text;
}

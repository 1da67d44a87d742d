import { GradError } from '../errors.js';

export interface Suggestion {
  /** A rate to train with, of two digits. */
  suggestion: number;
  /** The rule that gave it, with its numbers. */
  why: string;
}

/**
 * What part of the rate with the lowest average to suggest. There the loss no longer falls on balance, and the average
 * has come some steps late; a rate that is kept for a whole training has to be lower. Chosen by trainings on a grid of
 * rates (examples/learning-rate): a tenth, the common rule, trains too slowly, and the steepest place of the curve moves
 * much more with the batches and the number of steps.
 */
const PART = 3;

/** The rate to train with, from the averaged losses of a run with rising rates, of which the first `window` only begin the average. */
export function suggest(rates: readonly number[], smoothed: readonly number[], window: number): Suggestion {
  let low = window;
  for (let i = window; i < smoothed.length; i++) if (smoothed[i] < smoothed[low]) low = i;
  const range = `${digits(rates[0])} to ${digits(rates.at(-1)!)}`;
  if (!(low > window && low < smoothed.length)) {
    throw new GradError(
      `the loss does not fall as the learning rate rises from ${range}: begin lower, or take more steps`,
    );
  }
  const suggestion = Number((rates[low] / PART).toPrecision(2));
  const turned = low < smoothed.length - window;
  const lowest = `the averaged loss is lowest, ${digits(smoothed[low])}, where the rate is ${digits(rates[low])}`;
  const after = turned
    ? 'beyond it rises again'
    : 'at the end of the run: higher rates, which were not tried, may be better';
  return {
    suggestion,
    why: `${lowest}, and ${after}; a third of that, ${suggestion}, can be kept for a whole training`,
  };
}

const digits = (x: number) => String(Number(x.toPrecision(3)));

import { DivergedError, GradError } from '../../errors.js';
import type { NotChecked, Problem, Rule } from '../finding.js';
import type { Patient } from '../patient.js';
import { short } from '../words.js';

const STEPS = 30;
/** The last losses of a trial, whose median says where it ended. */
const LAST = 7;
/** Ending this many times above the first loss is divergence. */
const WORSE = 1.5;

/** A learning rate that blows the loss up: tried for a few steps on one batch, beside a tenth and a hundredth of it. */
export const learningRate: Rule = {
  name: 'learning-rate',
  holds: 'the first steps at the learning rate do not blow the loss up',
  examine(patient): readonly Problem[] | NotChecked {
    const { lr, dataset, step } = patient;
    if (lr === undefined) return { notChecked: 'no learning rate is given' };
    if (!dataset) return { notChecked: 'it needs the data' };
    try {
      const high = trial(patient, lr);
      if (!high.diverges) return [];
      const lower = [lr / 10, lr / 100].map((rate) => ({ rate, ...trial(patient, rate) }));
      const fine = lower.find((low) => !low.diverges);
      // Where no rate helps, the rate is not what is wrong.
      if (!fine) return { notChecked: 'the loss grows at every learning rate that was tried' };
      return [
        {
          where: step.madeAt,
          why: `the learning rate ${short(lr)} is too high: ${path(high)}; at ${short(fine.rate)} ${path(fine)}`,
          fix: `start with ${short(fine.rate)} or less; the learning-rate finder shows where the loss falls fastest`,
        },
      ];
    } catch (error) {
      if (error instanceof GradError) return { notChecked: `training cannot be tried: ${error.message}` };
      throw error;
    }
  },
};

interface Trial {
  first: number;
  last: number;
  steps: number;
  diverges: boolean;
}

function path({ first, last, steps }: Trial): string {
  return `the loss goes from ${short(first)} to ${short(last)} in ${steps} steps`;
}

/** A few steps on the tape, all on the first batch: what one batch differs from the next does not count. */
function trial({ step, batch, seed }: Patient, lr: number): Trial {
  const session = step.interpret({ seed });
  const losses: number[] = [];
  try {
    while (losses.length < STEPS) losses.push(session.step({ lr, batch: batch! }));
  } catch (error) {
    if (!(error instanceof DivergedError)) throw error;
    const steps = losses.length + 1;
    return { first: losses[0] ?? error.loss, last: error.loss, steps, diverges: true };
  }
  const [first] = losses;
  const last = losses.slice(-LAST).sort((a, b) => a - b)[Math.floor(LAST / 2)];
  return { first, last, steps: STEPS, diverges: last > first + (WORSE - 1) * Math.abs(first) };
}

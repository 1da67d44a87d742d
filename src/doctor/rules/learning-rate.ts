import { closing } from '../../closing.js';
import { GradError } from '../../errors.js';
import { type Bounds, findBounds, gainOf } from '../../finder/bounds.js';
import { Trials } from '../../finder/trials.js';
import { TrainStep } from '../../run/train-step.js';
import { numel } from '../../shape.js';
import type { Session } from '../../train/session.js';
import type { NotChecked, Problem, Rule } from '../finding.js';
import type { Patient } from '../patient.js';
import { short } from '../words.js';

/** Steps of each short training. */
const STEPS = 50;
/** From so many parameters on, compiling takes less time than the tape's slower steps. */
const COMPILED_FROM = 30_000;

/** A learning rate at which the loss explodes, by the bound of the finder of learning rates. */
export const learningRate: Rule = {
  name: 'learning-rate',
  holds: 'the loss falls at the learning rate',
  async examine(patient): Promise<readonly Problem[] | NotChecked> {
    const { lr, dataset, step } = patient;
    if (lr === undefined) return { notChecked: 'no learning rate is given' };
    if (!dataset) return { notChecked: 'it needs the data' };
    try {
      return await closing(async (use) => {
        const session = use(await opened(patient));
        session.data(dataset.columns);
        const trials = new Trials(session);
        // One training tells that a rate is fine; where it does not, the bound is searched for.
        const [still, losses] = [await trials.run(new Float64Array(STEPS)), await trials.run(rates(lr))];
        if (lr === 0 || gainOf(still, losses) > 0) return [];
        const { upper, lower } = await findBounds(trials, STEPS, () => {});
        return lr < upper ? [] : [problem(step.madeAt, lr, still[0], losses, { upper, lower })];
      });
    } catch (error) {
      if (error instanceof GradError) return { notChecked: `training cannot be tried: ${error.message}` };
      throw error;
    }
  },
};

const rates = (lr: number) => new Float64Array(STEPS).fill(lr);

/** A session that leaves parameters without a gradient as they are: they are another finding. */
function opened({ definition, parameters, seed }: Patient): Session | Promise<Session> {
  const step = new TrainStep({ ...definition.options, allowUnused: true });
  const size = parameters.reduce((n, { variable }) => n + numel(variable.shape), 0);
  return size < COMPILED_FROM ? step.interpret({ seed }) : step.compile({ seed });
}

function problem(
  where: string,
  lr: number,
  first: number,
  losses: readonly number[],
  { upper, lower }: Pick<Bounds, 'upper' | 'lower'>,
): Problem {
  const tried = `the loss goes from ${short(first)} to ${short(losses.at(-1)!)} in ${losses.length} steps`;
  const start = short(Number(Math.max(lower, upper / 10).toPrecision(1)));
  return {
    where,
    why: `the learning rate ${short(lr)} is too high: ${tried}; from ${short(upper)} on the loss explodes`,
    fix: `start with about ${start}; 2headgrad lr-find and findLearningRate look closer`,
  };
}

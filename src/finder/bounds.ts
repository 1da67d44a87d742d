import { GradError } from '../errors.js';
import type { Trials } from './trials.js';

/** A short training with one rate. */
export interface Probe {
  readonly rate: number;
  /**
   * How far below the loss without training it ended: the mean difference over the last half of the steps, on the same
   * batches. Negative where training did harm, -Infinity where a loss was not finite.
   */
  readonly gain: number;
}

/** Between which rates a model learns. */
export interface Bounds {
  /** The loss stands still at this rate and below. */
  readonly lower: number;
  /** The loss explodes at this rate and above. */
  readonly upper: number;
  /** The trainings behind it, by rate. */
  readonly probes: readonly Probe[];
}

/** A rate stands still if the loss falls by less than this part of what it falls by at the best rate. */
export const STILL = 0.02;
const START = 1e-3;
export const LOWEST = 1e-12;
export const HIGHEST = 1e6;
/** Times that the decade in which a bound lies is halved: upper bounds to a factor of 1.33, lower ones to 1.78. */
const HALVINGS = { upper: 3, lower: 2 };

/**
 * Searches the rates between which the loss falls, by short trainings of `steps` steps from the same start on the same
 * batches. Comparing with the loss on those batches without training takes the noise of the batches away, so that
 * even a small fall can be told from none. Neither adding to the loss nor a factor changes what is found.
 */
export async function findBounds(
  trials: Trials,
  steps: number,
  onProbe: (probe: Probe) => void,
): Promise<Bounds> {
  const still = await trials.run(new Float64Array(steps));
  const untrained = still.at(-1)!;
  if (!Number.isFinite(untrained)) {
    throw new GradError(
      `the loss is ${untrained} before any training: mend the model or its data before looking for a learning rate`,
    );
  }
  const probes: Probe[] = [];
  const probe = async (rate: number): Promise<Probe> => {
    const losses = await trials.run(new Float64Array(steps).fill(rate));
    const found = { rate, gain: gainOf(still, losses) };
    probes.push(found);
    onProbe(found);
    return found;
  };
  const best = () => probes.reduce((a, b) => (b.gain > a.gain ? b : a));
  const learns = ({ gain }: Probe) => gain >= STILL * best().gain;
  const least = smallest(still);

  await probe(START);
  for (let last = probes[0]; last.gain > -least && last.rate < HIGHEST / 2; ) {
    last = await probe(decades(last.rate, 1));
    if (best().gain > least && !learns(last)) break;
  }
  for (let last = probes[0]; last.rate > 2 * LOWEST; ) {
    if (best().gain > least && last.rate <= best().rate && !learns(last)) break;
    last = await probe(decades(last.rate, -1));
  }
  const top = best();
  if (!(top.gain > least)) {
    throw new GradError(
      `the loss falls at no learning rate from ${LOWEST} to ${HIGHEST} in ${steps} steps: see whether it depends on the parameters, or give more steps`,
    );
  }
  const above = probes.filter((p) => p.rate > top.rate).sort(byRate);
  const below = probes.filter((p) => p.rate < top.rate).sort(byRate);
  const upper = await narrow(
    above.find((p) => !learns(p)),
    top,
    HALVINGS.upper,
  );
  const lower = await narrow(
    below.findLast((p) => !learns(p)),
    top,
    HALVINGS.lower,
  );
  return { lower: lower ?? LOWEST, upper: upper ?? HIGHEST, probes: probes.sort(byRate) };

  /** The end, nearest to the best rate, of the rates at which the model does not learn; undefined if there are none. */
  async function narrow(from: Probe | undefined, best: Probe, halvings: number): Promise<number | undefined> {
    if (!from) return undefined;
    let outside = from.rate;
    let inside = probes
      .filter((p) => learns(p) && p.rate < from.rate === best.rate < from.rate)
      .sort((a, b) => Math.abs(Math.log(a.rate / outside)) - Math.abs(Math.log(b.rate / outside)))[0].rate;
    for (let i = 0; i < halvings; i++) {
      const middle = await probe(Math.sqrt(outside * inside));
      if (learns(middle)) inside = middle.rate;
      else outside = middle.rate;
    }
    return outside;
  }
}

const byRate = (a: Probe, b: Probe) => a.rate - b.rate;

/** Powers of ten stay exact. */
const decades = (rate: number, by: number) => Number(`1e${Math.round(Math.log10(rate)) + by}`);

export function gainOf(still: readonly number[], losses: readonly number[]): number {
  if (!losses.every(Number.isFinite)) return Number.NEGATIVE_INFINITY;
  const from = Math.floor(still.length / 2);
  let sum = 0;
  for (let i = from; i < still.length; i++) sum += still[i] - losses[i];
  return sum / (still.length - from);
}

/** The smallest change of the loss that is no rounding: f32 has seven digits. */
function smallest(losses: readonly number[]): number {
  return 1e-6 * losses.reduce((most, loss) => Math.max(most, Math.abs(loss)), Number.MIN_VALUE);
}

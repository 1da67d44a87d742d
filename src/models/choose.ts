import { checkOptions, notNegative, positive, wholeNumber } from '../check.js';
import { GradError } from '../errors.js';

/** How one token is drawn from probabilities. */
export interface Choice {
  /** Below 1 what is likely gets likelier still, and at 0 the likeliest is taken; 1 leaves them. */
  temperature: number;
  /** Only so many of the likeliest; 0: all. */
  topK: number;
  /** Only the likeliest that together have this probability; 1: all. (Holtzman et al. 2020, section 3.1.) */
  topP: number;
}

/** As the model has them. */
export const PLAIN: Choice = { temperature: 1, topK: 0, topP: 1 };

/**
 * The index that a uniform number of (0, 1) draws from probabilities, which need not add up to 1: first the
 * temperature,
 * then top-k, then top-p. Of several that are as likely the first counts as likelier. What
 * `how` leaves out is as in PLAIN; throws OptionError where it is wrong.
 *
 * @example
 * ```ts
 * import { choose } from '2headgrad';
 * const probabilities = [0.1, 0.6, 0.3];
 * console.log(choose(probabilities, 0.05), choose(probabilities, 0.05, { topK: 1 }), choose(probabilities, 0.95)); // 0 1 2
 * ```
 */
export function choose(
  probabilities: ArrayLike<number>,
  uniform: number,
  options: Partial<Choice> = PLAIN,
): number {
  const how = checkedChoice(options);
  return draw(limited(tempered(checked(probabilities), how.temperature), how), uniform);
}

function checkedChoice(options: Partial<Choice>): Choice {
  checkOptions('choose', options, ['temperature', 'topK', 'topP']);
  const { temperature = PLAIN.temperature, topK = PLAIN.topK, topP = PLAIN.topP } = options;
  notNegative('choose: temperature', temperature);
  wholeNumber('choose: topK', topK, 0);
  positive('choose: topP', topP);
  return { temperature, topK, topP };
}

function checked(probabilities: ArrayLike<number>): ArrayLike<number> {
  let sum = 0;
  for (let i = 0; i < probabilities.length; i++) sum += probabilities[i];
  if (!Number.isFinite(sum))
    throw new GradError('the model gives probabilities that are not numbers: train it again');
  return probabilities;
}

/** p^(1 / temperature), of the largest as 1: what softmax(logits / temperature) is but for a factor. */
function tempered(probabilities: ArrayLike<number>, temperature: number): ArrayLike<number> {
  if (temperature === 1) return probabilities;
  let best = 0;
  for (let i = 1; i < probabilities.length; i++) if (probabilities[i] > probabilities[best]) best = i;
  const most = probabilities[best];
  return Float64Array.from(probabilities, (p, i) => {
    if (temperature === 0) return i === best ? 1 : 0;
    return (p / most) ** (1 / temperature);
  });
}

/** Zeros for all that top-k and top-p leave out. */
function limited(weights: ArrayLike<number>, { topK, topP }: Choice): ArrayLike<number> {
  const wantsK = topK > 0 && topK < weights.length;
  if (!wantsK && topP >= 1) return weights;
  const order = Array.from(weights, (_, i) => i).sort((a, b) => weights[b] - weights[a] || a - b);
  const kept = wantsK ? order.slice(0, topK) : order;
  const total = kept.reduce((sum, i) => sum + weights[i], 0);
  const out = new Float64Array(weights.length);
  let sum = 0;
  for (const i of kept) {
    out[i] = weights[i];
    sum += weights[i];
    if (sum >= topP * total) break;
  }
  return out;
}

/** The index into whose share of [0, sum of weights) the number falls. */
function draw(weights: ArrayLike<number>, uniform: number): number {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += weights[i];
  let left = uniform * sum;
  let last = 0;
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] === 0) continue;
    last = i;
    left -= weights[i];
    if (left < 0) break;
  }
  return last;
}

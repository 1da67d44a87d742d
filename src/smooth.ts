import { OptionError } from './errors.js';

/**
 * A running exponential average without the pull towards zero at the start (the correction of Adam's moments:
 * Kingma and Ba 2015, section 3). Feed it one value at a time; it returns the average so far. A value that is not
 * finite leaves the average as it is and returns NaN, so that one bad step does not hide all that follow.
 */
export function smoother(decay = 0.99): (value: number) => number {
  if (!(decay >= 0 && decay < 1)) {
    throw new OptionError(`the decay of the average is ${decay}; it must be at least 0 and below 1`);
  }
  let sum = 0;
  let weight = 0;
  return (value) => {
    if (!Number.isFinite(value)) return Number.NaN;
    sum = decay * sum + (1 - decay) * value;
    weight = decay * weight + (1 - decay);
    return sum / weight;
  };
}

/** The bias-corrected exponential moving average of a series, as long as the series. */
export function smooth(values: ArrayLike<number>, decay = 0.99): Float64Array {
  return Float64Array.from(values, smoother(decay));
}

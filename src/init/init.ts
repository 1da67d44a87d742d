import { OptionError } from '../errors.js';
import type { Initializer } from '../ops/tensor.js';
import { numel, type Shape } from '../shape.js';
import { declared } from './fill.js';

export function constant(value: number): Initializer {
  return declared(() => ({ kind: 'constant', value }));
}

export const zeros: Initializer = constant(0);

export const ones: Initializer = constant(1);

/** Evenly in [low, high). */
export function uniform(low: number, high: number): Initializer {
  return declared(() => ({ kind: 'uniform', low, high }));
}

/** Normal with this mean and standard deviation. */
export function normal(mean = 0, std = 1): Initializer {
  return declared(() => ({ kind: 'normal', mean, std }));
}

/** These numbers, in row-major order. */
export function values(list: ArrayLike<number>): Initializer {
  return declared((shape) => {
    if (list.length !== numel(shape))
      throw new OptionError(`init.values: ${list.length} numbers for shape [${shape}]`);
    return { kind: 'values', values: Array.from(list) };
  });
}

export type Nonlinearity = 'linear' | 'tanh' | 'relu' | 'leaky_relu' | 'sigmoid';

/** What a layer's weights are scaled by to keep the variance through the activation that follows. */
export function gain(nonlinearity: Nonlinearity, slope = 0.01): number {
  switch (nonlinearity) {
    case 'tanh':
      return 5 / 3;
    case 'relu':
      return Math.SQRT2;
    case 'leaky_relu':
      return Math.sqrt(2 / (1 + slope * slope));
    default:
      return 1;
  }
}

export interface FanOptions {
  /** Preserve the variance forward (`in`, the default) or of the gradients backward (`out`). */
  fan?: 'in' | 'out';
  nonlinearity?: Nonlinearity;
  /** Negative slope, for leaky_relu. */
  slope?: number;
}

/** Normal with standard deviation gain / sqrt(fan). (He et al. 2015, equation 10.) */
export function kaimingNormal(options: FanOptions = {}): Initializer {
  return declared((shape) => ({ kind: 'normal', mean: 0, std: kaimingStd(shape, options) }));
}

/** Uniform with the standard deviation of kaimingNormal. */
export function kaimingUniform(options: FanOptions = {}): Initializer {
  return declared((shape) => {
    const bound = Math.sqrt(3) * kaimingStd(shape, options);
    return { kind: 'uniform', low: -bound, high: bound };
  });
}

/** Normal with standard deviation gain sqrt(2 / (fan in + fan out)). (Glorot and Bengio 2010, equation 16.) */
export function xavierNormal(gain = 1): Initializer {
  return declared((shape) => ({ kind: 'normal', mean: 0, std: xavierStd(shape, gain) }));
}

/** Uniform with the standard deviation of xavierNormal. */
export function xavierUniform(gain = 1): Initializer {
  return declared((shape) => {
    const bound = Math.sqrt(3) * xavierStd(shape, gain);
    return { kind: 'uniform', low: -bound, high: bound };
  });
}

/** Weights lie as [in, out]. */
function fans(shape: Shape): { in: number; out: number } {
  if (shape.length < 2) throw new OptionError(`init: a fan needs two axes [in, out], not [${shape}]`);
  return { in: numel(shape.slice(0, -1)), out: shape.at(-1)! };
}

function kaimingStd(shape: Shape, { fan = 'in', nonlinearity = 'relu', slope }: FanOptions): number {
  return gain(nonlinearity, slope) / Math.sqrt(fans(shape)[fan]);
}

function xavierStd(shape: Shape, gain: number): number {
  const fan = fans(shape);
  return gain * Math.sqrt(2 / (fan.in + fan.out));
}

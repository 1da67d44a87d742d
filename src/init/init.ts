import { checkOptions, finite, notNegative, wholeNumber } from '../check.js';
import { OptionError } from '../errors.js';
import type { Initializer } from '../ops/tensor.js';
import { numel, type Shape } from '../shape.js';
import { declared } from './fill.js';

/**
 * The same number everywhere.
 * @example
 * ```ts
 * import { f32, init, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.linear(2, 2, { weight: init.constant(0.5) }),
 *   batch: { x: f32(1, 2) },
 *   loss: (model, { x }) => model(x).mean(),
 *   optimizer: optim.sgd(),
 * });
 * const weights = step.interpret({ seed: 1 }).read('weight');
 * console.log(Array.from(weights, (w) => w.toFixed(3)).join(' ')); // 0.500 0.500 0.500 0.500
 * ```
 */
export function constant(value: number): Initializer {
  // Infinity has its use, in a state that masks.
  if (typeof value !== 'number' || Number.isNaN(value))
    throw new OptionError(`init.constant must be a number, got ${value}`);
  return declared(() => ({ kind: 'constant', value }));
}

/**
 * Zeros everywhere.
 * @example
 * ```ts
 * import { f32, init, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.linear(2, 2, { weight: init.zeros }),
 *   batch: { x: f32(1, 2) },
 *   loss: (model, { x }) => model(x).mean(),
 *   optimizer: optim.sgd(),
 * });
 * const weights = step.interpret({ seed: 1 }).read('weight');
 * console.log(Array.from(weights, (w) => w.toFixed(3)).join(' ')); // 0.000 0.000 0.000 0.000
 * ```
 */
export const zeros: Initializer = constant(0);

/**
 * Ones everywhere.
 * @example
 * ```ts
 * import { f32, init, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.linear(2, 2, { weight: init.ones }),
 *   batch: { x: f32(1, 2) },
 *   loss: (model, { x }) => model(x).mean(),
 *   optimizer: optim.sgd(),
 * });
 * const weights = step.interpret({ seed: 1 }).read('weight');
 * console.log(Array.from(weights, (w) => w.toFixed(3)).join(' ')); // 1.000 1.000 1.000 1.000
 * ```
 */
export const ones: Initializer = constant(1);

/**
 * Evenly in [low, high).
 * @example
 * ```ts
 * import { f32, init, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.linear(2, 2, { weight: init.uniform(-1, 1) }),
 *   batch: { x: f32(1, 2) },
 *   loss: (model, { x }) => model(x).mean(),
 *   optimizer: optim.sgd(),
 * });
 * const weights = step.interpret({ seed: 1 }).read('weight');
 * console.log(Array.from(weights, (w) => w.toFixed(3)).join(' ')); // -0.131 0.773 0.551 0.566
 * ```
 */
export function uniform(low: number, high: number): Initializer {
  finite('init.uniform: low', low);
  finite('init.uniform: high', high);
  if (low > high) throw new OptionError(`init.uniform: low must not be above high, got ${low} and ${high}`);
  return declared(() => ({ kind: 'uniform', low, high }));
}

/**
 * Normal with this mean and standard deviation.
 * @example
 * ```ts
 * import { f32, init, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.linear(2, 2, { weight: init.normal(0, 0.02) }),
 *   batch: { x: f32(1, 2) },
 *   loss: (model, { x }) => model(x).mean(),
 *   optimizer: optim.sgd(),
 * });
 * const weights = step.interpret({ seed: 1 }).read('weight');
 * console.log(Array.from(weights, (w) => w.toFixed(3)).join(' ')); // -0.003 0.024 0.015 0.016
 * ```
 */
export function normal(mean = 0, std = 1): Initializer {
  finite('init.normal: mean', mean);
  notNegative('init.normal: std', std);
  return declared(() => ({ kind: 'normal', mean, std }));
}

/**
 * These numbers, in row-major order.
 * @example
 * ```ts
 * import { f32, init, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.linear(2, 2, { weight: init.values([1, 2, 3, 4]) }),
 *   batch: { x: f32(1, 2) },
 *   loss: (model, { x }) => model(x).mean(),
 *   optimizer: optim.sgd(),
 * });
 * const weights = step.interpret({ seed: 1 }).read('weight');
 * console.log(Array.from(weights, (w) => w.toFixed(3)).join(' ')); // 1.000 2.000 3.000 4.000
 * ```
 */
export function values(list: ArrayLike<number>): Initializer {
  return declared((shape) => {
    if (list.length !== numel(shape))
      throw new OptionError(`init.values: ${list.length} numbers for shape [${shape}]`);
    return { kind: 'values', values: Array.from(list) };
  });
}

/**
 * What a uniform guess among `classes` loses, in nats: ln(classes). Training should begin near it.
 * @example
 * ```ts
 * import { init } from '2headgrad';
 * console.log(init.expectedLoss(27).toFixed(4)); // 3.2958
 * ```
 */
export function expectedLoss(classes: number): number {
  wholeNumber('init.expectedLoss: classes', classes);
  return Math.log(classes);
}

const NONLINEARITIES = ['linear', 'sigmoid', 'tanh', 'relu', 'leaky_relu'] as const;
export type Nonlinearity = (typeof NONLINEARITIES)[number];

/**
 * What weights are scaled by to keep the variance through the activation that follows: 1 for linear and sigmoid, 5/3
 * for tanh, sqrt(2) for relu, sqrt(2 / (1 + slope^2)) for leaky_relu, as torch.nn.init.calculate_gain. The half of its
 * inputs that a relu drops is made up for (He et al. 2015, equation 10; with a slope equation 15); 5/3 for tanh is a
 * rule of thumb.
 *
 * @example
 * ```ts
 * import { init } from '2headgrad';
 * console.log(init.gain('tanh').toFixed(4), init.gain('relu').toFixed(4)); // 1.6667 1.4142
 * ```
 */
export function gain(nonlinearity: Nonlinearity, slope = 0.01): number {
  finite('init.gain: slope', slope);
  switch (nonlinearity) {
    case 'linear':
    case 'sigmoid':
      return 1;
    case 'tanh':
      return 5 / 3;
    case 'relu':
      return Math.SQRT2;
    case 'leaky_relu':
      return Math.sqrt(2 / (1 + slope * slope));
    default:
      throw new OptionError(
        `init.gain: expected one of ${NONLINEARITIES.join(', ')}, got ${JSON.stringify(nonlinearity)}`,
      );
  }
}

export interface FanOptions {
  /** Preserve the variance forward (`in`, the default) or of the gradients backward (`out`). */
  fan?: 'in' | 'out' | undefined;
  nonlinearity?: Nonlinearity | undefined;
  /** Negative slope, for leaky_relu. */
  slope?: number | undefined;
}

/**
 * Normal with standard deviation gain / sqrt(fan), which keeps the variance from layer to layer. For weights [inputs,
 * outputs]
 * and filters [...kernel, inputs, outputs], whose places all count. (He et al. 2015, equation 10.)
 *
 * @example
 * ```ts
 * import { f32, init, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.linear(2, 2, { weight: init.kaimingNormal() }),
 *   batch: { x: f32(1, 2) },
 *   loss: (model, { x }) => model(x).mean(),
 *   optimizer: optim.sgd(),
 * });
 * const weights = step.interpret({ seed: 1 }).read('weight');
 * console.log(Array.from(weights, (w) => w.toFixed(3)).join(' ')); // -0.165 1.209 0.757 0.782
 * ```
 */
export function kaimingNormal(options: FanOptions = {}): Initializer {
  const { std } = kaiming(options);
  return declared((shape) => ({ kind: 'normal', mean: 0, std: std(shape) }));
}

/**
 * Uniform with the standard deviation of kaimingNormal: within sqrt(3) times that.
 * @example
 * ```ts
 * import { f32, init, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.linear(2, 2, { weight: init.kaimingUniform() }),
 *   batch: { x: f32(1, 2) },
 *   loss: (model, { x }) => model(x).mean(),
 *   optimizer: optim.sgd(),
 * });
 * const weights = step.interpret({ seed: 1 }).read('weight');
 * console.log(Array.from(weights, (w) => w.toFixed(3)).join(' ')); // -0.227 1.339 0.954 0.980
 * ```
 */
export function kaimingUniform(options: FanOptions = {}): Initializer {
  const { std } = kaiming(options);
  return declared((shape) => within(Math.sqrt(3) * std(shape)));
}

/**
 * Normal with standard deviation gain sqrt(2 / (fan in + fan out)): a compromise between the variance forward and
 * that of the gradients backward. (Glorot and Bengio 2010, equation 12.)
 * @example
 * ```ts
 * import { f32, init, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.linear(2, 2, { weight: init.xavierNormal() }),
 *   batch: { x: f32(1, 2) },
 *   loss: (model, { x }) => model(x).mean(),
 *   optimizer: optim.sgd(),
 * });
 * const weights = step.interpret({ seed: 1 }).read('weight');
 * console.log(Array.from(weights, (w) => w.toFixed(3)).join(' ')); // -0.117 0.855 0.535 0.553
 * ```
 */
export function xavierNormal(gain = 1): Initializer {
  notNegative('init.xavierNormal: gain', gain);
  return declared((shape) => ({ kind: 'normal', mean: 0, std: xavierStd(shape, gain) }));
}

/**
 * Uniform with the standard deviation of xavierNormal. (Glorot and Bengio 2010, equation 16.)
 * @example
 * ```ts
 * import { f32, init, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.linear(2, 2, { weight: init.xavierUniform() }),
 *   batch: { x: f32(1, 2) },
 *   loss: (model, { x }) => model(x).mean(),
 *   optimizer: optim.sgd(),
 * });
 * const weights = step.interpret({ seed: 1 }).read('weight');
 * console.log(Array.from(weights, (w) => w.toFixed(3)).join(' ')); // -0.161 0.947 0.675 0.693
 * ```
 */
export function xavierUniform(gain = 1): Initializer {
  notNegative('init.xavierUniform: gain', gain);
  return declared((shape) => within(Math.sqrt(3) * xavierStd(shape, gain)));
}

const within = (bound: number) => ({ kind: 'uniform', low: -bound, high: bound }) as const;

/**
 * Weights lie as [in, out], filters as [...kernel, in, out]: each place of the kernel counts on both sides. An embedding's table [count, width] is read one row at a time, not summed over: its rows
 * have the variance of its elements, so that its fan in is of no use; `normal()` suits it.
 */
function fans(shape: Shape): { in: number; out: number } {
  if (shape.length < 2) throw new OptionError(`init: a fan needs two axes [in, out], not [${shape}]`);
  return { in: numel(shape.slice(0, -1)), out: numel(shape.slice(0, -2)) * shape.at(-1)! };
}

function kaiming(options: FanOptions) {
  checkOptions('init', options, ['fan', 'nonlinearity', 'slope']);
  const { fan = 'in', nonlinearity = 'relu', slope } = options;
  if (fan !== 'in' && fan !== 'out')
    throw new OptionError(`init: fan must be 'in' or 'out', got ${JSON.stringify(fan)}`);
  const scale = gain(nonlinearity, slope);
  return { std: (shape: Shape) => scale / Math.sqrt(fans(shape)[fan]) };
}

function xavierStd(shape: Shape, gain: number): number {
  const fan = fans(shape);
  return gain * Math.sqrt(2 / (fan.in + fan.out));
}

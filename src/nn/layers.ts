import { ShapeError } from '../errors.js';
import * as init from '../init/init.js';
import {
  add,
  mul,
  relu as reluFunction,
  rsqrt,
  sigmoid as sigmoidFunction,
  sub,
  tanh as tanhFunction,
} from '../ops/elementwise.js';
import { gelu as geluFunction, leakyRelu as leaky, mean, variance } from '../ops/functions.js';
import { gather } from '../ops/gather.js';
import { matmul } from '../ops/matmul.js';
import { reshape } from '../ops/movement.js';
import { type Initializer, interpreter, type Tensor } from '../ops/tensor.js';
import { formatShape } from '../shape.js';
import { layer, type Module, parameter, state, wholeNumber } from './module.js';

export interface LinearOptions {
  bias?: boolean;
  /** Initial weights; by default uniform within 1/sqrt(inputs), as PyTorch's Linear. */
  weight?: Initializer;
  /** Initial biases; by default as the weights. */
  biasInit?: Initializer;
}

/** x W + b. x: [..., inputs] -> [..., outputs]; weight: [inputs, outputs], bias: [outputs]. */
export function linear(inputs: number, outputs: number, options: LinearOptions = {}): Module {
  wholeNumber('linear: inputs', inputs);
  wholeNumber('linear: outputs', outputs);
  const bound = 1 / Math.sqrt(inputs);
  const weight = parameter([inputs, outputs], options.weight ?? init.uniform(-bound, bound));
  if (options.bias === false) return layer({ weight }, (x) => matmul(x, weight));
  const bias = parameter([outputs], options.biasInit ?? init.uniform(-bound, bound));
  return layer({ weight, bias }, (x) => add(matmul(x, weight), bias));
}

/** Rows of a learned table. ids: i32[...], each in [0, count) -> f32[..., width]. */
export function embedding(count: number, width: number, options: { weight?: Initializer } = {}): Module {
  wholeNumber('embedding: count', count);
  wholeNumber('embedding: width', width);
  const weight = parameter([count, width], options.weight ?? init.normal());
  return layer({ weight }, (ids) => gather(weight, ids));
}

/** Joins all axes but the first: [batch, ...] -> [batch, product of the rest]. */
export function flatten(): Module {
  return layer({}, (x) => reshape(x, [x.shape[0], x.shape.slice(1).reduce((a, b) => a * b, 1)]));
}

export const tanh = (): Module => layer({}, tanhFunction);
export const relu = (): Module => layer({}, reluFunction);
export const sigmoid = (): Module => layer({}, sigmoidFunction);
export const gelu = (): Module => layer({}, geluFunction);
export const leakyRelu = (slope = 0.01): Module => layer({}, (x) => leaky(x, slope));

export interface NormOptions {
  /** Added to the variance before the root. */
  eps?: number;
}

export interface BatchNormOptions extends NormOptions {
  /** Weight of a new batch in the running statistics. */
  momentum?: number;
}

/**
 * Batch normalization over the first axis. x: [batch, features]. (Ioffe and Szegedy 2015, algorithm 1.)
 * Training uses the batch's mean and biased variance, and moves the running statistics (with the unbiased
 * variance, as PyTorch does); otherwise those are used.
 */
export function batchNorm1d(features: number, { eps = 1e-5, momentum = 0.1 }: BatchNormOptions = {}): Module {
  wholeNumber('batchNorm1d: features', features);
  const gain = parameter([features], init.ones);
  const bias = parameter([features], init.zeros);
  const runningMean = state([features], init.zeros);
  const runningVariance = state([features], init.ones);
  return layer({ gain, bias, runningMean, runningVariance }, (x) => {
    if (x.rank !== 2 || x.shape[1] !== features) {
      throw new ShapeError(`batchNorm1d: expected [batch, ${features}], got ${formatShape(x.shape)}`);
    }
    if (!interpreter().training) {
      return add(mul(mul(sub(x, runningMean), rsqrt(add(runningVariance, eps))), gain), bias);
    }
    const batch = x.shape[0];
    if (batch < 2) throw new ShapeError('batchNorm1d: training needs a batch of at least two');
    const mu = mean(x, 0);
    const centred = sub(x, mu);
    const sigma2 = mean(mul(centred, centred), 0);
    move(runningMean, mu, momentum);
    move(runningVariance, mul(sigma2, batch / (batch - 1)), momentum);
    return add(mul(mul(centred, rsqrt(add(sigma2, eps))), gain), bias);
  });
}

function move(running: ReturnType<typeof state>, seen: Tensor, momentum: number): void {
  running.assign(add(mul(running, 1 - momentum), mul(seen.stopGradient(), momentum)));
}

/** Layer normalization over the last axis. x: [..., features]. (Ba, Kiros and Hinton 2016, equation 4.) */
export function layerNorm(features: number, { eps = 1e-5 }: NormOptions = {}): Module {
  wholeNumber('layerNorm: features', features);
  const gain = parameter([features], init.ones);
  const bias = parameter([features], init.zeros);
  return layer({ gain, bias }, (x) => {
    if (x.shape.at(-1) !== features) {
      throw new ShapeError(`layerNorm: expected ${features} features, got ${formatShape(x.shape)}`);
    }
    const centred = sub(x, mean(x, -1, { keepDims: true }));
    const scale = rsqrt(add(variance(x, -1, { keepDims: true }), eps));
    return add(mul(mul(centred, scale), gain), bias);
  });
}

/** Layers one after the other. */
export function sequential(...layers: Module[]): Module {
  return layer({ layers }, (x) => layers.reduce((value, next) => next(value), x));
}

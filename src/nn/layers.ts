import { boolean, checkOptions, finite, shown, wholeNumber } from '../check.js';
import { OptionError } from '../errors.js';
import * as init from '../init/init.js';
import { silu as siluFunction } from '../ops/activations.js';
import {
  add,
  relu as reluFunction,
  sigmoid as sigmoidFunction,
  tanh as tanhFunction,
} from '../ops/elementwise.js';
import { softplus as softplusFunction } from '../ops/exponentials.js';
import {
  type GeluOptions,
  gelu as geluFunction,
  leakyRelu as leaky,
  softmax as softmaxFunction,
} from '../ops/functions.js';
import { gather } from '../ops/gather.js';
import { matmul } from '../ops/matmul.js';
import { reshape } from '../ops/movement.js';
import type { Initializer, Tensor, Variable } from '../ops/tensor.js';
import { type Activation, layer, type Module, type ModuleOf, parameter, type Weighted } from './module.js';

export interface LinearOptions {
  bias?: boolean | undefined;
  /** Initial weights; by default uniform within 1/sqrt(inputs), as PyTorch's Linear. */
  weight?: Initializer | undefined;
  /** Initial biases; by default as the weights. */
  biasInit?: Initializer | undefined;
}

/** x W + b. x: [..., inputs] -> [..., outputs]; weight: [inputs, outputs], bias: [outputs]. */
export function linear(inputs: number, outputs: number, options: LinearOptions = {}): Weighted {
  checkOptions('linear', options, ['bias', 'weight', 'biasInit']);
  const { bias: hasBias = true, weight: weightInit, biasInit } = options;
  boolean('linear: bias', hasBias);
  wholeNumber('linear: inputs', inputs);
  wholeNumber('linear: outputs', outputs);
  const bound = 1 / Math.sqrt(inputs);
  const weight = parameter([inputs, outputs], weightInit ?? init.uniform(-bound, bound));
  if (!hasBias) return layer({ weight }, (x) => matmul(x, weight), 'linear');
  const bias = parameter([outputs], biasInit ?? init.uniform(-bound, bound));
  return layer({ weight, bias }, (x) => add(matmul(x, weight), bias), 'linear');
}

/** Rows of a learned table. ids: i32[...], each in [0, count) -> f32[..., width]. */
export function embedding(
  count: number,
  width: number,
  options: { weight?: Initializer } = {},
): ModuleOf<{ weight: Variable }> {
  checkOptions('embedding', options, ['weight']);
  wholeNumber('embedding: count', count);
  wholeNumber('embedding: width', width);
  const weight = parameter([count, width], options.weight ?? init.normal());
  return layer({ weight }, (ids) => gather(weight, ids), 'embedding');
}

/** Joins all axes but the first: [batch, ...] -> [batch, product of the rest]. */
export function flatten(): Activation {
  return layer({}, (x) => reshape(x, [x.shape[0], x.shape.slice(1).reduce((a, b) => a * b, 1)]), 'flatten');
}

export const tanh = (): Activation => layer({}, tanhFunction, 'tanh');
export const relu = (): Activation => layer({}, reluFunction, 'relu');
export const sigmoid = (): Activation => layer({}, sigmoidFunction, 'sigmoid');
export const silu = (): Activation => layer({}, siluFunction, 'silu');
export const softplus = (): Activation => layer({}, softplusFunction, 'softplus');
export function gelu(options: GeluOptions = {}): Activation {
  checkOptions('gelu', options, ['approximate']);
  return layer({}, (x) => geluFunction(x, options), 'gelu');
}
/** Exponentials over their sum along `axis`. For a loss on logits take crossEntropy, which needs no softmax before it. */
export const softmax = (axis = -1): Activation => layer({}, (x) => softmaxFunction(x, axis), 'softmax');
/** x where positive, else x times `slope`. */
export function leakyRelu(slope = 0.01): Activation {
  finite('leakyRelu: slope', slope);
  return layer({}, (x) => leaky(x, slope), 'leakyRelu');
}

/** What `sequential` makes; see `Made`. */
export type Sequence<L> = L extends readonly unknown[] ? ModuleOf<{ layers: L }> : never;

/** Layers one after the other. */
export function sequential<const L extends readonly Module<[x: Tensor], object>[]>(
  ...layers: L
): Sequence<L> {
  layers.forEach((next, i) => {
    if (typeof next !== 'function')
      throw new OptionError(`sequential: layer ${i} is ${shown(next)}; give layers, one argument each`);
  });
  const forward = (x: Tensor) =>
    layers.reduce((value, next, i) => {
      const output = next(value);
      if (typeof output === 'function')
        throw new OptionError(`sequential: layer ${i} makes a layer and is none: call it, as in nn.tanh()`);
      return output;
    }, x);
  return layer({ layers }, forward, 'sequential') as unknown as Sequence<L>;
}

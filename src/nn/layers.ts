import { boolean, checkOptions, finite, shown, wholeNumber } from '../check.js';
import { OptionError, ShapeError } from '../errors.js';
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
import { numel } from '../shape.js';
import { checkInput } from './inputs.js';
import { type Activation, layer, type Module, type ModuleOf, parameter, type Weighted } from './module.js';

export interface LinearOptions {
  bias?: boolean | undefined;
  /** Initial weights; by default uniform within 1/sqrt(inputs), as PyTorch's Linear. */
  weight?: Initializer | undefined;
  /** Initial biases; by default as the weights. */
  biasInit?: Initializer | undefined;
}

/**
 * x W + b. x: [..., inputs] -> [..., outputs]; weight: [inputs, outputs], bias: [outputs].
 * @example
 * ```ts
 * import { nn } from '2headgrad';
 * const model = nn.linear(2, 3);
 * console.log([...nn.parameters(model)].map(([name, { shape }]) => `${name} [${shape}]`).join(', ')); // weight [2,3], bias [3]
 * ```
 */
export function linear(inputs: number, outputs: number, options: LinearOptions = {}): Weighted {
  checkOptions('linear', options, ['bias', 'weight', 'biasInit']);
  const { bias: hasBias = true, weight: weightInit, biasInit } = options;
  boolean('linear: bias', hasBias);
  wholeNumber('linear: inputs', inputs);
  wholeNumber('linear: outputs', outputs);
  const bound = 1 / Math.sqrt(inputs);
  const weight = parameter([inputs, outputs], weightInit ?? init.uniform(-bound, bound));
  const made = (width: number) => `linear(${width}, ${outputs})`;
  const product = (x: Tensor) => {
    checkInput(x, {
      layer: made(inputs),
      form: ['batch', '...', inputs],
      fits: made,
      hint: ([numbers, ...more]) =>
        more.length === 0 && numbers % inputs === 0
          ? `give it a batch, such as x.reshape([${numbers / inputs}, ${inputs}])`
          : undefined,
    });
    return matmul(x, weight);
  };
  if (!hasBias) return layer({ weight }, product, 'linear');
  const bias = parameter([outputs], biasInit ?? init.uniform(-bound, bound));
  return layer({ weight, bias }, (x) => add(product(x), bias), 'linear');
}

/**
 * Rows of a learned table. ids: i32[...], each in [0, count) -> f32[..., width].
 * @example
 * ```ts
 * import { f32, i32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
 * // Three tokens become 24 numbers, and these the logits of the next one.
 * const step = trainStep({
 *   model: nn.sequential(nn.embedding(27, 8), nn.flatten(), nn.linear(24, 27)),
 *   batch: { x: i32(4, 3), y: f32(4, 27) },
 *   loss: (model, { x, y }) => meanSquaredError(model(x), y),
 *   optimizer: optim.adam(),
 * });
 * console.log(step.interpret().parameterCount); // 891
 * ```
 */
export function embedding(
  count: number,
  width: number,
  options: { weight?: Initializer } = {},
): ModuleOf<{ weight: Variable }> {
  checkOptions('embedding', options, ['weight']);
  wholeNumber('embedding: count', count);
  wholeNumber('embedding: width', width);
  const weight = parameter([count, width], options.weight ?? init.normal());
  const forward = (ids: Tensor) => {
    checkInput(ids, { layer: `embedding(${count}, ${width})`, dtype: 'i32', form: ['...'] });
    return gather(weight, ids);
  };
  return layer({ weight }, forward, 'embedding');
}

/**
 * Joins all axes but the first: [batch, ...] -> [batch, product of the rest].
 * @example
 * ```ts
 * import { nn, tensor } from '2headgrad';
 * console.log(nn.flatten()(tensor([[[1, 2], [3, 4]]]))); // Tensor f32[1, 4] [1, 2, 3, 4]
 * ```
 */
export function flatten(): Activation {
  const forward = (x: Tensor) => {
    const [batch, ...rest] = x.shape;
    if (batch === undefined) throw new ShapeError('flatten: expected [batch, ...], got []');
    return reshape(x, [batch, numel(rest)]);
  };
  return layer({}, forward, 'flatten');
}

/**
 * `tanh` as a layer.
 * @example
 * ```ts
 * import { nn, tensor } from '2headgrad';
 * console.log(nn.tanh()(tensor([-1, 0, 1]))); // Tensor f32[3] [-0.761594, 0, 0.761594]
 * ```
 */
export const tanh = (): Activation => layer({}, tanhFunction, 'tanh');
/**
 * `relu` as a layer.
 * @example
 * ```ts
 * import { nn, tensor } from '2headgrad';
 * console.log(nn.relu()(tensor([-1, 2]))); // Tensor f32[2] [0, 2]
 * ```
 */
export const relu = (): Activation => layer({}, reluFunction, 'relu');
/**
 * `sigmoid` as a layer.
 * @example
 * ```ts
 * import { nn, tensor } from '2headgrad';
 * console.log(nn.sigmoid()(tensor([-2, 0, 2]))); // Tensor f32[3] [0.119203, 0.5, 0.880797]
 * ```
 */
export const sigmoid = (): Activation => layer({}, sigmoidFunction, 'sigmoid');
/**
 * `silu` as a layer.
 * @example
 * ```ts
 * import { nn, tensor } from '2headgrad';
 * console.log(nn.silu()(tensor([-1, 0, 1]))); // Tensor f32[3] [-0.268941, 0, 0.731059]
 * ```
 */
export const silu = (): Activation => layer({}, siluFunction, 'silu');
/**
 * `softplus` as a layer.
 * @example
 * ```ts
 * import { nn, tensor } from '2headgrad';
 * console.log(nn.softplus()(tensor([0, 20]))); // Tensor f32[2] [0.693147, 20]
 * ```
 */
export const softplus = (): Activation => layer({}, softplusFunction, 'softplus');
/**
 * `gelu` as a layer.
 * @example
 * ```ts
 * import { nn, tensor } from '2headgrad';
 * console.log(nn.gelu()(tensor([-1, 0, 1]))); // Tensor f32[3] [-0.158655, 0, 0.841345]
 * ```
 */
export function gelu(options: GeluOptions = {}): Activation {
  checkOptions('gelu', options, ['approximate']);
  return layer({}, (x) => geluFunction(x, options), 'gelu');
}
/**
 * Exponentials over their sum along `axis`. For a loss on logits take crossEntropy, which needs no softmax before it.
 * @example
 * ```ts
 * import { nn, tensor } from '2headgrad';
 * console.log(nn.softmax()(tensor([0, 0, Math.log(2)]))); // Tensor f32[3] [0.25, 0.25, 0.5]
 * ```
 */
export const softmax = (axis = -1): Activation => layer({}, (x) => softmaxFunction(x, axis), 'softmax');
/**
 * x where positive, else x times `slope`.
 * @example
 * ```ts
 * import { nn, tensor } from '2headgrad';
 * console.log(nn.leakyRelu(0.1)(tensor([-1, 2]))); // Tensor f32[2] [-0.1, 2]
 * ```
 */
export function leakyRelu(slope = 0.01): Activation {
  finite('leakyRelu: slope', slope);
  return layer({}, (x) => leaky(x, slope), 'leakyRelu');
}

/** What `sequential` makes; see `Made`. */
export type Sequence<L> = L extends readonly unknown[] ? ModuleOf<{ layers: L }> : never;

/**
 * Layers one after the other.
 * @example
 * ```ts
 * import { nn } from '2headgrad';
 * const model = nn.sequential(nn.linear(2, 16), nn.tanh(), nn.linear(16, 1));
 * console.log([...nn.parameters(model).keys()].join(' ')); // layers.0.weight layers.0.bias layers.2.weight layers.2.bias
 * ```
 */
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

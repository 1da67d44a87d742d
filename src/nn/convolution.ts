import { boolean, checkOptions, shown, wholeNumber } from '../check.js';
import { OptionError, ShapeError } from '../errors.js';
import { forShape } from '../init/fill.js';
import * as init from '../init/init.js';
import { type ConvOptions, conv1d as conv1dOf, conv2d as conv2dOf } from '../ops/conv.js';
import {
  type ConvTransposeOptions,
  convTranspose1d as convTranspose1dOf,
  convTranspose2d as convTranspose2dOf,
} from '../ops/conv-transpose.js';
import { add } from '../ops/elementwise.js';
import {
  type AvgPoolOptions,
  avgPool as avgPoolOf,
  globalMean as globalMeanOf,
  type MaxPoolOptions,
  maxPool as maxPoolOf,
} from '../ops/pool.js';
import { checkSpatial, type PerAxis } from '../ops/spatial.js';
import type { Initializer, Tensor } from '../ops/tensor.js';
import { perAxis } from '../ops/window.js';
import { formatShape, numel, type Shape, sameShape } from '../shape.js';
import { checkInput, type Takes } from './inputs.js';
import { type Activation, layer, type Module, parameter, type Weighted } from './module.js';

interface FilterOptions {
  bias?: boolean | undefined;
  /** Initial filters; by default uniform within 1/sqrt(channels that one sees), as in PyTorch. */
  weight?: Initializer | undefined;
  /** Initial biases; by default as the filters. */
  biasInit?: Initializer | undefined;
}

export interface ConvLayerOptions extends Omit<ConvOptions, 'bias'>, FilterOptions {}
export interface ConvTransposeLayerOptions extends Omit<ConvTransposeOptions, 'bias'>, FilterOptions {}

/**
 * A convolution over places, with a bias for each channel of the result. x: [batch, width, inputs] -> [batch, width',
 * outputs];
 * weight: [kernel, inputs / groups, outputs], with channelsFirst all as in PyTorch. See `conv1d`.
 *
 * @example
 * ```ts
 * import { f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.conv1d(1, 8, 5, { padding: 'same' }),
 *   batch: { x: f32(4, 100, 1), y: f32(4, 100, 8) },
 *   loss: (model, { x, y }) => meanSquaredError(model(x), y),
 *   optimizer: optim.adam(),
 * });
 * console.log(step.interpret().parameterCount); // 48
 * ```
 */
export function conv1d(
  inputs: number,
  outputs: number,
  kernel: PerAxis,
  options: ConvLayerOptions = {},
): Weighted {
  return convLayer(KINDS.conv1d, inputs, outputs, kernel, options);
}

/**
 * A convolution over an image, with a bias for each channel of the result. x: [batch, height, width, inputs] -> [batch,
 * height',
 * width', outputs]; weight: [kernelHeight, kernelWidth, inputs / groups, outputs], with channelsFirst all as in
 * PyTorch. See
 * `conv2d`.
 *
 * @example
 * ```ts
 * import { f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.conv2d(1, 8, 3, { padding: 1, stride: 2 }),
 *   batch: { x: f32(4, 28, 28, 1), y: f32(4, 14, 14, 8) },
 *   loss: (model, { x, y }) => meanSquaredError(model(x), y),
 *   optimizer: optim.adam(),
 * });
 * console.log(step.interpret().parameterCount); // 80
 * ```
 */
export function conv2d(
  inputs: number,
  outputs: number,
  kernel: PerAxis,
  options: ConvLayerOptions = {},
): Weighted {
  return convLayer(KINDS.conv2d, inputs, outputs, kernel, options);
}

/**
 * The transposed convolution over places; weight: [kernel, outputs / groups, inputs]. See `convTranspose1d`.
 * @example
 * ```ts
 * import { f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.convTranspose1d(8, 1, 4, { stride: 2, padding: 1 }),
 *   batch: { x: f32(4, 50, 8), y: f32(4, 100, 1) },
 *   loss: (model, { x, y }) => meanSquaredError(model(x), y),
 *   optimizer: optim.adam(),
 * });
 * console.log(step.interpret().parameterCount); // 33
 * ```
 */
export function convTranspose1d(
  inputs: number,
  outputs: number,
  kernel: PerAxis,
  options: ConvTransposeLayerOptions = {},
): Weighted {
  return convLayer(KINDS.convTranspose1d, inputs, outputs, kernel, options);
}

/**
 * The transposed convolution, which makes an image larger: x: [batch, height, width, inputs] -> [batch, height',
 * width', outputs];
 * weight: [kernelHeight, kernelWidth, outputs / groups, inputs]. See `convTranspose2d`.
 *
 * @example
 * ```ts
 * import { f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.convTranspose2d(8, 1, 4, { stride: 2, padding: 1 }),
 *   batch: { x: f32(4, 14, 14, 8), y: f32(4, 28, 28, 1) },
 *   loss: (model, { x, y }) => meanSquaredError(model(x), y),
 *   optimizer: optim.adam(),
 * });
 * console.log(step.interpret().parameterCount); // 129
 * ```
 */
export function convTranspose2d(
  inputs: number,
  outputs: number,
  kernel: PerAxis,
  options: ConvTransposeLayerOptions = {},
): Weighted {
  return convLayer(KINDS.convTranspose2d, inputs, outputs, kernel, options);
}

/** What such a layer is called, over how many axes it goes, and whether its filters are seen from the other side. */
interface Kind {
  readonly what: string;
  readonly axes: number;
  readonly transposed: boolean;
  apply(x: Tensor, filters: Tensor, options: ConvTransposeOptions): Tensor;
}

const KINDS = {
  conv1d: { what: 'conv1d', axes: 1, transposed: false, apply: conv1dOf },
  conv2d: { what: 'conv2d', axes: 2, transposed: false, apply: conv2dOf },
  convTranspose1d: { what: 'convTranspose1d', axes: 1, transposed: true, apply: convTranspose1dOf },
  convTranspose2d: { what: 'convTranspose2d', axes: 2, transposed: true, apply: convTranspose2dOf },
} as const satisfies Record<string, Kind>;

function convLayer(
  { what, axes, transposed, apply }: Kind,
  inputs: number,
  outputs: number,
  kernel: PerAxis,
  options: ConvTransposeLayerOptions,
): Weighted {
  checkOptions(what, options, [
    ...(['stride', 'padding', 'dilation', 'groups', 'channelsFirst'] as const),
    ...(['bias', 'weight', 'biasInit'] as const),
    ...(transposed ? (['outputPadding'] as const) : []),
  ]);
  const { bias: hasBias = true, weight: weightInit, biasInit, ...rest } = options;
  const { groups = 1, channelsFirst = false } = rest;
  boolean(`${what}: bias`, hasBias);
  boolean(`${what}: channelsFirst`, channelsFirst);
  checkSpatial(what, axes, rest);
  for (const [name, value] of Object.entries({ inputs, outputs, groups }))
    wholeNumber(`${what}: ${name}`, value);
  for (const [name, value] of Object.entries({ inputs, outputs }))
    if (value % groups !== 0)
      throw new OptionError(`${what}: ${name} must divide into ${groups} groups, got ${value}`);
  const sizes = perAxis(`${what}: kernel`, kernel, axes);
  const [seen, given] = transposed ? [outputs, inputs] : [inputs, outputs];
  const shape = [...sizes, seen / groups, given];
  const bound = 1 / Math.sqrt(numel(shape.slice(0, -1)));
  const weight = parameter(
    channelsFirst ? [given, seen / groups, ...sizes] : shape,
    forShape(weightInit ?? init.uniform(-bound, bound), shape),
  );
  const bias = hasBias ? parameter([outputs], biasInit ?? init.uniform(-bound, bound)) : undefined;
  const made = (inputs: number) => `${what}(${inputs}, ${outputs}, ${JSON.stringify(kernel)})`;
  const places = axes === 1 ? ['width'] : ['height', 'width'];
  const takes: Takes = {
    layer: made(inputs),
    form: channelsFirst ? ['batch', inputs, ...places] : ['batch', ...places, inputs],
    ...(groups === 1 && { fits: made }),
    hint: (shape) => channelsElsewhere(shape, inputs, axes, channelsFirst),
  };
  const forward = (x: Tensor) => {
    checkInput(x, takes);
    return apply(x, weight, { ...rest, bias });
  };
  return layer({ weight, ...(bias && { bias }) }, forward, what);
}

/** Of a shape that does not fit: whether it has its channels on the other side, or none where there is one. */
function channelsElsewhere(shape: Shape, inputs: number, axes: number, first: boolean): string | undefined {
  if (shape.length === axes + 2 && shape.at(first ? -1 : 1) === inputs)
    return `its channels seem to come ${first ? 'last: leave channelsFirst out' : 'first: give the layer channelsFirst: true'}`;
  if (shape.length !== axes + 1 || inputs !== 1) return undefined;
  const [batch, ...places] = shape;
  return `with x.reshape(${formatShape(first ? [batch, 1, ...places] : [...shape, 1])}) it has one channel`;
}

/**
 * The largest of each window: [batch, ...places, channels] -> [batch, ...positions, channels]. See `maxPool`.
 * @example
 * ```ts
 * import { iota, nn } from '2headgrad';
 * console.log(nn.maxPool(2)(iota(16).cast('f32').reshape([1, 4, 4, 1]))); // Tensor f32[1, 2, 2, 1] [5, 7, 13, 15]
 * ```
 */
export function maxPool(size: PerAxis, options: MaxPoolOptions = {}): Activation {
  checkOptions('maxPool', options, ['stride', 'padding', 'dilation', 'channelsFirst']);
  return layer({}, (x) => maxPoolOf(x, size, options), 'maxPool');
}

/**
 * The mean of each window: [batch, ...places, channels] -> [batch, ...positions, channels]. See `avgPool`.
 * @example
 * ```ts
 * import { iota, nn } from '2headgrad';
 * console.log(nn.avgPool(2)(iota(16).cast('f32').reshape([1, 4, 4, 1]))); // Tensor f32[1, 2, 2, 1] [2.5, 4.5, 10.5, 12.5]
 * ```
 */
export function avgPool(size: PerAxis, options: AvgPoolOptions = {}): Activation {
  checkOptions('avgPool', options, ['stride', 'padding', 'channelsFirst', 'includePadding']);
  return layer({}, (x) => avgPoolOf(x, size, options), 'avgPool');
}

/**
 * The mean of each channel: [batch, ...places, channels] -> [batch, channels].
 * @example
 * ```ts
 * import { iota, nn } from '2headgrad';
 * console.log(nn.globalMean()(iota(4).cast('f32').reshape([1, 2, 2, 1]))); // Tensor f32[1, 1] [1.5]
 * ```
 */
export function globalMean(options: { channelsFirst?: boolean } = {}): Activation {
  checkOptions('globalMean', options, ['channelsFirst']);
  return layer({}, (x) => globalMeanOf(x, options), 'globalMean');
}

/**
 * What layers make of x, added to x, or to what a `shortcut` makes of it where sizes or channels change. (He et al.
 * 2016,
 * equations 1 and 2.)
 *
 * @example
 * ```ts
 * import { f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.residual(nn.sequential(nn.linear(8, 8), nn.relu(), nn.linear(8, 8))),
 *   batch: { x: f32(4, 8), y: f32(4, 8) },
 *   loss: (model, { x, y }) => meanSquaredError(model(x), y),
 *   optimizer: optim.adam(),
 * });
 * console.log(step.interpret().parameterCount); // 144
 * ```
 */
export function residual(inner: Module<[x: Tensor]>, shortcut?: Module<[x: Tensor]>): Module {
  for (const part of [inner, ...(shortcut === undefined ? [] : [shortcut])])
    if (typeof part !== 'function')
      throw new OptionError(`residual: expected a layer, and another one as a shortcut, got ${shown(part)}`);
  const forward = (x: Tensor) => {
    const [made, kept] = [inner(x), shortcut ? shortcut(x) : x];
    if (!sameShape(made.shape, kept.shape))
      throw new ShapeError(
        `residual: the layers make ${formatShape(made.shape)}, ${shortcut ? 'the shortcut makes' : 'the input is'} ${formatShape(kept.shape)}: give a shortcut that makes the same`,
      );
    return add(made, kept);
  };
  return layer({ inner, ...(shortcut && { shortcut }) }, forward, 'residual');
}

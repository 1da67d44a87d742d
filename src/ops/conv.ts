import { boolean, checkOptions } from '../check.js';
import { OptionError, ShapeError } from '../errors.js';
import { formatShape, requireDType } from '../shape.js';
import { located } from '../source.js';
import { convolution, convolutionShape } from './convolution.js';
import { add } from './elementwise.js';
import {
  channelsToFirst,
  channelsToLast,
  filtersToLast,
  geometryOf,
  type SpatialOptions,
} from './spatial.js';
import { type Tensor, type TensorLike, toTensor } from './tensor.js';

export interface ConvOptions extends SpatialOptions {
  /** Channels are cut into so many groups, each with filters of its own; as many as channels: depthwise. 1 unless given. */
  groups?: number | undefined;
  /** Added to each channel of the result: f32[out]. */
  bias?: TensorLike | undefined;
  /**
   * Image, filters and result lie as PyTorch has them: [batch, channels, ...places], [out, in / groups, ...kernel],
   * [batch, out, ...positions].
   */
  channelsFirst?: boolean | undefined;
}

const OPTIONS = ['stride', 'padding', 'dilation', 'groups', 'bias', 'channelsFirst'] as const;

/**
 * Slides filters over places: x: f32[batch, width, in], filters: f32[kernel, in / groups, out] ->
 * f32[batch, (width + padding - reach) / stride + 1, out], reach being (kernel - 1) dilation + 1. As in PyTorch the
 * filters are
 * not turned round (it is a cross-correlation).
 *
 * @example
 * ```ts
 * import { conv1d, tensor } from '2headgrad';
 * // A difference of neighbours: one channel in, one out.
 * const x = tensor([[[1], [4], [9], [16]]]);
 * console.log(conv1d(x, tensor([[[-1]], [[1]]]))); // Tensor f32[1, 3, 1] [3, 5, 7]
 * ```
 */
export function conv1d(x: TensorLike, filters: TensorLike, options: ConvOptions = {}): Tensor {
  return conv('conv1d', 1, x, filters, options);
}

/**
 * Slides filters over an image: x: f32[batch, height, width, in], filters: f32[kernelHeight, kernelWidth, in / groups,
 * out] ->
 * f32[batch, height', width', out]; each size becomes floor((size + padding - reach) / stride) + 1, reach being
 * (kernel - 1) dilation + 1. As in PyTorch the filters are not turned round (it is a cross-correlation).
 *
 * @example
 * ```ts
 * import { conv2d, iota, tensor } from '2headgrad';
 * // The sum of each 2 x 2 window of a 3 x 3 image.
 * const image = iota(9).cast('f32').reshape([1, 3, 3, 1]);
 * console.log(conv2d(image, tensor([1, 1, 1, 1]).reshape([2, 2, 1, 1]))); // Tensor f32[1, 2, 2, 1] [8, 12, 20, 24]
 * ```
 */
export function conv2d(x: TensorLike, filters: TensorLike, options: ConvOptions = {}): Tensor {
  return conv('conv2d', 2, x, filters, options);
}

const PLACES = ['', 'width', 'height, width'];
const KERNELS = ['', 'kernel', 'kernelHeight, kernelWidth'];

function conv(what: string, axes: number, x: TensorLike, filters: TensorLike, options: ConvOptions): Tensor {
  checkOptions(what, options, OPTIONS, { kernel: 'the filters tell it' });
  const { channelsFirst = false } = options;
  const { image, weights, given } = operands(what, axes, x, filters, channelsFirst);
  const groups = groupsOf(what, options.groups);
  const geometry = geometryOf(what, image.shape.slice(1, -1), weights.shape.slice(0, -2), options);
  const attrs = { ...geometry, groups };
  convolutionShape(what, image.shape, weights.shape, attrs, given);
  return finished(what, convolution(image, weights, attrs), options.bias, channelsFirst);
}

/** Both operands with their channels last, and what errors say of them. */
export function operands(
  what: string,
  axes: number,
  x: TensorLike,
  filters: TensorLike,
  channelsFirst: boolean,
) {
  const [image, weights] = [toTensor(x), toTensor(filters)];
  boolean(`${what}: channelsFirst`, channelsFirst);
  for (const t of [image, weights]) requireDType(what, t, 'f32');
  const given = `image ${formatShape(image.shape)}, filters ${formatShape(weights.shape)}`;
  if (image.rank !== axes + 2 || weights.rank !== axes + 2) {
    const expected = channelsFirst
      ? `[batch, channels, ${PLACES[axes]}] and filters [out, channels, ${KERNELS[axes]}]`
      : `[batch, ${PLACES[axes]}, channels] and filters [${KERNELS[axes]}, channels, out]`;
    throw new ShapeError(`${what}: expected an image ${expected}: ${given}`);
  }
  const kernel = channelsFirst ? weights.shape.slice(2) : weights.shape.slice(0, -2);
  if (kernel.includes(0))
    throw new ShapeError(`${what}: the kernel ${formatShape(kernel)} has no places along an axis: ${given}`);
  return channelsFirst
    ? { image: channelsToLast(image), weights: filtersToLast(weights), given }
    : { image, weights, given };
}

export function groupsOf(what: string, groups = 1): number {
  if (Number.isInteger(groups) && groups >= 1) return groups;
  throw new OptionError(located(`${what}: groups: expected a whole number from 1, got ${groups}`));
}

/** The result with its bias, and its channels where they are asked for. */
export function finished(
  what: string,
  y: Tensor,
  bias: TensorLike | undefined,
  channelsFirst: boolean,
): Tensor {
  const out = y.shape.at(-1)!;
  if (bias !== undefined) {
    const b = toTensor(bias);
    if (b.rank !== 1 || b.shape[0] !== out)
      throw new ShapeError(
        `${what}: expected a bias [${out}], one for each channel, got ${formatShape(b.shape)}`,
      );
    const biased = add(y, b);
    return channelsFirst ? channelsToFirst(biased) : biased;
  }
  return channelsFirst ? channelsToFirst(y) : y;
}

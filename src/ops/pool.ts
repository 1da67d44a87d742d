import { boolean, checkOptions } from '../check.js';
import { ShapeError } from '../errors.js';
import { formatShape, type Shape } from '../shape.js';
import { mul } from './elementwise.js';
import { largestAlong } from './extremes.js';
import { mean } from './functions.js';
import { broadcastTo, concat, reshape, transpose } from './movement.js';
import { sum } from './reduce.js';
import {
  channelsToFirst,
  type Geometry,
  geometryOf,
  imageOf,
  type PerAxis,
  positions,
  type SpatialOptions,
} from './spatial.js';
import { interpreter, type Tensor, type TensorLike, toTensor } from './tensor.js';
import { grown, perAxis, reach, window } from './window.js';

// Pools go along one axis after the other: the largest of rows' largest are the largest, and of those that are equal the first
// of the first row is the first.

export interface PoolOptions extends Omit<SpatialOptions, 'dilation'> {
  /** The image and the result are [batch, channels, ...places], as PyTorch has them. */
  channelsFirst?: boolean | undefined;
}

export interface MaxPoolOptions extends PoolOptions, SpatialOptions {}

export interface AvgPoolOptions extends PoolOptions {
  /** The zeros of the padding count as elements, as in PyTorch; by default yes. */
  includePadding?: boolean | undefined;
}

/**
 * The largest of each window of `size` places, which go in steps of `stride`, `size` unless given: x: f32[batch,
 * ...places,
 * channels] -> f32[batch, ...positions, channels]. Padding is no element. The gradient goes to the first of those that
 * are
 * equal, and NaN counts as the largest, as in PyTorch.
 *
 * @example
 * ```ts
 * import { iota, maxPool } from '2headgrad';
 * const image = iota(16).cast('f32').reshape([1, 4, 4, 1]);
 * console.log(maxPool(image, 2)); // Tensor f32[1, 2, 2, 1] [5, 7, 13, 15]
 * ```
 */
export function maxPool(x: TensorLike, size: PerAxis, options: MaxPoolOptions = {}): Tensor {
  checkOptions('maxPool', options, ['stride', 'padding', 'dilation', 'channelsFirst']);
  return pooled('maxPool', x, size, options, (image, kernel, geometry) =>
    kernel.reduceRight((t, n, i) => maxAlong(t, i + 1, n, along(geometry, i)), image),
  );
}

/**
 * The mean of each window of `size` places, which go in steps of `stride`, `size` unless given: x: f32[batch,
 * ...places,
 * channels] -> f32[batch, ...positions, channels].
 *
 * @example
 * ```ts
 * import { avgPool, iota } from '2headgrad';
 * const image = iota(16).cast('f32').reshape([1, 4, 4, 1]);
 * console.log(avgPool(image, 2)); // Tensor f32[1, 2, 2, 1] [2.5, 4.5, 10.5, 12.5]
 * ```
 */
export function avgPool(x: TensorLike, size: PerAxis, options: AvgPoolOptions = {}): Tensor {
  checkOptions('avgPool', options, ['stride', 'padding', 'channelsFirst', 'includePadding']);
  const { includePadding = true } = options;
  boolean('avgPool: includePadding', includePadding);
  return pooled('avgPool', x, size, options, (image, kernel, geometry) =>
    kernel.reduceRight((t, n, i) => meanAlong(t, i + 1, n, along(geometry, i), includePadding), image),
  );
}

/**
 * The mean over all places of each channel: f32[batch, ...places, channels] -> f32[batch, channels].
 * @example
 * ```ts
 * import { globalMean, iota } from '2headgrad';
 * const image = iota(4).cast('f32').reshape([1, 2, 2, 1]);
 * console.log(globalMean(image)); // Tensor f32[1, 1] [1.5]
 * ```
 */
export function globalMean(x: TensorLike, options: { channelsFirst?: boolean } = {}): Tensor {
  checkOptions('globalMean', options, ['channelsFirst']);
  const image = imageOf('globalMean', x, options.channelsFirst);
  return mean(
    image,
    image.shape.slice(1, -1).map((_, i) => i + 1),
  );
}

function pooled(
  what: string,
  x: TensorLike,
  size: PerAxis,
  options: MaxPoolOptions,
  pool: (image: Tensor, kernel: Shape, geometry: Geometry) => Tensor,
): Tensor {
  const image = imageOf(what, x, options.channelsFirst);
  const places = image.shape.slice(1, -1);
  const kernel = perAxis(`${what}: size`, size, places.length);
  const geometry = geometryOf(what, places, kernel, { ...options, stride: options.stride ?? kernel });
  positions(what, places, kernel, geometry);
  const spans = kernel.map((n, i) => reach(n, geometry.dilations[i]));
  const most = [...geometry.before, ...geometry.after].findIndex((n, i) => 2 * n > spans[i % spans.length]);
  if (most >= 0)
    throw new ShapeError(
      `${what}: padding ${[...geometry.before, ...geometry.after][most]} is more than half of the window ${formatShape(spans)}, so that some would see nothing else`,
    );
  const y = pool(image, kernel, geometry);
  return options.channelsFirst ? channelsToFirst(y) : y;
}

interface AlongAxis {
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly after: number;
}

const along = ({ strides, dilations, before, after }: Geometry, i: number): AlongAxis => ({
  stride: strides[i],
  dilation: dilations[i],
  before: before[i],
  after: after[i],
});

/** Windows along an axis, whose own axis follows it. */
function windowsAt(x: Tensor, axis: number, size: number, { stride, dilation }: AlongAxis): Tensor {
  const axes = [...x.shape.keys()];
  const seen = window(x, axis, size, { strides: stride, dilations: dilation });
  return transpose(seen, [...axes.slice(0, axis + 1), x.rank, ...axes.slice(axis + 1)]);
}

function maxAlong(x: Tensor, axis: number, size: number, of: AlongAxis): Tensor {
  if (size === 1 && of.stride === 1) return x;
  const least = (n: number) => {
    const shape = x.shape.map((other, i) => (i === axis ? n : other));
    return n === 0 ? [] : [broadcastTo(toTensor(Number.NEGATIVE_INFINITY), shape)];
  };
  const padded = concat([...least(of.before), x, ...least(of.after)], axis);
  const largest = largestAlong(windowsAt(padded, axis, size, of), axis + 1);
  return reshape(
    largest,
    largest.shape.filter((_, i) => i !== axis + 1),
  );
}

function meanAlong(x: Tensor, axis: number, size: number, of: AlongAxis, all: boolean): Tensor {
  if (size === 1 && of.stride === 1) return x;
  const seen = windowsAt(grown(x, axis, of.before, of.after), axis, size, of);
  return mul(sum(seen, axis + 1), all ? 1 / size : shares(x.shape, axis, size, of, seen.shape[axis]));
}

/** One over the number of places that each window sees beside the padding, for each position along an axis. */
function shares(shape: Shape, axis: number, size: number, of: AlongAxis, count: number): Tensor | number {
  const n = shape[axis];
  const each = Array.from({ length: count }, (_, p) => {
    const first = p * of.stride - of.before;
    return 1 / (Math.min(n, first + size) - Math.max(0, first));
  });
  if (each.every((share) => share === each[0])) return each[0];
  return interpreter().constant(each, [count, ...shape.slice(axis + 1).map(() => 1)], 'f32');
}

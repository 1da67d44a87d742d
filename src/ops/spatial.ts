import { boolean, shown } from '../check.js';
import { OptionError, ShapeError } from '../errors.js';
import { formatShape, requireDType, type Shape } from '../shape.js';
import { located } from '../source.js';
import { transpose } from './movement.js';
import { type Tensor, type TensorLike, toTensor } from './tensor.js';
import { perAxis, reach, windowCount } from './window.js';

// What convolutions and pools have in common: how a kernel passes over places, and where the channels stand.

/** A number for all spatial axes, or one for each. */
export type PerAxis = number | readonly number[];

type Pair = readonly [before: number, after: number];

/**
 * Room around each spatial axis: a number for all, or for each axis a number or a pair [before, after]. `same`: as much as it
 * takes for ceil(n / stride) positions, the odd one after; `valid`: none.
 */
export type Padding = number | readonly (number | Pair)[] | 'same' | 'valid';

export interface SpatialOptions {
  /** From one position of the kernel to the next; 1 unless given. */
  stride?: PerAxis | undefined;
  /** 0 unless given. */
  padding?: Padding | undefined;
  /** From one place that the kernel sees to the next; 1 unless given. */
  dilation?: PerAxis | undefined;
}

/** How a kernel passes over places, one number for each axis. */
export type Geometry = {
  strides: readonly number[];
  dilations: readonly number[];
  before: readonly number[];
  after: readonly number[];
};

/** Refuses options that mean nothing for any image. */
export function checkSpatial(what: string, axes: number, options: SpatialOptions): void {
  geometryOf(what, new Array(axes).fill(1), new Array(axes).fill(1), options);
}

/** What options mean for an image of these places. */
export function geometryOf(what: string, places: Shape, kernel: Shape, options: SpatialOptions): Geometry {
  const { stride = 1, padding = 0, dilation = 1 } = options;
  const strides = perAxis(`${what}: stride`, stride, places.length);
  const dilations = perAxis(`${what}: dilation`, dilation, places.length);
  const same = (i: number): Pair => {
    const span = reach(kernel[i], dilations[i]);
    const all = Math.max(0, (Math.ceil(places[i] / strides[i]) - 1) * strides[i] + span - places[i]);
    return [Math.floor(all / 2), Math.ceil(all / 2)];
  };
  const pairs = paddingOf(what, padding, places.length, same);
  const [before, after] = [pairs.map(([n]) => n), pairs.map(([, n]) => n)];
  return { strides, dilations, before, after };
}

/** Room before and after each axis; `same` says how much that takes. */
function paddingOf(what: string, padding: Padding, axes: number, same: (axis: number) => Pair): Pair[] {
  const all = Array.from({ length: axes }, (_, i) => i);
  if (padding === 'same') return all.map(same);
  if (padding === 'valid') return all.map(() => [0, 0]);
  const each = axes === 1 ? 'in a list one or a pair' : `for each of the ${axes} axes one or a pair`;
  const refuse = () =>
    new OptionError(
      located(
        `${what}: padding: expected 'same', 'valid', a whole number from 0, or ${each} [before, after], got ${padding === null || typeof padding === 'object' ? JSON.stringify(padding) : shown(padding)}`,
      ),
    );
  const list = typeof padding === 'number' ? all.map(() => padding) : padding;
  if (!Array.isArray(list) || list.length !== axes) throw refuse();
  return list.map((entry: number | readonly number[]) => {
    const pair = typeof entry === 'number' ? [entry, entry] : entry;
    if (!Array.isArray(pair) || pair.length !== 2 || pair.some((n) => !Number.isInteger(n) || n < 0))
      throw refuse();
    return [pair[0], pair[1]];
  });
}

/** Whether no two positions of a kernel see a place in common, so that what each had of the image can be put back without sums. */
export function standsApart(
  kernel: Shape,
  { strides, dilations }: Pick<Geometry, 'strides' | 'dilations'>,
): boolean {
  return kernel.every((n, i) => n === 1 || (dilations[i] === 1 && strides[i] >= n));
}

/** How many positions a kernel has along each axis; refuses one that is larger than the padded image. */
export function positions(
  what: string,
  places: Shape,
  kernel: Shape,
  { strides, dilations, before, after }: Geometry,
): number[] {
  const padded = places.map((n, i) => before[i] + n + after[i]);
  const spans = kernel.map((n, i) => reach(n, dilations[i]));
  if (spans.some((span, i) => span > padded[i])) {
    const spread = formatShape(spans) === formatShape(kernel) ? '' : `, dilated ${formatShape(spans)},`;
    const padding = formatShape(padded) === formatShape(places) ? '' : `, padded ${formatShape(padded)}`;
    throw new ShapeError(
      `${what}: the kernel ${formatShape(kernel)}${spread} is larger than the image ${formatShape(places)}${padding}`,
    );
  }
  return padded.map((n, i) => windowCount(n, kernel[i], strides[i], dilations[i]));
}

/** An image with the channels last, from one that has them there or, with `channelsFirst`, as PyTorch has them. */
export function imageOf(what: string, x: TensorLike, channelsFirst = false): Tensor {
  boolean(`${what}: channelsFirst`, channelsFirst);
  const t = toTensor(x);
  requireDType(what, t, 'f32');
  if (t.rank < 3) {
    const axes = channelsFirst ? '[batch, channels, ...places]' : '[batch, ...places, channels]';
    throw new ShapeError(`${what}: expected an image ${axes}, got ${formatShape(t.shape)}`);
  }
  return channelsFirst ? channelsToLast(t) : t;
}

/** [batch, channels, ...places] as [batch, ...places, channels]. */
export function channelsToLast(x: Tensor): Tensor {
  const axes = [...x.shape.keys()];
  return transpose(x, [0, ...axes.slice(2), 1]);
}

/** [batch, ...places, channels] as [batch, channels, ...places]. */
export function channelsToFirst(x: Tensor): Tensor {
  const axes = [...x.shape.keys()];
  return transpose(x, [0, x.rank - 1, ...axes.slice(1, -1)]);
}

/** PyTorch's filters [out, in, ...kernel] as [...kernel, in, out]. */
export function filtersToLast(w: Tensor): Tensor {
  const axes = [...w.shape.keys()];
  return transpose(w, [...axes.slice(2), 1, 0]);
}

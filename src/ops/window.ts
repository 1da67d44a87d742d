import { checkOptions } from '../check.js';
import { OptionError, ShapeError } from '../errors.js';
import { checkList, contiguousStrides, formatShape, normalizeAxis, type Shape } from '../shape.js';
import { located } from '../source.js';
import { add } from './elementwise.js';
import { hull, same, times } from './interval.js';
import { eachStridedRun } from './loops.js';
import { copyStrided, pad, reshape, slice, transpose } from './movement.js';
import { defineOp, type Op } from './op.js';
import { apply, type Tensor, type TensorLike, toTensor } from './tensor.js';

/** Windows of `sizes` along `axes`, one of each for every axis. */
interface Windows {
  axes: readonly number[];
  sizes: readonly number[];
  strides: readonly number[];
  dilations: readonly number[];
}

type WindowAttrs = Windows & { [key: string]: readonly number[] };

/** Elements from the first that a window of this size sees to behind the last. */
export function reach(size: number, dilation: number): number {
  return (size - 1) * dilation + 1;
}

/** How many windows there are along an axis of n elements, which is as long as one at least. */
export function windowCount(n: number, size: number, stride: number, dilation: number): number {
  return Math.floor((n - reach(size, dilation)) / stride) + 1;
}

/** Axes that windows are taken of keep their place, the windows' own axes come last. */
function windowShape(shape: Shape, { axes, sizes, strides, dilations }: Windows): number[] {
  const counts = [...shape];
  axes.forEach((axis, i) => {
    counts[axis] = windowCount(shape[axis], sizes[i], strides[i], dilations[i]);
  });
  return [...counts, ...sizes];
}

/** How far apart the elements of windows lie, of a tensor whose elements lie as `of` says. */
function windowStrides(of: readonly number[], { axes, strides, dilations }: Windows): number[] {
  const between = [...of];
  axes.forEach((axis, i) => {
    between[axis] *= strides[i];
  });
  return [...between, ...axes.map((axis, i) => of[axis] * dilations[i])];
}

const windowOp: Op<WindowAttrs> = defineOp<WindowAttrs>({
  name: 'window',
  // ONNX has no windows: the places that each sees are named, one axis after the other.
  onnx(to, [x], { inputs: [{ shape }], attrs: { axes, sizes, strides, dilations } }) {
    const order: number[] = [...shape.keys()];
    const seen = axes.reduce((of, axis, i) => {
      const [count, size] = [windowCount(shape[axis], sizes[i], strides[i], dilations[i]), sizes[i]];
      const places = Array.from(
        { length: count * size },
        (_, at) => Math.floor(at / size) * strides[i] + (at % size) * dilations[i],
      );
      const at = order.indexOf(axis);
      order.splice(at + 1, 0, shape.length + i);
      return to.node('Gather', [of, to.constant(places, 'i64', [count, size])], { axis: at });
    }, x);
    return to.node('Transpose', [seen], { perm: order.map((_, axis) => order.indexOf(axis)) });
  },
  type([x], attrs) {
    checkWindows('window', x.shape, attrs);
    return { shape: windowShape(x.shape, attrs), dtype: x.dtype };
  },
  vjp({ cotangent: g, inputs: [x], attrs: { axes, strides, dilations } }) {
    return [overlapAdd(g, axes, { strides, dilations, lengths: axes.map((axis) => x.shape[axis]) })];
  },
  reference([x], attrs, out) {
    copyStrided(x, windowStrides(contiguousStrides(x.shape), attrs), 0, out);
  },
  exact: true,
  interval: same,
  lower: {
    kind: 'movement',
    axes: ({ inputs: [x], attrs: { axes } }) => [...x.shape.keys(), ...axes],
    view: (strides, { attrs }) => ({ strides: windowStrides(strides, attrs), offset: 0 }),
    reads: ({ inputs: [x], attrs }) =>
      x.shape.reduce((count, n, axis) => count * elementsSeen(n, attrs, attrs.axes.indexOf(axis)), 1),
  },
});

/** How many of the n elements along an axis stand in some window. */
function elementsSeen(n: number, { sizes, strides, dilations }: Windows, of: number): number {
  if (of < 0) return n;
  const seen = new Set<number>();
  const count = windowCount(n, sizes[of], strides[of], dilations[of]);
  for (let o = 0; o < count; o++)
    for (let k = 0; k < sizes[of]; k++) seen.add(o * strides[of] + k * dilations[of]);
  return seen.size;
}

type OverlapAttrs = {
  axes: readonly number[];
  strides: readonly number[];
  dilations: readonly number[];
  /** Of the axes that windows were taken of. */
  lengths: readonly number[];
};

/** The inverse of `window` for shapes, and its transposed map for elements: each is added where a window has it from. */
const overlapAddOp: Op<OverlapAttrs> = defineOp<OverlapAttrs>({
  name: 'overlap_add',
  type: ([g], attrs) => ({ shape: shapeAround(g.shape, attrs), dtype: g.dtype }),
  vjp({ cotangent, inputs: [g], attrs: { axes, strides, dilations } }) {
    return [apply(windowOp, [cotangent], { axes, strides, dilations, sizes: sizesIn(g.shape, axes) })];
  },
  reference([g], attrs, out) {
    const sizes = sizesIn(g.shape, attrs.axes);
    const strides = windowStrides(contiguousStrides(out.shape), { ...attrs, sizes });
    const sums = new Float64Array(out.data.length);
    eachStridedRun(g.shape, [strides], [0], (i, n, at, by) => {
      let o = at[0];
      for (const end = i + n, d = by[0]; i < end; i++, o += d) sums[o] += g.data[i];
    });
    out.data.set(sums);
  },
  interval([g], { inputs: [{ shape }], attrs: { axes, strides, dilations } }) {
    const most = sizesIn(shape, axes).reduce(
      (all, size, i) => all * Math.min(size, Math.ceil(reach(size, dilations[i]) / strides[i])),
      1,
    );
    return hull([{ lo: times(g.lo, most), hi: times(g.hi, most) }, { lo: 0, hi: 0 }, g]);
  },
  lower: {
    kind: 'composite',
    expand([g], attrs) {
      const { axes, strides, dilations, lengths } = attrs as OverlapAttrs;
      // One axis after the other: the sums of the last one are made first.
      return [
        axes.reduceRight((sums, axis, i) => addedAlong(sums, axis, strides[i], dilations[i], lengths[i]), g),
      ];
    },
  },
});

const sizesIn = (shape: Shape, axes: readonly number[]) => shape.slice(shape.length - axes.length);

function shapeAround(shape: Shape, { axes, lengths }: Pick<OverlapAttrs, 'axes' | 'lengths'>): number[] {
  const around = shape.slice(0, shape.length - axes.length);
  axes.forEach((axis, i) => {
    around[axis] = lengths[i];
  });
  return around;
}

/** The windows of the last axis, put where they were taken from along `axis`, added where they overlap. */
function addedAlong(g: Tensor, axis: number, stride: number, dilation: number, length: number): Tensor {
  const last = g.rank - 1;
  const size = g.shape[last];
  const others = [...g.shape.keys()].filter((i) => i !== last);
  if (size === 1 || (dilation === 1 && stride >= size)) {
    // Windows lie one behind the other, with room between them.
    const besides = transpose(g, [...others.slice(0, axis + 1), last, ...others.slice(axis + 1)]);
    const spaced = grown(besides, axis + 1, 0, stride - size);
    const shape = g.shape.slice(0, last).map((n, i) => (i === axis ? n * stride : n));
    return grown(reshape(spaced, shape), axis, 0, length - shape[axis]);
  }
  const spaced = dilated(transpose(g, [last, ...others]), axis + 1, stride);
  const before = (size - 1) * dilation;
  const room = grown(spaced, axis + 1, before, Math.max(0, length - spaced.shape[axis + 1]));
  const shape = g.shape.slice(0, last).map((n, i) => (i === axis ? length : n));
  const terms = Array.from({ length: size }, (_, k) => {
    const starts = room.shape.map((_, i) => (i === 0 ? k : i === axis + 1 ? before - k * dilation : 0));
    return reshape(slice(room, starts, [1, ...shape]), shape);
  });
  return terms.reduce((sum, term) => add(sum, term));
}

/** Zeros, or with a negative number fewer elements, before and after those along an axis. */
export function grown(x: Tensor, axis: number, before: number, after: number): Tensor {
  const along = (n: number) => x.shape.map((_, i) => (i === axis ? n : 0));
  const cut = slice(
    x,
    along(Math.max(0, -before)),
    x.shape.map((n, i) => (i === axis ? n + Math.min(0, before) + Math.min(0, after) : n)),
  );
  return pad(cut, along(Math.max(0, before)), along(Math.max(0, after)));
}

/** `stride` - 1 zeros behind each element along an axis. */
export function dilated(x: Tensor, axis: number, stride: number): Tensor {
  if (stride === 1) return x;
  const apart = reshape(x, [...x.shape.slice(0, axis + 1), 1, ...x.shape.slice(axis + 1)]);
  return reshape(
    grown(apart, axis + 1, 0, stride - 1),
    x.shape.map((n, i) => (i === axis ? n * stride : n)),
  );
}

/** Where windows overlap their elements are added: the VJP of `window`. */
export function overlapAdd(
  g: Tensor,
  axes: readonly number[],
  rest: { strides: readonly number[]; dilations: readonly number[]; lengths: readonly number[] },
): Tensor {
  return apply(overlapAddOp, [g], { axes, ...rest });
}

export interface WindowOptions {
  /** From one window to the next; 1 unless given. A number for all axes, or one for each. */
  strides?: number | readonly number[] | undefined;
  /** From one element of a window to the next; 1 unless given. */
  dilations?: number | readonly number[] | undefined;
}

/**
 * x seen through all windows of `sizes` elements along `axes`, which overlap where strides are smaller: no element is
 * copied.
 * Each of the axes counts windows then, and at the end there is one axis more for the places inside of them:
 * window(x, 1, 3) of [2, 7] is [2, 5, 3], y[i, j, k] = x[i, j + k].
 *
 * @example
 * ```ts
 * import { tensor, window } from '2headgrad';
 * console.log(window(tensor([1, 2, 3, 4]), 0, 2)); // Tensor f32[3, 2] [1, 2, 2, 3, 3, 4]
 * ```
 */
export function window(
  x: TensorLike,
  axes: number | readonly number[],
  sizes: number | readonly number[],
  options: WindowOptions = {},
): Tensor {
  checkOptions('window', options, ['strides', 'dilations']);
  const t = toTensor(x);
  const list = (typeof axes === 'number' ? [axes] : axes) as readonly number[];
  checkList('window', list);
  const along = list.map((axis) => normalizeAxis('window', axis, t.rank));
  const each = (name: string, of: number | readonly number[]) => perAxis(`window: ${name}`, of, along.length);
  const { strides = 1, dilations = 1 } = options;
  const windows = {
    axes: along,
    sizes: each('sizes', sizes),
    strides: each('strides', strides),
    dilations: each('dilations', dilations),
  };
  return along.length === 0 ? t : apply(windowOp, [t], windows);
}

/** A number from `least` for each of some axes, given as such or as one for all. */
export function perAxis(what: string, of: number | readonly number[], axes: number, least = 1): number[] {
  const list = typeof of === 'number' ? new Array<number>(axes).fill(of) : of;
  const expected = `a whole number from ${least}${axes === 1 ? '' : `, or ${axes} of them`}`;
  const wrong = (got: unknown) => new OptionError(located(`${what}: expected ${expected}, got ${got}`));
  if (!Array.isArray(list)) throw wrong(list);
  if (list.length !== axes) throw wrong(formatShape(list));
  if (list.some((n) => !Number.isInteger(n) || n < least))
    throw wrong(typeof of === 'number' ? of : formatShape(list));
  return [...list];
}

/** Refuses windows that a tensor has no room for. */
function checkWindows(what: string, shape: Shape, { axes, sizes, strides, dilations }: Windows): void {
  if (new Set(axes).size !== axes.length)
    throw new ShapeError(`${what}: an axis is named twice in ${formatShape(axes)}`);
  axes.forEach((axis, i) => {
    const whole = [sizes[i], strides[i], dilations[i]].every((n) => Number.isInteger(n) && n >= 1);
    const span = reach(sizes[i], dilations[i]);
    if (!(axis >= 0 && axis < shape.length) || !whole || span > shape[axis])
      throw new ShapeError(
        `${what}: a window of ${sizes[i]}${dilations[i] > 1 ? `, ${dilations[i]} apart,` : ''} does not fit into axis ${axis} of ${formatShape(shape)}`,
      );
  });
}

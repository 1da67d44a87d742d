import { ShapeError } from '../errors.js';
import { formatShape, formatType, numel, requireDType, type Shape, sameShape } from '../shape.js';
import { flip } from './arrange.js';
import { mul } from './elementwise.js';
import { type Bounds, hull, product, times } from './interval.js';
import { multiplied } from './matmul.js';
import { pad, reshape, transpose } from './movement.js';
import type { OnnxAttributes, OnnxWriter } from './onnx.js';
import { defineOp, type Op } from './op.js';
import { sum } from './reduce.js';
import { type Geometry, positions, standsApart } from './spatial.js';
import { eachProduct } from './taps.js';
import { apply, type Tensor } from './tensor.js';
import { dilated, grown, overlapAdd, reach, window } from './window.js';

// A convolution is linear in the image and in the filters, and so is the gradient for either: three ops, each of which is the
// gradient of the others. With x: [batch, ...places, in], w: [...kernel, in / groups, out] and y: [batch, ...positions, out],
// y[b, p, o] = sum over k and c of x[b, p stride + k dilation - before, c] w[k, c, o], x being 0 around its places.

/** `groups`: channels are seen only by the filters of their group. */
export type ConvolutionAttrs = Geometry & { groups: number };

/** `sizes`: what the operands do not tell, places of the image or the kernel. */
type SizedAttrs = ConvolutionAttrs & { sizes: readonly number[] };

const placesOf = (x: Shape): Shape => x.slice(1, -1);
const kernelOf = (w: Shape): Shape => w.slice(0, -2);

/** The shape of y; refuses an image and filters that do not fit together. `given`: what the user calls them. */
export function convolutionShape(
  what: string,
  x: Shape,
  w: Shape,
  attrs: ConvolutionAttrs,
  given = `image ${formatShape(x)}, filters ${formatShape(w)}`,
): number[] {
  const { groups } = attrs;
  const refuse = (why: string) => new ShapeError(`${what}: ${why}: ${given}`);
  if (x.length < 3 || w.length !== x.length)
    throw refuse('expected [batch, ...places, channels] and [...kernel, channels, out]');
  const [channels, each, out] = [x.at(-1)!, w.at(-2)!, w.at(-1)!];
  if (channels % groups !== 0) throw refuse(`${channels} channels do not divide into ${groups} groups`);
  if (out % groups !== 0) throw refuse(`${out} channels of the result do not divide into ${groups} groups`);
  if (each * groups !== channels)
    throw refuse(
      groups === 1
        ? `the image has ${channels} channels, the filters take ${each}`
        : `the image has ${channels} channels, ${channels / groups} in each of ${groups} groups, the filters take ${each}`,
    );
  return [x[0], ...positions(what, placesOf(x), kernelOf(w), attrs), out];
}

/** Bounds of sums of so many products. */
const sums =
  (count: (image: Shape, other: Shape, attrs: SizedAttrs) => number): Bounds<SizedAttrs> =>
  ([a, b], { inputs, attrs }) => {
    const { lo, hi } = product(a, b);
    const most = count(inputs[0].shape, inputs[1].shape, attrs);
    return hull([
      { lo: times(lo, most), hi: times(hi, most) },
      { lo: 0, hi: 0 },
    ]);
  };

/** By an op of ONNX, in which channels come before places; `more`: attributes of that op alone. */
function channelsBefore(
  to: OnnxWriter,
  op: string,
  [x, w]: readonly string[],
  kernel: Shape,
  { strides, dilations, before, after, groups }: ConvolutionAttrs,
  more: OnnxAttributes = {},
): string {
  const [n, last] = [kernel.length, kernel.length + 1];
  const places = kernel.map((_, i) => i + 1);
  const made = to.node(
    op,
    [
      to.node('Transpose', [x], { perm: [0, last, ...places] }),
      to.node('Transpose', [w], { perm: [last, n, ...places.map((axis) => axis - 1)] }),
    ],
    { kernel_shape: kernel, strides, dilations, pads: [...before, ...after], group: groups, ...more },
  );
  return to.node('Transpose', [made], { perm: [0, ...places.map((axis) => axis + 1), 1] });
}

const convolutionOp: Op<ConvolutionAttrs> = defineOp<ConvolutionAttrs>({
  name: 'convolution',
  onnx: (to, of, { inputs: [, w], attrs }) => channelsBefore(to, 'Conv', of, kernelOf(w.shape), attrs),
  type([x, w], attrs) {
    for (const t of [x, w]) requireDType('convolution', t, 'f32');
    return { shape: convolutionShape('convolution', x.shape, w.shape, attrs), dtype: 'f32' };
  },
  vjp: ({ cotangent: g, inputs: [x, w], attrs }) => [
    convolutionInput(g, w, placesOf(x.shape), attrs),
    apply(filtersOp, [x, g], { ...attrs, sizes: kernelOf(w.shape) }),
  ],
  reference: ([x, w], attrs, out) => eachProduct('y', { x, w, y: out }, attrs),
  linear: 'each',
  interval: sums((_, w) => numel(w.slice(0, -1))) as Bounds<ConvolutionAttrs>,
  lower: { kind: 'composite', expand: ([x, w], attrs) => [convolved(x, w, attrs as ConvolutionAttrs)] },
});

const inputOp: Op<SizedAttrs> = defineOp<SizedAttrs>({
  name: 'convolution_input',
  onnx(to, of, { inputs: [y, w], attrs }) {
    const kernel = kernelOf(w.shape);
    const { strides, dilations, before, after, sizes } = attrs;
    // Places behind the last window, which a step has passed over.
    const rest = sizes.map((n, i) => {
      const seen = (y.shape[i + 1] - 1) * strides[i] + reach(kernel[i], dilations[i]);
      return n + before[i] + after[i] - seen;
    });
    return channelsBefore(to, 'ConvTranspose', of, kernel, attrs, { output_padding: rest });
  },
  type([y, w], attrs) {
    const shape = [y.shape[0], ...attrs.sizes, w.shape.at(-2)! * attrs.groups];
    checkResult('convolution_input', shape, w.shape, y, attrs);
    return { shape, dtype: 'f32' };
  },
  vjp: ({ cotangent: g, inputs: [y, w], attrs: { sizes: _, ...attrs } }) => [
    apply(convolutionOp, [g, w], attrs),
    apply(filtersOp, [g, y], { ...attrs, sizes: kernelOf(w.shape) }),
  ],
  reference: ([y, w], attrs, out) => eachProduct('x', { x: out, w, y }, attrs),
  linear: 'each',
  interval: sums((_, w, { groups }) => (numel(kernelOf(w)) * w.at(-1)!) / groups),
  lower: { kind: 'composite', expand: ([y, w], attrs) => [spreadBack(y, w, attrs as SizedAttrs)] },
});

const filtersOp: Op<SizedAttrs> = defineOp<SizedAttrs>({
  name: 'convolution_filters',
  type([x, y], attrs) {
    const shape = [...attrs.sizes, Math.floor(x.shape.at(-1)! / attrs.groups), y.shape.at(-1)!];
    checkResult('convolution_filters', x.shape, shape, y, attrs);
    return { shape, dtype: 'f32' };
  },
  vjp: ({ cotangent: g, inputs: [x, y], attrs: { sizes: _, ...attrs } }) => [
    convolutionInput(y, g, placesOf(x.shape), attrs),
    apply(convolutionOp, [x, g], attrs),
  ],
  reference: ([x, y], attrs, out) => eachProduct('w', { x, w: out, y }, attrs),
  linear: 'each',
  interval: sums((_, y) => numel(y.slice(0, -1))),
  lower: { kind: 'composite', expand: ([x, y], attrs) => [correlated(x, y, attrs as SizedAttrs)] },
});

function checkResult(
  what: string,
  x: Shape,
  w: Shape,
  y: { shape: Shape; dtype: 'f32' | 'i32' | 'bool' },
  attrs: ConvolutionAttrs,
) {
  requireDType(what, y, 'f32');
  const expected = convolutionShape(what, x, w, attrs);
  if (!sameShape(y.shape, expected))
    throw new ShapeError(`${what}: expected f32${formatShape(expected)}, got ${formatType(y)}`);
}

/** The convolution of an image with filters, whose shapes have been checked. */
export function convolution(x: Tensor, w: Tensor, attrs: ConvolutionAttrs): Tensor {
  return apply(convolutionOp, [x, w], attrs);
}

/** The gradient of a convolution for its image of these places: every element of y times the filters, where they looked. */
export function convolutionInput(y: Tensor, w: Tensor, places: Shape, attrs: ConvolutionAttrs): Tensor {
  return apply(inputOp, [y, w], { ...attrs, sizes: places });
}

// What the ops are written in: products of matrices, of which one operand are windows of an image.

/** Places that the kernel sees from each position: [batch, ...places, channels] -> [batch, ...positions, ...kernel, channels]. */
function patches(x: Tensor, kernel: Shape, { strides, dilations, before, after }: Geometry): Tensor {
  const axes = kernel.map((_, i) => i + 1);
  const padded = pad(x, [0, ...before, 0], [0, ...after, 0]);
  const seen = window(padded, axes, kernel, { strides, dilations });
  const channels = x.rank - 1;
  return transpose(seen, [0, ...axes, ...axes.map((axis) => axis + channels), channels]);
}

/** The last axis cut into groups, whose axis goes to the front; none for one group. */
function groupsFirst(x: Tensor, groups: number): Tensor {
  if (groups === 1) return x;
  const apart = reshape(x, [...x.shape.slice(0, -1), groups, x.shape.at(-1)! / groups]);
  const group = apart.rank - 2;
  return transpose(apart, [group, ...Array.from({ length: group }, (_, i) => i), group + 1]);
}

/** Undoes groupsFirst. */
function groupsLast(x: Tensor, groups: number): Tensor {
  if (groups === 1) return x;
  const axes = Array.from({ length: x.rank }, (_, i) => i);
  const apart = transpose(x, [...axes.slice(1, -1), 0, x.rank - 1]);
  return reshape(apart, [...apart.shape.slice(0, -2), groups * apart.shape.at(-1)!]);
}

/** As matrices: so many of the leading axes are counted by rows, the others by columns; after the axis of groups, if any. */
function matrices(x: Tensor, groups: number, rows: number): Tensor {
  const own = groups === 1 ? x.shape : x.shape.slice(1);
  const sizes = [numel(own.slice(0, rows)), numel(own.slice(rows))];
  return reshape(x, groups === 1 ? sizes : [groups, ...sizes]);
}

/** Whether each filter sees one channel: such a convolution is no product of matrices, but sums along the places. */
const isDepthwise = (each: number, groups: number) => each === 1 && groups > 1;

function convolved(x: Tensor, w: Tensor, { groups, ...geometry }: ConvolutionAttrs): Tensor {
  const kernel = kernelOf(w.shape);
  const n = kernel.length;
  const seen = patches(x, kernel, geometry);
  const shape = [...seen.shape.slice(0, n + 1), w.shape.at(-1)!];
  if (isDepthwise(w.shape.at(-2)!, groups)) {
    const taps = kernel.map((_, i) => n + 1 + i);
    return reshape(sum(mul(reshape(seen, [...seen.shape, 1]), byGroup(w, groups)), taps), shape);
  }
  const rows = matrices(groupsFirst(seen, groups), groups, n + 1);
  const filters = matrices(groupsFirst(w, groups), groups, n + 1);
  const made = multiplied(rows, filters, false, false);
  const whole = groups === 1 ? shape : [groups, ...shape.slice(0, -1), shape.at(-1)! / groups];
  return groupsLast(reshape(made, whole), groups);
}

/** Filters of one channel each, [...kernel, 1, out], as [...kernel, groups, out of each]. */
function byGroup(w: Tensor, groups: number): Tensor {
  return reshape(w, [...kernelOf(w.shape), groups, w.shape.at(-1)! / groups]);
}

function correlated(x: Tensor, y: Tensor, { groups, sizes: kernel, ...geometry }: SizedAttrs): Tensor {
  const n = kernel.length;
  const seen = patches(x, kernel, geometry);
  const [channels, out] = [x.shape.at(-1)!, y.shape.at(-1)!];
  const shape = [...kernel, channels / groups, out];
  const taken = Array.from({ length: n + 1 }, (_, i) => i);
  if (isDepthwise(channels / groups, groups)) {
    const each = reshape(y, [...y.shape.slice(0, -1), ...kernel.map(() => 1), groups, out / groups]);
    return reshape(sum(mul(reshape(seen, [...seen.shape, 1]), each), taken), shape);
  }
  const rows = matrices(groupsFirst(seen, groups), groups, n + 1);
  const made = multiplied(rows, matrices(groupsFirst(y, groups), groups, n + 1), true, false);
  const whole = groups === 1 ? shape : [groups, ...shape.slice(0, -1), out / groups];
  return groupsLast(reshape(made, whole), groups);
}

/** Filters turned round, from channels of y to those of x: [...kernel, out / groups, in]. */
function turned(w: Tensor, groups: number): Tensor {
  const kernel = kernelOf(w.shape);
  const n = kernel.length;
  const axes = kernel.map((_, i) => i);
  const [each, out] = w.shape.slice(-2);
  const apart = reshape(flippedKernel(w), [...kernel, each, groups, out / groups]);
  return reshape(transpose(apart, [...axes, n + 2, n + 1, n]), [...kernel, out / groups, groups * each]);
}

/** The places of the kernel in the opposite order, as one axis. */
function flippedKernel(w: Tensor): Tensor {
  const kernel = kernelOf(w.shape);
  return reshape(flip(reshape(w, [numel(kernel), ...w.shape.slice(-2)]), 0), w.shape);
}

/** One for each axis of the kernel: where x has room, how far the first window of y reaches out of it. */
function spreadBack(y: Tensor, w: Tensor, attrs: SizedAttrs): Tensor {
  const { strides, dilations, before, groups, sizes: places } = attrs;
  const kernel = kernelOf(w.shape);
  if (standsApart(kernel, attrs)) return spreadApart(y, w, attrs);
  const spans = kernel.map((n, i) => reach(n, dilations[i]));
  // Windows of y that end at each place of x, with zeros between the positions where x was passed over in steps.
  const around = places.reduce((t, n, i) => {
    const spaced = dilated(t, i + 1, strides[i]);
    const first = spans[i] - 1 - before[i];
    return grown(spaced, i + 1, first, n + spans[i] - 1 - first - spaced.shape[i + 1]);
  }, y);
  const none = places.map(() => 0);
  const plain = { strides: places.map(() => 1), dilations, before: none, after: none, groups };
  return convolved(around, turned(w, groups), plain);
}

/** Where no windows overlap, their elements are one product, put where they belong. */
function spreadApart(y: Tensor, w: Tensor, attrs: SizedAttrs): Tensor {
  const { strides, dilations, before, after, groups, sizes: places } = attrs;
  const kernel = kernelOf(w.shape);
  const n = kernel.length;
  const positions = y.shape.slice(0, n + 1);
  const rows = matrices(groupsFirst(y, groups), groups, n + 1);
  const made = multiplied(rows, matrices(groupsFirst(w, groups), groups, n + 1), false, true);
  const each = w.shape.at(-2)!;
  const whole = groups === 1 ? [] : [groups];
  const windows = groupsLast(reshape(made, [...whole, ...positions, ...kernel, each]), groups);
  const axes = kernel.map((_, i) => i + 1);
  const toLast = [0, ...axes, 2 * n + 1, ...axes.map((axis) => axis + n)];
  const lengths = places.map((size, i) => before[i] + size + after[i]);
  const padded = overlapAdd(transpose(windows, toLast), axes, { strides, dilations, lengths });
  return places.reduce((t, _, i) => grown(t, i + 1, -before[i], -after[i]), padded);
}

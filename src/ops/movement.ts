import { ShapeError } from '../errors.js';
import {
  broadcastShapes,
  broadcastStrides,
  checkList,
  checkShape,
  contiguousStrides,
  formatShape,
  normalizeAxis,
  numel,
  offsetOf,
  reshapeStrides,
  type Shape,
  sameShape,
  type TensorType,
} from '../shape.js';
import { hull, same } from './interval.js';
import { eachStridedRun } from './loops.js';
import { unchanged } from './onnx.js';
import { defineOp, type Op, type Value } from './op.js';
import { sumTo } from './reduce.js';
import { apply, interpreter, type Tensor, type TensorLike, toTensor } from './tensor.js';

/** Copies elements of x, read through `strides` from `offset`, into the row-major output. */
export function copyStrided(x: Value, strides: readonly number[], offset: number, out: Value): void {
  const [from, to] = [x.data, out.data];
  eachStridedRun(out.shape, [strides], [offset], (o, n, at, by) => {
    let i = at[0];
    for (const end = o + n, d = by[0]; o < end; o++, i += d) to[o] = from[i];
  });
}

/** Copies the block of x that starts at `starts` and has the size of the output. */
export function copyBlock(x: Value, starts: readonly number[], out: Value): void {
  const strides = contiguousStrides(x.shape);
  const offset = offsetOf(starts, strides);
  copyStrided(x, strides, offset, out);
}

/** Each axis of the result is that of the input. */
export const inPlace = ({ shape }: TensorType): number[] => [...shape.keys()];

type ShapeAttrs = { shape: Shape };

const reshapeOp: Op<ShapeAttrs> = defineOp<ShapeAttrs>({
  name: 'reshape',
  // Else 0 would stand for a size of the input's.
  onnx: (to, [x], { shape }) =>
    to.node('Reshape', [x, to.ints(shape)], shape.includes(0) ? { allowzero: 1 } : {}),
  type([x], { shape }) {
    checkShape('reshape', shape);
    if (numel(shape) !== numel(x.shape)) {
      throw new ShapeError(
        `reshape: ${formatShape(x.shape)} has ${numel(x.shape)} elements, ${formatShape(shape)} has ${numel(shape)}`,
      );
    }
    return { shape, dtype: x.dtype };
  },
  vjp: ({ cotangent: g, inputs: [x] }) => [reshape(g, x.shape)],
  reference: ([x], _, out) => out.data.set(x.data),
  implied: ({ shape }) => ({ shape }),
  repeats: true,
  exact: true,
  interval: same,
  lower: {
    kind: 'movement',
    axes: () => null,
    view(strides, { inputs: [x], shape }) {
      const reshaped = reshapeStrides(x.shape, strides, shape);
      return reshaped && { strides: reshaped, offset: 0 };
    },
  },
  sharesElements: true,
});

/**
 * The same elements in row-major order under another shape; one size may be -1 and is then worked out.
 * @example
 * ```ts
 * import { reshape, tensor } from '2headgrad';
 * console.log(reshape(tensor([[1, 2], [3, 4]]), [4])); // Tensor f32[4] [1, 2, 3, 4]
 * ```
 */
export function reshape(x: TensorLike, shape: Shape): Tensor {
  checkList('reshape', shape);
  const t = toTensor(x);
  const free = shape.indexOf(-1);
  let full = shape;
  if (free >= 0) {
    const rest = numel(shape.filter((_, i) => i !== free));
    if (rest === 0 || numel(t.shape) % rest !== 0) {
      throw new ShapeError(`reshape: ${formatShape(t.shape)} does not divide into ${formatShape(shape)}`);
    }
    full = shape.map((size, i) => (i === free ? numel(t.shape) / rest : size));
  }
  return sameShape(t.shape, full) ? t : apply(reshapeOp, [t], { shape: full });
}

/** The same value as a tensor of its own, so that a derivative can be taken with respect to this one alone. */
export function identity(x: TensorLike): Tensor {
  const t = toTensor(x);
  return apply(reshapeOp, [t], { shape: t.shape });
}

type TransposeAttrs = { perm: readonly number[] };

const transposeOp: Op<TransposeAttrs> = defineOp<TransposeAttrs>({
  name: 'transpose',
  onnx: (to, x, { attrs: { perm } }) => to.node('Transpose', x, { perm }),
  type([x], { perm }) {
    if (perm.length !== x.shape.length || [...perm].sort((a, b) => a - b).some((axis, i) => axis !== i)) {
      throw new ShapeError(
        `transpose: ${formatShape(perm)} is no order of the ${x.shape.length} axes of ${formatShape(x.shape)}`,
      );
    }
    return { shape: perm.map((axis) => x.shape[axis]), dtype: x.dtype };
  },
  vjp({ cotangent: g, attrs: { perm } }) {
    return [
      transpose(
        g,
        perm.map((_, i) => perm.indexOf(i)),
      ),
    ];
  },
  reference([x], { perm }, out) {
    const strides = contiguousStrides(x.shape);
    copyStrided(
      x,
      perm.map((axis) => strides[axis]),
      0,
      out,
    );
  },
  exact: true,
  interval: same,
  lower: {
    kind: 'movement',
    axes: ({ attrs: { perm } }) => perm,
    view: (strides, { attrs: { perm } }) => ({ strides: perm.map((axis) => strides[axis]), offset: 0 }),
  },
});

/**
 * Axes in another order: output axis i is input axis perm[i]; without `perm` the order is reversed.
 * @example
 * ```ts
 * import { tensor, transpose } from '2headgrad';
 * console.log(transpose(tensor([[1, 2], [3, 4]]))); // Tensor f32[2, 2] [1, 3, 2, 4]
 * ```
 */
export function transpose(x: TensorLike, perm?: readonly number[]): Tensor {
  if (perm !== undefined) checkList('transpose', perm);
  const t = toTensor(x);
  const order = (perm ?? t.shape.map((_, i) => t.rank - 1 - i)).map((axis) =>
    normalizeAxis('transpose', axis, t.rank),
  );
  return order.every((axis, i) => axis === i) && order.length === t.rank
    ? t
    : apply(transposeOp, [t], { perm: order });
}

const broadcastOp: Op<ShapeAttrs> = defineOp<ShapeAttrs>({
  name: 'broadcast',
  onnx: (to, [x], { shape }) => to.node('Expand', [x, to.ints(shape)]),
  type([x], { shape }) {
    checkShape('broadcast', shape);
    if (!sameShape(broadcastShapes('broadcast', [x.shape, shape]), shape)) {
      throw new ShapeError(`broadcast: ${formatShape(x.shape)} does not broadcast to ${formatShape(shape)}`);
    }
    return { shape, dtype: x.dtype };
  },
  vjp: ({ cotangent: g, inputs: [x] }) => [sumTo(g, x.shape)],
  reference([x], { shape }, out) {
    copyStrided(x, broadcastStrides(x.shape, contiguousStrides(x.shape), shape), 0, out);
  },
  implied: ({ shape }) => ({ shape }),
  repeats: true,
  exact: true,
  interval: same,
  lower: {
    kind: 'movement',
    axes: ({ inputs: [x], shape }) =>
      shape.map((_, i) => {
        const axis = i - shape.length + x.shape.length;
        return axis >= 0 && x.shape[axis] !== 1 ? axis : -1;
      }),
    view: (strides, { inputs: [x], shape }) => ({
      strides: broadcastStrides(x.shape, strides, shape),
      offset: 0,
    }),
  },
});

/**
 * Repeats x along axes of size 1 and new outer axes until it has `shape`.
 * @example
 * ```ts
 * import { broadcastTo, tensor } from '2headgrad';
 * console.log(broadcastTo(tensor([1, 2]), [2, 2])); // Tensor f32[2, 2] [1, 2, 1, 2]
 * ```
 */
export function broadcastTo(x: TensorLike, shape: Shape): Tensor {
  checkList('broadcastTo', shape);
  const t = toTensor(x);
  return sameShape(t.shape, shape) ? t : apply(broadcastOp, [t], { shape });
}

/** Zeros of this type. */
export function zeros({ shape, dtype }: TensorType): Tensor {
  const made = broadcastTo(interpreter().constant(0, [], dtype), shape);
  zeroTensors.add(made);
  return made;
}

const zeroTensors = new WeakSet<Tensor>();

/** Whether a tensor is known to be zeros, as `zeros` has made it. */
export function isZeros(x: Tensor): boolean {
  return zeroTensors.has(x);
}

type SliceAttrs = { starts: readonly number[]; sizes: readonly number[] };

const sliceOp: Op<SliceAttrs> = defineOp<SliceAttrs>({
  name: 'slice',
  onnx: (to, [x], { attrs: { starts, sizes } }) =>
    to.node('Slice', [x, to.ints(starts), to.ints(starts.map((start, i) => start + sizes[i]))]),
  type([x], { starts, sizes }) {
    const fits = starts.length === x.shape.length && sizes.length === x.shape.length;
    if (!fits || x.shape.some((n, i) => !(starts[i] >= 0 && sizes[i] >= 0 && starts[i] + sizes[i] <= n))) {
      throw new ShapeError(
        `slice: from ${formatShape(starts)} by ${formatShape(sizes)} is outside of ${formatShape(x.shape)}`,
      );
    }
    checkShape('slice', sizes);
    checkShape('slice', starts);
    return { shape: sizes, dtype: x.dtype };
  },
  vjp({ cotangent: g, inputs: [x], attrs: { starts, sizes } }) {
    return [
      pad(
        g,
        starts,
        x.shape.map((n, i) => n - starts[i] - sizes[i]),
      ),
    ];
  },
  reference: ([x], { starts }, out) => copyBlock(x, starts, out),
  implied: ({ shape }) => ({ sizes: shape }),
  exact: true,
  interval: same,
  lower: {
    kind: 'movement',
    axes: inPlace,
    view: (strides, { attrs: { starts } }) => ({
      strides,
      offset: offsetOf(starts, strides),
    }),
  },
});

/**
 * The block that starts at `starts` and has `sizes`, one of each for every axis.
 * @example
 * ```ts
 * import { slice, tensor } from '2headgrad';
 * console.log(slice(tensor([[1, 2, 3], [4, 5, 6]]), [0, 1], [2, 2])); // Tensor f32[2, 2] [2, 3, 5, 6]
 * ```
 */
export function slice(x: TensorLike, starts: readonly number[], sizes: readonly number[]): Tensor {
  for (const list of [starts, sizes]) checkList('slice', list);
  const t = toTensor(x);
  return sameShape(t.shape, sizes) && starts.every((s) => s === 0)
    ? t
    : apply(sliceOp, [t], { starts, sizes });
}

type PadAttrs = { before: readonly number[]; after: readonly number[] };

const padOp: Op<PadAttrs> = defineOp<PadAttrs>({
  name: 'pad',
  onnx: (to, [x], { shape, attrs: { before, after } }) =>
    shape.length === 0 ? x : to.node('Pad', [x, to.ints([...before, ...after])]),
  type([x], { before, after }) {
    if (before.length !== x.shape.length || after.length !== x.shape.length) {
      throw new ShapeError(`pad: needs one count before and after for each axis of ${formatShape(x.shape)}`);
    }
    checkShape('pad', before);
    checkShape('pad', after);
    return { shape: x.shape.map((n, i) => n + before[i] + after[i]), dtype: x.dtype };
  },
  vjp: ({ cotangent: g, inputs: [x], attrs: { before } }) => [slice(g, before, x.shape)],
  reference: ([x], { before }, out) => copyInto(x, before, out),
  exact: true,
  interval: ([x]) => hull([x, { lo: 0, hi: 0 }]),
  lower: { kind: 'copy', zeros: true, starts: ({ attrs: { before } }) => [[...before]] },
});

/**
 * Zeros around x: `before` and `after` count them for each axis.
 * @example
 * ```ts
 * import { pad, tensor } from '2headgrad';
 * console.log(pad(tensor([1, 2]), [1], [2])); // Tensor f32[5] [0, 1, 2, 0, 0]
 * ```
 */
export function pad(x: TensorLike, before: readonly number[], after: readonly number[]): Tensor {
  for (const list of [before, after]) checkList('pad', list);
  const t = toTensor(x);
  return [...before, ...after].every((n) => n === 0) ? t : apply(padOp, [t], { before, after });
}

/** Writes x into the block of `out` that starts at `starts`. */
function copyInto(x: Value, starts: readonly number[], out: Value): void {
  const strides = contiguousStrides(out.shape);
  const offset = offsetOf(starts, strides);
  eachStridedRun(x.shape, [strides], [offset], (i, n, at, by) => {
    let o = at[0];
    for (const end = i + n, d = by[0]; i < end; i++, o += d) out.data[o] = x.data[i];
  });
}

/** Where each of several tensors begins that lie one after the other along an axis. */
function startsAlong(inputs: readonly TensorType[], axis: number): number[][] {
  let at = 0;
  return inputs.map(({ shape }) => {
    const starts = shape.map((_, i) => (i === axis ? at : 0));
    at += shape[axis];
    return starts;
  });
}

type ConcatAttrs = { axis: number };

const concatOp: Op<ConcatAttrs> = defineOp<ConcatAttrs>({
  name: 'concat',
  onnx: (to, of, { attrs: { axis } }) => to.node('Concat', of, { axis }),
  type(inputs, { axis }) {
    const [first, ...rest] = inputs;
    for (const x of rest) {
      if (
        x.dtype !== first.dtype ||
        x.shape.length !== first.shape.length ||
        x.shape.some((n, i) => i !== axis && n !== first.shape[i])
      ) {
        throw new ShapeError(
          `concat: tensors must agree but for axis ${axis}: ${inputs.map((i) => `${i.dtype} ${formatShape(i.shape)}`).join(' and ')}`,
        );
      }
    }
    const size = inputs.reduce((n, x) => n + x.shape[axis], 0);
    return { shape: first.shape.map((n, i) => (i === axis ? size : n)), dtype: first.dtype };
  },
  vjp({ cotangent: g, inputs, attrs: { axis } }) {
    const starts = startsAlong(inputs, axis);
    return inputs.map((x, i) => slice(g, starts[i], x.shape));
  },
  reference(inputs, { axis }, out) {
    const starts = startsAlong(inputs, axis);
    inputs.forEach((x, i) => {
      copyInto(x, starts[i], out);
    });
  },
  exact: true,
  interval: hull,
  lower: { kind: 'copy', zeros: false, starts: ({ inputs, attrs: { axis } }) => startsAlong(inputs, axis) },
});

/**
 * Tensors one after the other along `axis`.
 * @example
 * ```ts
 * import { concat, tensor } from '2headgrad';
 * console.log(concat([tensor([1, 2]), tensor([3])])); // Tensor f32[3] [1, 2, 3]
 * ```
 */
export function concat(tensors: readonly Tensor[], axis = 0): Tensor {
  if (tensors.length === 0) throw new ShapeError('concat: needs at least one tensor');
  const list = tensors.map((t) => toTensor(t));
  const at = normalizeAxis('concat', axis, list[0].rank);
  return list.length === 1 ? list[0] : apply(concatOp, list, { axis: at });
}

/** The same elements, laid out row by row: what a kernel needs that walks its operand in memory order. */
export const contiguousOp: Op<Record<never, never>> = defineOp<Record<never, never>>({
  name: 'contiguous',
  onnx: unchanged,
  type: ([x]) => x,
  vjp: ({ cotangent: g }) => [g],
  reference: ([x], _, out) => out.data.set(x.data),
  linear: [1],
  repeats: true,
  exact: true,
  interval: same,
  lower: { kind: 'elementwise', cost: 0, emit: ([x]) => x },
  sharesElements: true,
});

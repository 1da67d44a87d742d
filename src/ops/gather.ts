import { ShapeError } from '../errors.js';
import { checkIndices } from '../indices.js';
import { formatShape, normalizeAxis, numel, requireDType, type Shape, sameShape } from '../shape.js';
import { userLocation } from '../source.js';
import { same } from './interval.js';
import { inPlace, transpose, zeros } from './movement.js';
import { unchanged } from './onnx.js';
import { type Attrs, defineOp, type Op } from './op.js';
import { apply, type Tensor, type TensorLike, toTensor } from './tensor.js';

type IndexAttrs = { size: number; what: string };

/**
 * Declares that integers are indices below `size`. The tape checks them here. A compiled step has them checked as data
 * where they come from an input, and proven or looked at where they are computed (graph/indices.ts).
 */
const indexOp: Op<IndexAttrs> = defineOp<IndexAttrs>({
  name: 'index',
  type([ids], { what }) {
    requireDType(what, ids, 'i32');
    return ids;
  },
  vjp: null,
  bound: ({ size, what }) => ({ size, what }),
  reference([ids], bound, out) {
    checkIndices(ids.data, bound, userLocation);
    out.data.set(ids.data);
  },
  interval: (_, { attrs: { size } }) => ({ lo: 0, hi: size - 1 }),
  marker: true,
  // Gather refuses what is beyond its table, but counts negative indices from the end.
  onnx: unchanged,
  lower: { kind: 'movement', axes: inPlace, view: (strides) => ({ strides, offset: 0 }) },
});

/** The ids as indices below `size`; `what` names their user in errors. */
export function asIndices(ids: Tensor, size: number, what: string): Tensor {
  if (size === 0 && !toTensor(ids).shape.includes(0))
    throw new ShapeError(`${what}: there is nothing that indices could name, the size of that axis is 0`);
  return apply(indexOp, [toTensor(ids)], { size, what });
}

type None = Record<never, never>;

const gatherOp: Op<None> = defineOp<None>({
  name: 'gather',
  onnx: 'Gather',
  type([table, ids]) {
    requireDType('gather', ids, 'i32');
    if (table.shape.length < 1) throw new ShapeError('gather: the table needs at least one axis');
    return { shape: [...ids.shape, ...table.shape.slice(1)], dtype: table.dtype };
  },
  vjp({ cotangent: g, inputs: [table, ids] }) {
    return [scatterAdd(zeros(table), ids, g), null];
  },
  reference([table, ids], _, out) {
    const row = numel(table.shape.slice(1));
    for (let i = 0; i < ids.data.length; i++) {
      const from = ids.data[i] * row;
      for (let j = 0; j < row; j++) out.data[i * row + j] = table.data[from + j];
    }
  },
  exact: true,
  linear: 'first',
  interval: same,
  lower: { kind: 'gather' },
});

/**
 * Slices of a table along an axis: [..., n, ...] and ids i32[ids...], each in [0, n) -> [..., ids..., ...]. Along the
 * first,
 * unless told, these are rows: out[i...] = table[ids[i...]].
 *
 * @example
 * ```ts
 * import { gather, tensor } from '2headgrad';
 * console.log(gather(tensor([[1, 2], [3, 4], [5, 6]]), tensor([2, 0], { dtype: 'i32' }))); // Tensor f32[2, 2] [5, 6, 1, 2]
 * ```
 */
export function gather(table: TensorLike, ids: Tensor, axis = 0): Tensor {
  const t = toTensor(table);
  if (t.rank < 1) throw new ShapeError('gather: the table needs at least one axis');
  const at = normalizeAxis('gather', axis, t.rank);
  const index = asIndices(ids, t.shape[at], 'gather');
  if (at === 0) return apply(gatherOp, [t, index], {});
  const { toFront, toBack } = moved(t.rank, at, index.rank);
  return transpose(apply(gatherOp, [transpose(t, toFront), index], {}), toBack);
}

/** Permutations that bring an axis to the front, and the axes of ids that then stand there to its place. */
function moved(rank: number, axis: number, idsRank: number): { toFront: number[]; toBack: number[] } {
  const others = Array.from({ length: rank }, (_, i) => i).filter((i) => i !== axis);
  const ids = Array.from({ length: idsRank }, (_, i) => i);
  const rest = others.map((_, i) => idsRank + i);
  return { toFront: [axis, ...others], toBack: [...rest.slice(0, axis), ...ids, ...rest.slice(axis)] };
}

/** The permutation that undoes one. */
function inverse(perm: readonly number[]): number[] {
  return perm.map((_, axis) => perm.indexOf(axis));
}

/** `distinct`: no index has more than one row that is not all zeros, as after sum_repeats. */
type ScatterAttrs = { distinct?: true } & Attrs;

export const scatterAddOp: Op<ScatterAttrs> = defineOp<ScatterAttrs>({
  name: 'scatter_add',
  // By elements: engines add the blocks of ScatterND by several threads, which loses what two add to one row at a time.
  onnx(to, [base, ids, updates], { inputs: [{ shape }, { shape: places }] }) {
    const [rows, n, width] = [shape[0], numel(places), numel(shape.slice(1))];
    if (n * width === 0) return base;
    const none = to.node('Expand', [to.constant(0, 'f32'), to.ints([rows, width])]);
    const column = to.node('Reshape', [ids, to.ints([n, 1])], { allowzero: 1 });
    const each = to.node('Expand', [column, to.ints([n, width])]);
    const added = to.node('Reshape', [updates, to.ints([n, width])], { allowzero: 1 });
    const sums = to.node('ScatterElements', [none, each, added], { axis: 0, reduction: 'add' });
    return to.node('Add', [base, to.node('Reshape', [sums, to.ints(shape)], { allowzero: 1 })]);
  },
  type([base, ids, updates]) {
    requireDType('scatter_add', base, 'f32');
    requireDType('scatter_add', ids, 'i32');
    const expected: Shape = [...ids.shape, ...base.shape.slice(1)];
    if (!sameShape(updates.shape, expected)) {
      throw new ShapeError(
        `scatter_add: updates must be ${formatShape(expected)} for ids ${formatShape(ids.shape)}, not ${formatShape(updates.shape)}`,
      );
    }
    return base;
  },
  vjp: ({ cotangent: g, inputs: [, ids] }) => [g, null, apply(gatherOp, [g, ids], {})],
  reference([base, ids, updates], _, out) {
    const row = numel(base.shape.slice(1));
    for (let i = 0; i < ids.data.length; i++) {
      const to = ids.data[i] * row;
      for (let j = 0; j < row; j++) out.data[to + j] += updates.data[i * row + j];
    }
    for (let i = 0; i < out.data.length; i++) out.data[i] = base.data[i] + out.data[i];
  },
  lower: { kind: 'scatter' },
});

/**
 * base plus, in row ids[i...], the sum of all updates[i...] of that row; ids may repeat. The rows of an index are
 * summed
 * before they are added, so that many small ones are not rounded away beside a large base. Along another `axis`: base
 * [..., n, ...], updates [..., ids..., ...], of the shape that `gather` gives.
 *
 * @example
 * ```ts
 * import { scatterAdd, tensor } from '2headgrad';
 * const rows = tensor([1, 1], { dtype: 'i32' });
 * console.log(scatterAdd(tensor([[0, 0], [1, 1]]), rows, tensor([[1, 2], [3, 4]]))); // Tensor f32[2, 2] [0, 0, 5, 7]
 * ```
 */
export function scatterAdd(base: Tensor, ids: Tensor, updates: Tensor, axis = 0): Tensor {
  const [t, u] = [toTensor(base), toTensor(updates)];
  const at = t.rank === 0 ? 0 : normalizeAxis('scatterAdd', axis, t.rank);
  const index = asIndices(ids, t.shape[at] ?? 0, 'scatter_add');
  if (at === 0) return apply(scatterAddOp, [t, index, u], {});
  const { toFront, toBack } = moved(t.rank, at, index.rank);
  const expected: Shape = [...t.shape.slice(0, at), ...index.shape, ...t.shape.slice(at + 1)];
  if (!sameShape(u.shape, expected))
    throw new ShapeError(
      `scatter_add: updates must be ${formatShape(expected)} for ids ${formatShape(index.shape)} along axis ${axis}, not ${formatShape(u.shape)}`,
    );
  const added = apply(scatterAddOp, [transpose(t, toFront), index, transpose(u, inverse(toBack))], {});
  return transpose(added, inverse(toFront));
}

/**
 * The first row of each index becomes the sum of all its rows, and the others zeros. The compiler makes it, after
 * derivatives are taken, so that a row of a table is written once, as its dense gradient would be.
 */
defineOp<None>({
  name: 'sum_repeats',
  type([ids, updates]) {
    requireDType('sum_repeats', ids, 'i32');
    requireDType('sum_repeats', updates, 'f32');
    if (!sameShape(updates.shape.slice(0, ids.shape.length), ids.shape)) {
      throw new ShapeError(
        `sum_repeats: rows ${formatShape(updates.shape)} must begin with the axes of ids ${formatShape(ids.shape)}`,
      );
    }
    return updates;
  },
  vjp: null,
  reference([ids, updates], _, out) {
    const row = numel(updates.shape.slice(ids.shape.length));
    const first = new Map<number, number>();
    for (let i = 0; i < ids.data.length; i++) {
      const to = first.get(ids.data[i]) ?? i;
      first.set(ids.data[i], to);
      for (let j = 0; j < row; j++) out.data[to * row + j] += updates.data[i * row + j];
    }
  },
  lower: { kind: 'fold' },
});

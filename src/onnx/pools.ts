import { constantValue, makeNode, type Node } from '../graph/graph.js';
import { is } from '../optimize/build.js';
import type { Shape } from '../shape.js';
import { opOf } from './standing.js';

// Pools go along one axis after the other (ops/pool.ts): windows, whose own axis comes next, and the largest of each. ONNX has one op
// for all axes, in which channels come before places.

type PoolAttrs = {
  shape: Shape;
  axes: readonly number[];
  sizes: readonly number[];
  strides: readonly number[];
  dilations: readonly number[];
  before: readonly number[];
  after: readonly number[];
};

const maxPoolOp = opOf<PoolAttrs>(
  'onnx_max_pool',
  (to, [x], { shape: { length: rank }, attrs }) => {
    const places = Array.from({ length: rank - 2 }, (_, i) => i + 1);
    const each = (list: readonly number[], otherwise: number) =>
      places.map((axis) => list[attrs.axes.indexOf(axis)] ?? otherwise);
    const made = to.node('MaxPool', [to.node('Transpose', [x], { perm: [0, rank - 1, ...places] })], {
      kernel_shape: each(attrs.sizes, 1),
      strides: each(attrs.strides, 1),
      dilations: each(attrs.dilations, 1),
      pads: [...each(attrs.before, 0), ...each(attrs.after, 0)],
    });
    return to.node('Transpose', [made], { perm: [0, ...places.map((axis) => axis + 1), 1] });
  },
  ([x], { shape }) => ({ shape, dtype: x.dtype }),
);

/** The largest of windows along an axis of places, of which nobody asks where it stands; joined with that along others. */
export function maxPool(node: Node, reads: (inner: Node) => number): Node | null {
  if (!is(node, 'reshape') || !is(node.inputs[0], 'result') || node.inputs[0].attrs.index !== 0) return null;
  const [chosen] = node.inputs[0].inputs;
  if (!is(chosen, 'max_with_index') || reads(chosen) !== 1) return null;
  const [turned] = chosen.inputs;
  if (!is(turned, 'transpose') || !is(turned.inputs[0], 'window')) return null;
  const [windows] = turned.inputs;
  const { axes, sizes, strides, dilations } = windows.attrs as PoolAttrs;
  const [axis] = axes;
  const rank = windows.inputs[0].shape.length;
  const order = [...Array(rank).keys()];
  const wanted = [...order.slice(0, axis + 1), rank, ...order.slice(axis + 1)];
  const isNext = (turned.attrs.perm as readonly number[]).join() === wanted.join();
  if (axes.length !== 1 || axis < 1 || axis > rank - 2 || !isNext || chosen.attrs.axis !== axis + 1)
    return null;
  const { x, before, after } = withoutRoom(windows.inputs[0], axis);
  const along = { axes, sizes, strides, dilations, before: [before], after: [after] };
  const { shape } = node;
  if (x.op !== maxPoolOp || reads(x) !== 1 || (x.attrs.axes as readonly number[]).includes(axis))
    return makeNode(maxPoolOp, [x], { ...along, shape }, node.where);
  const other = x.attrs as PoolAttrs;
  const joined = Object.entries(along).map(([name, list]) => [
    name,
    [...other[name as keyof typeof along], ...list],
  ]);
  return makeNode(maxPoolOp, x.inputs, { ...Object.fromEntries(joined), shape }, node.where);
}

/** What minus infinity was put around, and how much of it. */
function withoutRoom(padded: Node, axis: number): { x: Node; before: number; after: number } {
  const none = { x: padded, before: 0, after: 0 };
  if (!is(padded, 'concat') || padded.attrs.axis !== axis) return none;
  const sizes = padded.inputs.map((part) => (isLeast(part) ? part.shape[axis] : 0));
  const inner = sizes.indexOf(0);
  if (sizes.filter((n) => n === 0).length !== 1 || inner > 1 || inner < sizes.length - 2) return none;
  return { x: padded.inputs[inner], before: sizes[inner - 1] ?? 0, after: sizes[inner + 1] ?? 0 };
}

function isLeast(node: Node): boolean {
  return is(node, 'broadcast') && constantValue(node.inputs[0]) === Number.NEGATIVE_INFINITY;
}

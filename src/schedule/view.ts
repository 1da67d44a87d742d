import type { Node } from '../graph/graph.js';
import { broadcastStrides, contiguousStrides, numel, type Shape } from '../shape.js';

/**
 * How the elements of a node lie in another node's row-major elements: index i of the node's shape reads
 * element offset + sum(i * strides). Movement ops are nothing but such maps; no data moves.
 */
export interface View {
  readonly source: Node;
  readonly strides: readonly number[];
  readonly offset: number;
}

const views = new WeakMap<Node, View>();

/** The view behind a node; a node that is not movement, or that no strides can express, is its own source. */
export function viewOf(node: Node): View {
  let view = views.get(node);
  if (!view) {
    view = movementView(node) ?? { source: node, strides: contiguousStrides(node.shape), offset: 0 };
    views.set(node, view);
  }
  return view;
}

/** Whether a movement node must be copied because strides cannot express it. */
export function needsCopy(node: Node): boolean {
  return node.op.lower.kind === 'movement' && viewOf(node).source === node;
}

function movementView(node: Node): View | null {
  if (node.op.lower.kind !== 'movement') return null;
  const view = viewOf(node.inputs[0]);
  const { strides, offset } = view;
  const from = node.inputs[0].shape;
  switch (node.op.name) {
    case 'transpose':
      return { ...view, strides: (node.attrs.perm as readonly number[]).map((axis) => strides[axis]) };
    case 'broadcast':
      return { ...view, strides: broadcastStrides(from, strides, node.shape) };
    case 'slice': {
      const starts = node.attrs.starts as readonly number[];
      return { ...view, offset: starts.reduce((at, start, i) => at + start * strides[i], offset) };
    }
    case 'reshape': {
      const reshaped = reshapeStrides(from, strides, node.shape);
      return reshaped && { ...view, strides: reshaped };
    }
    default:
      return view;
  }
}

/** Strides that walk the same elements in the same order under another shape, or null if there are none. */
export function reshapeStrides(from: Shape, strides: readonly number[], to: Shape): number[] | null {
  if (numel(from) !== numel(to)) return null;
  const out = new Array<number>(to.length).fill(0);
  if (numel(from) === 0) return out;
  const axes = from.map((size, i) => ({ size, stride: strides[i] })).filter((axis) => axis.size > 1);
  let next = 0;
  for (let first = 0; first < to.length; ) {
    if (to[first] === 1) {
      first++;
      continue;
    }
    // Grow a group of axes on both sides until they hold as many elements.
    let end = first + 1;
    let [wanted, have] = [to[first], axes[next].size];
    let last = next;
    while (wanted !== have) {
      if (wanted < have) wanted *= to[end++];
      else {
        const { stride, size } = axes[++last];
        if (axes[last - 1].stride !== stride * size) return null;
        have *= size;
      }
    }
    let { stride } = axes[last];
    for (let i = end - 1; i >= first; i--) {
      out[i] = to[i] === 1 ? 0 : stride;
      stride *= to[i];
    }
    [first, next] = [end, last + 1];
  }
  return out;
}

/** Contiguous strides with 0 on axes of size 1, so that maps over equal elements compare equal. */
export function identityStrides(shape: Shape): number[] {
  return contiguousStrides(shape).map((stride, i) => (shape[i] === 1 ? 0 : stride));
}

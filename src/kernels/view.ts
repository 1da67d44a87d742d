import type { Node } from '../graph/graph.js';
import type { View as Lie } from '../ops/op.js';
import { contiguousStrides, type Shape } from '../shape.js';

/**
 * How the elements of a node lie in another node's row-major elements: index i of the node's shape reads
 * element offset + sum(i * strides). Movement ops are nothing but such maps; no data moves.
 */
export interface View extends Lie {
  readonly source: Node;
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
  const { source, strides, offset } = viewOf(node.inputs[0]);
  const moved = node.op.lower.view(strides, node);
  return moved && { source, strides: moved.strides, offset: offset + moved.offset };
}

/** Contiguous strides with 0 on axes of size 1, so that maps over equal elements compare equal. */
export function identityStrides(shape: Shape): number[] {
  return contiguousStrides(shape).map((stride, i) => (shape[i] === 1 ? 0 : stride));
}

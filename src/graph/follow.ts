import { constantValue, type Node } from './graph.js';

// Small questions about what a node is made of.

const SAME_ELEMENTS = new Set(['reshape', 'broadcast', 'stop_gradient', 'contiguous']);

/** Follows a node back through ops that repeat its elements or give them another shape. */
export function strip(node: Node): Node {
  let at = node;
  while (SAME_ELEMENTS.has(at.op.name)) at = at.inputs[0];
  return at;
}

/** The one number that a node holds, whatever its shape. */
export const numberIn = (node: Node): number | undefined => constantValue(strip(node));

/**
 * Whether an operand made of a reduction lies along the axes that the reduction has left, as with keepDims, so that
 * each row meets its own result. (A [3] that stands for [3, 1] would meet the columns.)
 */
export function keepsPlace(reduction: Node, operand: Node): boolean {
  const shape = ({ shape }: Node) => shape.slice(shape.findIndex((n) => n !== 1) >>> 0).join();
  let at = operand;
  while (at !== reduction && at.op.name !== 'reshape') at = at.inputs.find((i) => numberIn(i) === undefined)!;
  return shape(at) === shape(reduction);
}

import { sameShape } from '../shape.js';
import { constantValue, type Node } from './graph.js';

// Small questions about what a node is made of.

/** Follows a node back through ops that repeat its elements or give them another shape. */
export function strip(node: Node): Node {
  let at = node;
  while (at.op.repeats) at = at.inputs[0];
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
  const reshapes = ({ op, shape, inputs: [x] }: Node) => op.sharesElements && !sameShape(shape, x.shape);
  while (at !== reduction && !reshapes(at)) at = at.inputs.find((i) => numberIn(i) === undefined)!;
  return shape(at) === shape(reduction);
}

import type { Op } from '../ops/op.js';
import { resultOp } from '../ops/results.js';
import { makeNode, type Node } from './graph.js';

/** A node for one of the several results of another. */
export function resultNode(of: Node, index: number, where = of.where): Node {
  return makeNode(resultOp as unknown as Op, [of], { index }, where);
}

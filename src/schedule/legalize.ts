import { type Graph, makeNode, type Node, rewrite } from '../graph/graph.js';
import { contiguousOp } from '../ops/movement.js';
import type { Op } from '../ops/op.js';
import { numel, sameShape } from '../shape.js';
import { identityStrides, viewOf } from './view.js';

/**
 * Makes the copies explicit that kernels need: a scatter walks rows of all its operands. What already lies that way
 * is read in place.
 */
export function legalize(graph: Graph): Graph {
  return rewrite(graph, (node) => {
    if (node.op.lower.kind !== 'scatter') return node;
    return withInputs(
      node,
      node.inputs.map((input) => (isContiguous(input) ? input : contiguous(input))),
    );
  });
}

function contiguous(node: Node): Node {
  return makeNode(contiguousOp as unknown as Op, [node], {}, node.where);
}

function withInputs(node: Node, inputs: readonly Node[]): Node {
  return inputs.every((input, i) => input === node.inputs[i]) ? node : { ...node, inputs };
}

function isContiguous(node: Node): boolean {
  const { source, strides, offset } = viewOf(node);
  const own = identityStrides(node.shape);
  const whole = sameShape(source.shape, node.shape) || numel(source.shape) === numel(node.shape);
  return whole && offset === 0 && strides.every((s, i) => node.shape[i] === 1 || s === own[i]);
}

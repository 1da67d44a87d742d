import { type Graph, makeNode, type Node, rewrite } from '../graph/graph.js';
import { contiguousOp } from '../ops/movement.js';
import type { Op } from '../ops/op.js';
import { numel, sameShape } from '../shape.js';
import { readOver } from './cluster.js';
import { passes } from './sum-order.js';
import { identityStrides, viewOf } from './view.js';

/**
 * Makes the copies explicit that kernels need: a scatter walks rows of all its operands, and a reduction whose order
 * shows takes its elements as they follow each other. What already lies that way is read in place.
 */
export function legalize(graph: Graph): Graph {
  const copies = new Map<Node, Node>();
  const copied = (node: Node): Node => {
    if (!copies.has(node)) copies.set(node, contiguous(node));
    return copies.get(node)!;
  };
  return rewrite(graph, (node) => {
    const { lower } = node.op;
    if (lower.kind === 'scatter') {
      return withInputs(
        node,
        node.inputs.map((input) => (isContiguous(input) ? input : copied(input))),
      );
    }
    if (lower.kind === 'reduce' && lower.order(node.dtype) !== 'free' && !readsInOrder(node))
      return withInputs(node, [copied(node.inputs[0])]);
    return node;
  });
}

function readsInOrder(node: Node): boolean {
  const [x] = node.inputs;
  const axes = node.attrs.axes as readonly number[];
  const loops = { domain: x.shape, reduced: x.shape.map((_, axis) => axes.includes(axis)) };
  return passes(loops, [readOver(x, x.shape)]);
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

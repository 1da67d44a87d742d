import { constantValue, type Node, rewrite } from '../graph/graph.js';
import { broadcastShapes, sameShape } from '../shape.js';
import { broadcast, build, fill, is, isElementwise, padShape } from './build.js';
import type { Pass } from './pass.js';

// Lets elementwise ops and matmul repeat their operands themselves: a broadcast in front goes, and where
// every operand is a repetition the op runs before it, on fewer elements. Each element sees the same numbers.
export const implicitBroadcasts: Pass = {
  name: 'implicit-broadcasts',
  contract: {
    changes: 'nothing',
    because: 'each element is made of the same numbers by the same op',
  },
  run: (graph) =>
    rewrite(graph, (node) => {
      if (isElementwise(node)) return elementwise(node);
      return is(node, 'matmul') ? matmul(node) : node;
    }),
};

function elementwise(node: Node): Node {
  const operands = node.inputs.map((operand) => source(operand, node.shape.length));
  if (operands.every((operand, i) => operand === node.inputs[i])) return node;
  return broadcast(build(node.op.name, operands, node.attrs, node.where), node.shape, node.where);
}

/** What an operand repeats: the tensor before a broadcast, a fill's one number, a tensor with other outer axes of size 1. */
function source(operand: Node, rank: number): Node {
  if (is(operand, 'broadcast')) return operand.inputs[0];
  const value = constantValue(operand);
  if (value !== undefined && operand.shape.length) {
    return fill(value, { shape: [], dtype: operand.dtype }, operand.where);
  }
  const [x] = operand.inputs;
  if (!is(operand, 'reshape') || x.shape.length > rank) return operand;
  const longer = Math.max(x.shape.length, operand.shape.length);
  return sameShape(padShape(x.shape, longer), padShape(operand.shape, longer)) ? x : operand;
}

function matmul(node: Node): Node {
  const operands = node.inputs.map((operand) => {
    const [x] = operand.inputs;
    const sameMatrix =
      is(operand, 'broadcast') &&
      x.shape.length >= 2 &&
      sameShape(x.shape.slice(-2), operand.shape.slice(-2));
    return sameMatrix ? x : operand;
  });
  const batch = broadcastShapes(
    'matmul',
    operands.map((operand) => operand.shape.slice(0, -2)),
  );
  if (
    operands.every((operand, i) => operand === node.inputs[i]) ||
    !sameShape(batch, node.shape.slice(0, -2))
  )
    return node;
  return build('matmul', operands, node.attrs, node.where);
}

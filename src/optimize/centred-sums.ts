import { constantValue, type Node, rewrite } from '../graph/graph.js';
import { numel, sameShape } from '../shape.js';
import { fill, is, padShape } from './build.js';
import type { Pass } from './pass.js';

// A sum of elements that had their mean taken off is 0. So is the gradient of a bias in front of a batch norm, which takes it
// off again; what rounding leaves of it would be a direction of its own for an optimizer that asks for signs alone, as Adam
// does, and moves a parameter that cannot matter.
export const centredSums: Pass = {
  name: 'centred-sums',
  contract: {
    changes: 'rounding',
    because: 'in real numbers the sum is 0, so no other result is nearer, and it is finite',
  },
  run: (graph) => rewrite(graph, (node) => (isCentred(node) ? fill(0, node, node.where) : node)),
};

/** Whether a node is the sum of x - mean(x), or of x + mean(-x), over the axes of the mean or more. */
function isCentred(node: Node): boolean {
  if (!is(node, 'sum') || node.dtype !== 'f32') return false;
  const [centred] = node.inputs;
  if (!is(centred, 'add') && !is(centred, 'sub')) return false;
  const [x, y] = centred.inputs;
  const axes = node.attrs.axes as readonly number[];
  return takesOff(centred, x, y, axes) || (is(centred, 'add') && takesOff(centred, y, x, axes));
}

/** Whether the second operand is the mean of the first, with the sign that takes it off. */
function takesOff(centred: Node, x: Node, mean: Node, axes: readonly number[]): boolean {
  const scaled = unshaped(mean);
  if (!is(scaled, 'mul')) return false;
  const [sum, scale] = [unshaped(scaled.inputs[0]), constantValue(scaled.inputs[1])];
  if (!is(sum, 'sum') || scale === undefined || !sameShape(x.shape, centred.shape)) return false;
  const over = sum.attrs.axes as readonly number[];
  const shape = x.shape.map((size, axis) => (over.includes(axis) ? 1 : size));
  // It stands beside x along the axes that are left.
  if (!sameShape(padShape(mean.shape, x.shape.length), shape) || !over.every((axis) => axes.includes(axis)))
    return false;
  const [summed] = sum.inputs;
  const sign = summed === x ? 1 : isNegative(summed, x) ? -1 : 0;
  const n = numel(over.map((axis) => x.shape[axis]));
  const taken = (is(centred, 'sub') ? 1 : -1) * sign * scale * n;
  return Math.abs(taken - 1) < 1e-12;
}

const isNegative = (node: Node, x: Node) => is(node, 'neg') && node.inputs[0] === x;

function unshaped(node: Node): Node {
  return is(node, 'reshape') || is(node, 'broadcast') ? unshaped(node.inputs[0]) : node;
}

import { constantValue, type Graph, makeNode, type Node, rewrite } from '../graph/graph.js';
import { isSparse } from '../graph/scatter.js';
import { opTable } from '../ops/index.js';
import { constantOp } from '../ops/leaf.js';
import { contiguousOp } from '../ops/movement.js';
import type { Attrs, Op } from '../ops/op.js';
import { numel, sameShape } from '../shape.js';
import { identityStrides, viewOf } from './view.js';

/**
 * Makes explicit what kernels need. A scatter walks rows of all its operands: what does not lie that way is copied, what
 * does is read in place. And it adds to what is there only rows of distinct indices: the others are summed before.
 */
export function legalize(graph: Graph): Graph {
  return rewrite(graph, (node) => {
    const { kind } = node.op.lower;
    if (kind === 'fold') return inPlace(node);
    if (kind !== 'scatter') return node;
    return needsSums(node) ? withSums(node) : inPlace(node);
  });
}

function inPlace(node: Node): Node {
  return withInputs(
    node,
    node.inputs.map((input) => (isContiguous(input) ? input : contiguous(input))),
  );
}

function needsSums({ inputs, attrs }: Node): boolean {
  return !attrs.distinct && constantValue(inputs[0]) !== 0;
}

/** Sums of the rows of an index first, and then the base: as a table where there are many, else in the rows. */
function withSums(node: Node): Node {
  const [base, ids, updates] = node.inputs;
  const make = (op: string, inputs: readonly Node[], attrs: Attrs) =>
    makeNode(opTable().get(op)!, inputs, attrs, node.where);
  if (isSparse(node)) {
    const summed = inPlace(make('sum_repeats', [ids, updates], {}));
    return inPlace(make('scatter_add', [base, ids, summed], { distinct: true }));
  }
  const { shape, dtype } = base;
  const zeros = makeNode(constantOp as unknown as Op, [], { values: [0], shape, dtype });
  return make('add', [base, inPlace(make('scatter_add', [zeros, ids, updates], {}))], {});
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

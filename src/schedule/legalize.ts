import { constantValue, type Graph, makeNode, type Node, rewrite } from '../graph/graph.js';
import { isSparse } from '../graph/scatter.js';
import { cutOf, passAsOne, passes, productCut } from '../kernels/sum-order.js';
import { identityStrides, viewOf } from '../kernels/view.js';
import { opTable } from '../ops/index.js';
import { constantOp } from '../ops/leaf.js';
import type { MatmulAttrs } from '../ops/matmul.js';
import { contiguousOp } from '../ops/movement.js';
import type { Attrs, Lowering, Op } from '../ops/op.js';
import { numel, sameShape } from '../shape.js';
import { readOver } from './cluster.js';
import { isLoopNode, type LoopNode, liesForLoop } from './scans.js';

/**
 * Makes explicit what kernels need. A scatter walks rows of all its operands, and a reduction whose order shows takes
 * its elements as they follow each other: what does not lie that way is copied, what does is read in place. A
 * scatter adds to what is there only rows of distinct indices: the others are summed before. And a long reduction to few
 * results, or product with a long k, is made in parts.
 */
export function legalize(graph: Graph): Graph {
  const copies = new Map<Node, Node>();
  const copied = (node: Node): Node => {
    if (!copies.has(node)) copies.set(node, contiguous(node));
    return copies.get(node)!;
  };
  return rewrite(graph, (node) => {
    const { lower } = node.op;
    if (isLoopNode(node)) return forLoop(node, copied);
    if (lower.kind === 'fold') return inPlace(node, copied);
    if (lower.kind === 'scatter') return needsSums(node) ? withSums(node, copied) : inPlace(node, copied);
    if (lower.kind === 'reduce')
      return inParts(readsInOrder(node) ? node : withInputs(node, [copied(node.inputs[0])]));
    return lower.kind === 'matmul' ? productInParts(node) : node;
  });
}

function forLoop(node: LoopNode, copied: (node: Node) => Node): Node {
  const { given } = node.loop;
  return withInputs(
    node,
    node.inputs.map((input, i) => (liesForLoop(input, given[i]) ? input : copied(input))),
  );
}

function inPlace(node: Node, copied: (node: Node) => Node): Node {
  return withInputs(
    node,
    node.inputs.map((input) => (isContiguous(input) ? input : copied(input))),
  );
}

function needsSums({ inputs, attrs }: Node): boolean {
  return !attrs.distinct && constantValue(inputs[0]) !== 0;
}

/** Sums of the rows of an index first, and then the base: as a table where there are many, else in the rows. */
function withSums(node: Node, copied: (node: Node) => Node): Node {
  const [base, ids, updates] = node.inputs;
  const make = (op: string, inputs: readonly Node[], attrs: Attrs) =>
    makeNode(opTable().get(op)!, inputs, attrs, node.where);
  if (isSparse(node)) {
    const summed = inPlace(make('sum_repeats', [ids, updates], {}), copied);
    return inPlace(make('scatter_add', [base, ids, summed], { distinct: true }), copied);
  }
  const { shape, dtype } = base;
  const zeros = makeNode(constantOp as unknown as Op, [], { values: [0], shape, dtype });
  return make('add', [base, inPlace(make('scatter_add', [zeros, ids, updates], {}), copied)], {});
}

function readsInOrder(node: Node): boolean {
  const [x] = node.inputs;
  const loops = loopsOf(node);
  const reads = [readOver(x, x.shape)];
  const cut = cutOf(loops);
  if (cut && !passAsOne(loops, cut, reads)) return false;
  return (node.op.lower as Reduce).order(node.dtype) === 'free' || passes(loops, reads);
}

/** A long reduction as one of parts, and one of their results. */
function inParts(node: Node): Node {
  const cut = cutOf(loopsOf(node));
  if (!cut) return node;
  const { shape, op, where } = node;
  const ofParts = { ...node, shape: [...shape, cut.parts], attrs: { ...node.attrs, parts: cut.parts } };
  const whole = makeNode(op, [ofParts], { axes: [shape.length] }, where);
  return makeNode(opTable().get('reshape')!, [whole], { shape }, where);
}

/** A product with a long k as one of parts, whose results are added: neighbours first. */
function productInParts(node: Node): Node {
  const { shape, where } = node;
  const [m, n] = shape.slice(-2);
  const k = node.inputs[0].shape.at((node.attrs as MatmulAttrs).transposeA ? -2 : -1)!;
  const cut = m * n === numel(shape) ? productCut(m, n, k) : null;
  if (!cut) return node;
  const { parts, length } = cut;
  const make = (op: string, inputs: readonly Node[], attrs: Attrs) =>
    makeNode(opTable().get(op)!, inputs, attrs, where);
  const ofParts = { ...node, shape: [parts, m, n], attrs: { ...node.attrs, parts, length } };
  const added = (from: number, to: number): Node => {
    if (to - from === 1) return make('slice', [ofParts], { starts: [from, 0, 0], sizes: [1, m, n] });
    const middle = Math.ceil((from + to) / 2);
    return make('add', [added(from, middle), added(middle, to)], {});
  };
  return make('reshape', [added(0, parts)], { shape });
}

function loopsOf({ inputs: [x], attrs }: Node) {
  const axes = attrs.axes as readonly number[];
  return { domain: x.shape, reduced: x.shape.map((_, axis) => axes.includes(axis)) };
}

type Reduce = Extract<Lowering, { kind: 'reduce' }>;

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

import { consumers, type Graph, type Node, rewrite, roots } from '../graph/graph.js';
import { numel, type Shape, sameShape } from '../shape.js';
import { type AxisGroup, axesBefore, axisGroups, shapeBefore } from './axes.js';
import { build, is, isElementwise, padShape, reshape } from './build.js';
import type { Pass } from './pass.js';
import { joinedReshapes } from './simplify-movement.js';

// Moves a reshape from in front of elementwise ops and reductions to behind them, so that they are in the
// index space of the kernel that made their operand; only where all its readers can follow, and none would
// need to reshape another large tensor instead. The same numbers meet.
export const sinkReshapes: Pass = {
  name: 'sink-reshapes',
  contract: {
    changes: 'nothing',
    because: 'the same numbers meet, and sums run over them in the same order',
  },
  run(graph) {
    return rewrite(graph, following(graph));
  },
};

/**
 * The rule of the pass. What has become a reshape by it is one for its readers at once, so that a chain of sums takes one
 * run and not one for each of its links.
 */
function following(graph: Graph): (node: Node, before: Node) => Node {
  const kept = new Set(roots(graph));
  const readers = consumers(graph);
  const images = new Map<Node, Node>();
  const image = (node: Node) => images.get(node) ?? node;
  const asked = new Map<Node, boolean>();
  /** Whether all readers let a reshape through. */
  const passes = (x: Node): boolean => {
    const known = asked.get(x);
    if (known !== undefined) return known;
    const all =
      !kept.has(x) &&
      readers.get(x)!.every((r) => is(r, 'reshape') || sunk({ ...r, inputs: r.inputs.map(image) }));
    asked.set(x, all);
    return all;
  };
  return (node, before) => {
    const may = before.inputs.some((x) => is(image(x), 'reshape') && passes(x));
    // Where a reshape has come before another, the next reader must see where both began.
    const result = joinedReshapes(node) ?? (may ? sunk(node) : undefined) ?? node;
    images.set(before, result);
    return result;
  };
}

/** The node before the reshape of its operand instead of after it, or undefined where it cannot go there. */
function sunk(node: Node): Node | undefined {
  if (isElementwise(node)) return elementwise(node);
  return node.op.lower.kind === 'reduce' ? reduction(node) : undefined;
}

function reduction(node: Node): Node | undefined {
  const [x] = node.inputs;
  if (!is(x, 'reshape')) return undefined;
  const [source] = x.inputs;
  const axes = axesBefore(axisGroups(source.shape, x.shape), node.attrs.axes as number[]);
  if (!axes?.length) return undefined;
  return reshape(build(node.op.name, [source], { axes }, node.where), node.shape, node.where);
}

function elementwise(node: Node): Node | undefined {
  const from = node.inputs.find((x) => isMoved(x, node.shape))?.inputs[0].shape;
  if (!from) return undefined;
  const spaces: Spaces = { from, to: node.shape, groups: axisGroups(from, node.shape) };
  const before = inSpaceBefore(node, spaces, 0);
  return before && reshape(before, node.shape, node.where);
}

/** The index spaces on both sides of a reshape. */
interface Spaces {
  readonly from: Shape;
  readonly to: Shape;
  readonly groups: readonly AxisGroup[];
}

const MAX_DEPTH = 3;

/** An elementwise node computed before the reshape; operands made of small tensors are computed anew there. */
function inSpaceBefore(node: Node, spaces: Spaces, depth: number): Node | undefined {
  if (!isElementwise(node) || depth > MAX_DEPTH) return undefined;
  const operands: Node[] = [];
  for (const x of node.inputs) {
    const operand = operandBefore(x, spaces) ?? inSpaceBefore(x, spaces, depth + 1);
    if (!operand) return undefined;
    operands.push(operand);
  }
  return build(node.op.name, operands, node.attrs, node.where);
}

/** A reshape of the same space undone, or a tensor small enough to be reshaped instead. */
function operandBefore(x: Node, { from, to, groups }: Spaces): Node | undefined {
  if (isMoved(x, to) && sameShape(x.inputs[0].shape, from)) return x.inputs[0];
  if (numel(x.shape) > 1 && numel(x.shape) === numel(to)) return undefined;
  const shape = shapeBefore(groups, from, to, padShape(x.shape, to.length));
  if (!shape) return undefined;
  const fits = x.shape.length <= from.length && sameShape(padShape(x.shape, from.length), shape);
  return fits ? x : reshape(x, withoutOuterOnes(shape), x.where);
}

function isMoved(x: Node, to: Shape): boolean {
  return is(x, 'reshape') && sameShape(x.shape, to);
}

function withoutOuterOnes(shape: Shape): Shape {
  const first = shape.findIndex((size) => size !== 1);
  return first < 0 ? [] : shape.slice(first);
}

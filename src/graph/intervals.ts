import { ANY, type Interval } from '../ops/interval.js';
import { keepsPlace, strip } from './follow.js';
import { inputAttrs, isInput, type Node } from './graph.js';

/**
 * Bounds of every node that hold whatever the parameters are: interval arithmetic over a graph, in float32's terms:
 * what underflows counts as 0.
 * @param inputs bounds of inputs that are known, by name
 */
export function intervals(
  nodes: readonly Node[],
  inputs: ReadonlyMap<string, Interval> = new Map(),
): Map<Node, Interval> {
  const found = new Map<Node, Interval>();
  for (const node of nodes) {
    const of = node.inputs.map((i) => found.get(i)!);
    found.set(node, isInput(node) ? (inputs.get(inputAttrs(node).name) ?? ANY) : bound(node, of));
  }
  return found;
}

function bound(node: Node, of: readonly Interval[]): Interval {
  const plain = node.op.interval?.(of, node) ?? (node.dtype === 'bool' ? { lo: 0, hi: 1 } : ANY);
  return softmaxBound(node, plain);
}

/**
 * What a softmax rests on, and no op sees alone: x less its own largest element is not above 0, and of exp(x - max(x))
 * the sum over what the maximum was taken of is at least 1, since one element is exp(0).
 */
function softmaxBound(node: Node, { lo, hi }: Interval): Interval {
  if (isBelowMax(node)) return { lo, hi: Math.min(hi, 0) };
  if (node.op.name !== 'sum') return { lo, hi };
  const e = strip(node.inputs[0]);
  const below = e.op.name === 'exp' && strip(e.inputs[0]);
  if (!below || !isBelowMax(below)) return { lo, hi };
  const sameAxes = String(strip(below.inputs[1]).attrs.axes) === String(node.attrs.axes);
  return { lo: sameAxes ? Math.max(lo, 1) : lo, hi };
}

/** Whether a node is x less its own largest element, as a softmax has it in its exponential. */
export function isBelowMax(node: Node): boolean {
  if (node.op.name !== 'sub') return false;
  const [x, operand] = node.inputs;
  const largest = strip(operand);
  const reduces = largest.op.name === 'max' || largest.op.name === 'nanmax';
  return reduces && strip(largest.inputs[0]) === strip(x) && keepsPlace(largest, operand);
}

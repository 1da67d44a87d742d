import { keepsPlace, numberIn, strip } from '../graph/follow.js';
import type { Node } from '../graph/graph.js';
import { numel } from '../shape.js';

// Small questions about the structure of a graph, for the rules.

/** Follows a node back through `strip` and factors that are numbers. */
export function unscaled(node: Node): Node {
  for (let at = strip(node); ; at = strip(at)) {
    const [a, b] = at.inputs;
    if (at.op.name === 'mul' && numberIn(b) !== undefined) at = a;
    else if (at.op.name === 'mul' && numberIn(a) !== undefined) at = b;
    else if (at.op.name === 'div' && numberIn(b) !== undefined) at = a;
    else if (at.op.name === 'neg') at = a;
    else return at;
  }
}

export interface Centred {
  /** The difference between elements and their mean. */
  readonly node: Node;
  /** The sum that the mean is made of. */
  readonly sum: Node;
  readonly axes: readonly number[];
}

/** If this is x minus the mean of x over some axes. */
export function centred(node: Node): Centred | undefined {
  if (node.op.name !== 'sub') return undefined;
  const [x, mean] = node.inputs;
  const sum = unscaled(mean);
  if (sum.op.name !== 'sum' || strip(sum.inputs[0]) !== strip(x) || !keepsPlace(sum, mean)) return undefined;
  return { node, sum, axes: sum.attrs.axes as number[] };
}

/** Where elements are compared with their mean over the rows of a batch and nothing else, as batch norm does. */
export function batchMeans(nodes: readonly Node[], rows: number): Centred[] {
  return nodes.flatMap((node) => {
    const found = centred(node);
    if (!found) return [];
    const { sum, axes } = found;
    const [x] = sum.inputs;
    const elements = numel(axes.map((axis) => x.shape[axis]));
    return axes.includes(0) && x.shape[0] === rows && elements === rows ? [found] : [];
  });
}

/** Nodes that depend on one of `sources`, the sources included; `nodes` come inputs first. */
export function dependents(nodes: readonly Node[], sources: Iterable<Node>): Set<Node> {
  const found = new Set(sources);
  for (const node of nodes) if (node.inputs.some((input) => found.has(input))) found.add(node);
  return found;
}

/** Who reads each node, among `nodes`. */
export function readers(nodes: readonly Node[]): Map<Node, Node[]> {
  const found = new Map<Node, Node[]>(nodes.map((node) => [node, []]));
  for (const node of nodes) for (const input of new Set(node.inputs)) found.get(input)?.push(node);
  return found;
}

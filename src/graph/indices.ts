import type { IndexBound } from '../indices.js';
import { type Graph, inputAttrs, isInput, type Node } from './graph.js';
import { integerBounds } from './integers.js';

// Where a graph uses integers as indices. Those that come from the user's data are checked before a step; those that are
// computed may be proven to stay in their table; the others are looked at in every step.

/** The largest index (exclusive) that each integer input of a graph may hold, and what sets the limit. */
export function indexBounds(graph: Graph): Map<string, IndexBound> {
  const bounds = new Map<string, IndexBound>();
  for (const { name, bound } of usesOfData(graph)) {
    if (bound.size < (bounds.get(name)?.size ?? Number.POSITIVE_INFINITY)) bounds.set(name, bound);
  }
  return bounds;
}

/** Indices that are neither checked as data nor proven, in the order in which they are used. */
export function openIndices(graph: Graph): Node[] {
  if (!graph.nodes.some((node) => node.op.bound)) return [];
  const checked = new Set(usesOfData(graph).map((use) => use.node));
  const data = [...indexBounds(graph)].map(([name, { size }]) => [name, { lo: 0, hi: size - 1 }] as const);
  const bounds = integerBounds(graph.nodes, new Map(data));
  const open: Node[] = [];
  for (const node of graph.nodes) {
    if (!node.op.bound || checked.has(node) || node.shape.includes(0)) continue;
    const { size } = node.op.bound(node.attrs);
    const { lo, hi } = bounds.get(node.inputs[0])!;
    const covered = open.some((o) => o.inputs[0] === node.inputs[0] && o.op.bound!(o.attrs).size <= size);
    if ((lo < 0 || hi >= size) && !covered) open.push(node);
  }
  return open;
}

/** Uses of data as indices, be it turned or repeated, and the bounds that they set. */
function usesOfData(graph: Graph): { node: Node; name: string; bound: IndexBound }[] {
  const all = graph.nodes.flatMap((node) => {
    if (!node.op.bound) return [];
    const { source, sliced } = sourceOf(node);
    if (!isInput(source) || inputAttrs(source).role !== 'input') return [];
    return [{ node, name: inputAttrs(source).name, bound: node.op.bound(node.attrs), sliced }];
  });
  // Parts of an input that are indices of different tables have no common bound.
  return all.filter(
    (use) =>
      !use.sliced || all.every((other) => other.name !== use.name || other.bound.size === use.bound.size),
  );
}

/** Follows movement back to where the elements come from. */
function sourceOf(node: Node): { source: Node; sliced: boolean } {
  let [source, sliced] = [node, false];
  while (source.op.lower.kind === 'movement') {
    sliced ||= source.op.name === 'slice';
    source = source.inputs[0];
  }
  return { source, sliced };
}

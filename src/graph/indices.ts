import type { IndexBound } from '../indices.js';
import { numel } from '../shape.js';
import { expandAll } from './expand.js';
import { type Graph, inputAttrs, isInput, type Node } from './graph.js';
import { integerBounds } from './integers.js';

// Where a graph uses integers as indices. Those that come from the user's data are checked before a step; those that are
// computed may be proven to stay in their table; the others are looked at in every step.

/** The largest index (exclusive) that each integer input of a graph may hold, and what sets the limit. */
export function indexBounds(graph: Graph): Map<string, IndexBound> {
  return boundsOf(expandAll(graph));
}

function boundsOf(flat: Graph): Map<string, IndexBound> {
  const bounds = new Map<string, IndexBound>();
  for (const { name, bound } of usesOfData(flat)) {
    if (bound.size < (bounds.get(name)?.size ?? Number.POSITIVE_INFINITY)) bounds.set(name, bound);
  }
  return bounds;
}

/** Indices that are neither checked as data nor proven, in the order in which they are used: nodes of `expandAll(graph)`. */
export function openIndices(of: Graph): Node[] {
  const graph = expandAll(of);
  if (!graph.nodes.some((node) => node.op.bound)) return [];
  const checked = new Set(usesOfData(graph).map((use) => use.node));
  const data = [...boundsOf(graph)].map(([name, { size }]) => [name, { lo: 0, hi: size - 1 }] as const);
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
    const { source, part } = sourceOf(node);
    if (!isInput(source) || inputAttrs(source).role !== 'input') return [];
    return [{ node, source, name: inputAttrs(source).name, bound: node.op.bound(node.attrs), part }];
  });
  // Parts of an input that are indices of different tables have no common bound, and what is in no part may be anything.
  return all.filter(({ name, source, part, bound }) => {
    if (!part) return true;
    const uses = all.filter((other) => other.name === name);
    const parts = new Map(uses.map((use) => [use.part?.key ?? '', use.part?.count ?? numel(source.shape)]));
    const covered = [...parts.values()].reduce((sum, count) => sum + count, 0);
    return covered >= numel(source.shape) && uses.every((use) => use.bound.size === bound.size);
  });
}

/**
 * Follows movement back to where the elements come from; `part`: which of them, if slices or windows choose, and how many at
 * least: of elements that repeat before that, nothing is known.
 */
function sourceOf(node: Node): { source: Node; part?: { key: string; count: number } } {
  let source = node;
  const choices: { of: Node; count: number }[] = [];
  let repeats = false;
  while (source.op.lower.kind === 'movement') {
    const [x] = source.inputs;
    const count = source.op.lower.reads?.(source) ?? Math.min(numel(source.shape), numel(x.shape));
    if (choices.length > 0 && count < numel(source.shape)) repeats = true;
    if (count < numel(x.shape)) choices.push({ of: source, count });
    source = x;
  }
  if (choices.length === 0) return { source };
  const key = choices.map(({ of: { attrs, shape } }) => `${JSON.stringify(attrs)} ${shape}`).join();
  return { source, part: { key, count: repeats ? 0 : choices[0].count } };
}

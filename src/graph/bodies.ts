import { fromRoots, type Graph, isInput, type Node } from './graph.js';

// Graphs inside of nodes, which have no variables: what they need, and the same with other nodes in the place of some.

/** Nodes that some nodes of a graph are made of, these among them. */
export function reached(from: Iterable<Node>): Set<Node> {
  const found = new Set(from);
  for (const node of found) for (const input of node.inputs) found.add(input);
  return found;
}

/**
 * The outputs of these nodes with `images` in the place of nodes of the graph; what neither is one nor reads one stays the
 * same node.
 */
export function substituted(graph: Graph, images: ReadonlyMap<Node, Node>): (node: Node) => Node {
  const all = new Map(images);
  const image = (node: Node) => all.get(node) ?? node;
  for (const node of graph.nodes) {
    if (all.has(node) || isInput(node) || !node.inputs.some((input) => all.has(input))) continue;
    all.set(node, { ...node, inputs: node.inputs.map(image) });
  }
  return image;
}

/** A graph without variables, of these outputs; the nodes that nothing needs are gone. */
export function bodyOf(
  name: string,
  inputs: readonly Node[],
  outputs: readonly { readonly name: string; readonly node: Node }[],
): Graph {
  return fromRoots({ name, inputs, outputs, updates: [] });
}

/** So many names that are not taken; passes may have dropped some of those that were counted before. */
export function freshNames(prefix: string, taken: readonly string[], count: number): string[] {
  const used = new Set(taken);
  const names: string[] = [];
  for (let i = taken.length; names.length < count; i++) {
    const name = `${prefix}${i}`;
    if (!used.has(name)) names.push(name);
  }
  return names;
}

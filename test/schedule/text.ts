import type { Graph, Node } from '../../src/graph/graph.js';
import { parseGraph } from '../../src/graph/parse.js';
import { nodeNames } from '../../src/graph/print.js';
import { verifyGraph } from '../../src/graph/verify.js';
import type { Access, Member } from '../../src/kernels/kernel.js';
import type { Fusion } from '../../src/schedule/fuse.js';

/** A graph from its nodes alone: `%x = input "x" : f32[4]`, and `return y = %x`. */
export function graphOf(text: string): Graph {
  const inputs = [...text.matchAll(/= input "(\w+)" : (\w+\[[\d,]*\])/g)];
  const signature = inputs.map(([, name, type]) => `${name}: ${type}`).join(', ');
  const graph = parseGraph(`graph g(${signature}) {\n${text}\n}`);
  verifyGraph(graph, 'parsing');
  return graph;
}

/** `%3 sum`, as the graph's text calls a node. */
export function namer(graph: Graph): (node: Node) => string {
  const names = nodeNames(graph);
  return (node) => `${names.get(node) ?? '%?'} ${node.op.name}`;
}

/** One line a cluster, then why other nodes did not join. */
export function fusionText(graph: Graph, { clusters, home, refusals }: Fusion): string {
  const name = namer(graph);
  const member =
    (cluster: (typeof clusters)[number]) =>
    ({ node, level }: Member) =>
      `${name(node)}${level === 'element' ? '' : ` (${level})`}${home.get(node) === cluster ? '' : ' again'}`;
  return [
    ...clusters.map((cluster) => {
      const axes = cluster.domain.map((size, i) => (cluster.reduced[i] ? `sum ${size}` : size)).join(', ');
      return `${cluster.kind} [${axes}]: ${[...cluster.members.values()].map(member(cluster)).join(', ')}`;
    }),
    ...refusals.map(({ from, to, why }) => `${name(from)} -> ${name(to)}: ${why}`),
  ].join('\n');
}

/** `%0 input + 4 [3,0]`: the source, where it begins, and its strides. */
export function accessText(name: (node: Node) => string, { source, offset, strides }: Access): string {
  return `${name(source)}${offset ? ` + ${offset}` : ''} [${strides}]`;
}

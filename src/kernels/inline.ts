import { constantValue, type Node } from '../graph/graph.js';
import { numel } from '../shape.js';
import { viewOf } from './view.js';

/** Whether a kernel can make the node on the spot from constants, indices and scalars in memory. */
export function isInline(node: Node): boolean {
  if (constantValue(node) !== undefined || node.op.lower.kind === 'iota') return true;
  return node.op.lower.kind === 'elementwise' && numel(node.shape) === 1;
}

const sources = new WeakMap<Node, readonly Node[]>();

/** Nodes that a node needs in memory or in its cluster: its sources, seen through inlined ones. */
export function sourcesOf(node: Node): readonly Node[] {
  let found = sources.get(node);
  if (!found) {
    found = findSources(node);
    sources.set(node, found);
  }
  return found;
}

function findSources(node: Node): Node[] {
  const out = new Set<Node>();
  const seen = new Set<Node>();
  const visit = (source: Node) => {
    // Paths through shared scalars double with each of them.
    if (seen.has(source)) return;
    seen.add(source);
    if (isInline(source)) for (const input of source.inputs) visit(viewOf(input).source);
    else out.add(source);
  };
  for (const input of node.inputs) {
    const { source } = viewOf(input);
    if (readsWhole(node)) out.add(source);
    else visit(source);
  }
  return [...out];
}

/** Whether a kernel reads its operands from memory alone. */
export function readsWhole(node: Node): boolean {
  return ['matmul', 'scatter', 'fold', 'copy', 'gather', 'loop'].includes(node.op.lower.kind);
}

import { type Graph, rewrite } from '../graph/graph.js';

/**
 * Without reductions over axes of one element, which change nothing: loops have no such axes, and a kernel that
 * reduces must have something to loop over. (The pass simplify-movement drops them too, if it is on.)
 */
export function dropUnitReductions(graph: Graph): Graph {
  return rewrite(graph, (node) => {
    if (node.op.lower.kind !== 'reduce') return node;
    const [x] = node.inputs;
    const axes = node.attrs.axes as readonly number[];
    return axes.every((axis) => x.shape[axis] === 1) ? x : node;
  });
}

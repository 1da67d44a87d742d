import { type Node, readerCounts, rewrite } from '../graph/graph.js';
import { build, is } from './build.js';
import type { Pass } from './pass.js';

// A sum of tensors padded with zeros, each around its own part of one axis, is their concatenation: so end
// the gradients of slices that took a tensor apart. Exact, but for the sign of a zero.
export const joinPads: Pass = {
  name: 'join-pads',
  contract: {
    changes: 'signs of zeros',
    because: 'every element is one number plus zeros: it stays as it is, but -0 + 0 is 0',
  },
  run(graph) {
    const readers = readerCounts(graph);
    const inside = new Set(
      graph.nodes.filter((n) => is(n, 'add')).flatMap((n) => n.inputs.filter((x) => readers.get(x) === 1)),
    );
    return rewrite(
      graph,
      (node, before) => (is(node, 'add') && !inside.has(before) ? joined(node, readers) : undefined) ?? node,
    );
  },
};

function joined(node: Node, readers: ReadonlyMap<Node, number>): Node | undefined {
  const pads = terms(node, readers);
  if (!pads.every((pad) => is(pad, 'pad'))) return undefined;
  const axis = paddedAxis(pads[0]);
  if (axis < 0 || pads.some((pad) => paddedAxis(pad) !== axis)) return undefined;
  const start = (pad: Node) => (pad.attrs.before as number[])[axis];
  pads.sort((a, b) => start(a) - start(b));
  let end = 0;
  for (const pad of pads) {
    if (start(pad) !== end) return undefined;
    end += pad.inputs[0].shape[axis];
  }
  return end === node.shape[axis]
    ? build(
        'concat',
        pads.map((pad) => pad.inputs[0]),
        { axis },
        node.where,
      )
    : undefined;
}

/** The terms of a sum of sums, where nobody else reads the sums inside. */
function terms(node: Node, readers: ReadonlyMap<Node, number>): Node[] {
  return node.inputs.flatMap((x) => (is(x, 'add') && (readers.get(x) ?? 1) === 1 ? terms(x, readers) : [x]));
}

/** The one axis that a pad makes longer, or -1. */
function paddedAxis(pad: Node): number {
  const [before, after] = [pad.attrs.before as number[], pad.attrs.after as number[]];
  const axes = before.flatMap((n, axis) => (n + after[axis] > 0 ? [axis] : []));
  return axes.length === 1 ? axes[0] : -1;
}

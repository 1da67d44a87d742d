import { type Node, readerCounts, rewrite } from '../graph/graph.js';
import type { MatmulAttrs } from '../ops/matmul.js';
import { build, is } from './build.js';
import type { Pass } from './pass.js';

// Reads a transposed operand of matmul in place, by its flag, and writes a transposed product the other
// way round: (A B)^T = B^T A^T. The same products are summed in the same order.
export const foldTransposes: Pass = {
  name: 'fold-transposes',
  contract: {
    changes: 'nothing',
    because: 'the same products are summed in the same order',
  },
  run(graph) {
    const readers = readerCounts(graph);
    return rewrite(graph, (node, before) => {
      if (is(node, 'matmul')) return operands(node);
      const once = readers.get(before.inputs[0]) === 1;
      return once && swapsLastAxes(node) && is(node.inputs[0], 'matmul') ? swapped(node.inputs[0]) : node;
    });
  },
};

function operands(node: Node): Node {
  const [a, b] = node.inputs.map((x) => (swapsLastAxes(x) ? x.inputs[0] : x));
  if (a === node.inputs[0] && b === node.inputs[1]) return node;
  const { transposeA, transposeB } = node.attrs as MatmulAttrs;
  const attrs = {
    transposeA: transposeA !== (a !== node.inputs[0]),
    transposeB: transposeB !== (b !== node.inputs[1]),
  };
  return build('matmul', [a, b], attrs, node.where);
}

function swapped(product: Node): Node {
  const [a, b] = product.inputs;
  const { transposeA, transposeB } = product.attrs as MatmulAttrs;
  return build('matmul', [b, a], { transposeA: !transposeB, transposeB: !transposeA }, product.where);
}

function swapsLastAxes(node: Node): boolean {
  if (!is(node, 'transpose')) return false;
  const perm = node.attrs.perm as number[];
  const last = perm.length - 1;
  return (
    last >= 1 &&
    perm[last] === last - 1 &&
    perm[last - 1] === last &&
    perm.slice(0, -2).every((axis, i) => axis === i)
  );
}

import { constantValue, type Node, readerCounts, rewrite } from '../graph/graph.js';
import { isSparse, scatterSizes } from '../graph/scatter.js';
import { sameShape } from '../shape.js';
import { broadcast, build, is, isScalar, reshape } from './build.js';
import type { Pass } from './pass.js';

// Moves arithmetic from the dense result of scatter_add to the rows that it adds, so that an embedding's update
// c - lr * scatter_add(0, ids, g) touches only those rows: scatter_add(c, ids, -(lr * sum_repeats(ids, g))). The rows of
// an index are summed first, and then go through the same operations in the same order as the dense gradient would, so
// the numbers are the same; only a factor that is not finite no longer turns untouched rows into NaN.
//
// Done only where nobody else reads the dense result, where that begins as zeros (which need no arithmetic of their own;
// what is scaled or added behind a base that is not zero would be rounded in another order), and where the table is
// large beside the indices.
export const sparseUpdates: Pass = {
  name: 'sparse-updates',
  contract: {
    changes: 'rounding',
    because:
      'the rows of an index are summed first, then go through the operations of the dense gradient in the same order; a row that no index names keeps its numbers, where a factor without end would make them NaN',
  },
  run(graph) {
    const readers = readerCounts(graph);
    return rewrite(graph, (node, before) => {
      const movable = (i: number) => {
        const scatter = node.inputs[i];
        const once = readers.get(before.inputs[i]) === 1 && sameShape(scatter.shape, node.shape);
        return once && is(scatter, 'scatter_add') && constantValue(scatter.inputs[0]) === 0;
      };
      return joined(node, movable) ?? inward(node, (i) => movable(i) && isSparse(node.inputs[i])) ?? node;
    });
  },
};

function inward(node: Node, movable: (operand: number) => boolean): Node | undefined {
  const [x, y] = node.inputs;
  const { where } = node;
  const negative = (a: Node) => build('neg', [a], {}, where);
  switch (node.op.name) {
    case 'neg':
      return movable(0) ? scatter(x, zeros(x), negative, where) : undefined;
    case 'mul':
    case 'div': {
      const at = (is(node, 'mul') ? [0, 1] : [0]).find((i) => movable(i) && isScalar(node.inputs[1 - i]));
      if (at === undefined) return undefined;
      const from = node.inputs[at];
      const factor = reshape(node.inputs[1 - at], [], where);
      return scatter(from, zeros(from), (a) => build(node.op.name, [a, factor], {}, where), where);
    }
    case 'add': {
      const at = [1, 0].find(movable);
      if (at === undefined) return undefined;
      return scatter(node.inputs[at], broadcast(node.inputs[1 - at], node.shape, where), (a) => a, where);
    }
    case 'sub':
      if (movable(1)) return scatter(y, broadcast(x, node.shape, where), negative, where);
      return movable(0) ? scatter(x, broadcast(negative(y), node.shape, where), (a) => a, where) : undefined;
    default:
      return undefined;
  }
}

const zeros = (from: Node) => from.inputs[0];

/** `from` onto another base, with its summed rows changed. */
function scatter(from: Node, base: Node, onRows: (rows: Node) => Node, where: string): Node {
  return build('scatter_add', [base, from.inputs[1], onRows(summed(from))], { distinct: true }, where);
}

/** The rows of a scatter, those of an index summed. */
function summed({ inputs: [, ids, updates], attrs, where }: Node): Node {
  return attrs.distinct ? updates : build('sum_repeats', [ids, updates], {}, where);
}

/**
 * The sum of two scatters as one, for a table that is read in several places. Each is summed for itself before the two
 * are: what cancels within one must not meet the rows of the other.
 */
function joined(node: Node, movable: (operand: number) => boolean): Node | undefined {
  if (!is(node, 'add') || !movable(0) || !movable(1) || node.inputs[0] === node.inputs[1]) return undefined;
  const { where } = node;
  const parts = node.inputs.map(partOf);
  const [ids, rows] = (['ids', 'rows'] as const).map((of) =>
    build(
      'concat',
      parts.map((part) => part[of]),
      { axis: 0 },
      where,
    ),
  );
  const updates = build('sum_repeats', [ids, rows], {}, where);
  const made = build('scatter_add', [zeros(node.inputs[0]), ids, updates], { distinct: true }, where);
  return isSparse(made) ? made : undefined;
}

/** Indices and summed rows as lists. */
function partOf(scatter: Node): { ids: Node; rows: Node } {
  const { count } = scatterSizes(scatter);
  return {
    ids: reshape(scatter.inputs[1], [count], scatter.where),
    rows: reshape(summed(scatter), [count, ...scatter.shape.slice(1)], scatter.where),
  };
}

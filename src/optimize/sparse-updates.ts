import { constantValue, type Node, readerCounts, rewrite } from '../graph/graph.js';
import { isSparse, scatterSizes } from '../graph/scatter.js';
import { numel, sameShape } from '../shape.js';
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
  const [, ids, updates] = from.inputs;
  const rows = from.attrs.distinct ? updates : build('sum_repeats', [ids, updates], {}, where);
  return build('scatter_add', [base, ids, onRows(rows)], { distinct: true }, where);
}

/** The sum of two scatters as one of the rows of both: what a table that is read in several places begins with. */
function joined(node: Node, movable: (operand: number) => boolean): Node | undefined {
  if (!is(node, 'add') || !movable(0) || !movable(1) || node.inputs[0] === node.inputs[1]) return undefined;
  const { rows } = scatterSizes(node.inputs[0]);
  const parts = node.inputs.flatMap(partsOf);
  // Beyond that it costs less to add the tables than to bring the rows together.
  if (parts.reduce((n, { ids }) => n + numel(ids.shape), 0) > rows) return undefined;
  const { where } = node;
  const together = (list: readonly Node[]) => build('concat', list, { axis: 0 }, where);
  const [ids, updates] = [together(parts.map((p) => p.ids)), together(parts.map((p) => p.updates))];
  return build('scatter_add', [zeros(node.inputs[0]), ids, updates], {}, where);
}

/** Lists of indices with their rows, which may have been joined before. */
function partsOf(scatter: Node): { ids: Node; updates: Node }[] {
  const [base, ids, updates] = scatter.inputs;
  const lists = ids.inputs.map((part, i) => ({ ids: part, updates: updates.inputs[i] }));
  const apart =
    is(ids, 'concat') &&
    is(updates, 'concat') &&
    ids.shape.length === 1 &&
    updates.attrs.axis === 0 &&
    ids.inputs.length === updates.inputs.length &&
    lists.every((part) => part.ids.shape[0] === part.updates.shape[0]);
  if (apart) return lists;
  const { count } = scatterSizes(scatter);
  return [
    {
      ids: reshape(ids, [count], scatter.where),
      updates: reshape(updates, [count, ...base.shape.slice(1)], scatter.where),
    },
  ];
}

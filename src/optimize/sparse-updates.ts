import { constantValue, type Node, readerCounts, rewrite } from '../graph/graph.js';
import { sameShape } from '../shape.js';
import { build, is, isScalar, reshape } from './build.js';
import type { Pass } from './pass.js';

// Moves arithmetic from the dense result of scatter_add to the rows that it adds, so that an embedding's
// update c - lr * scatter_add(0, ids, g) touches only those rows: scatter_add(c, ids, -(lr * g)). Safe but
// for the last bits: rows that occur twice are now rounded after each addition, and a factor that is not
// finite no longer turns untouched rows into NaN. Done only where nobody else reads the dense result, and
// it began as zeros, which need no arithmetic of their own, or was made by this pass.
export const sparseUpdates: Pass = {
  name: 'sparse-updates',
  contract: {
    changes: 'rounding',
    because: 'the rows are multiplied before they are added up rather than afterwards',
  },
  run(graph) {
    const readers = readerCounts(graph);
    const made = new Set<Node>();
    return rewrite(graph, (node, before) => {
      const movable = (i: number) => {
        const scatter = node.inputs[i];
        const once = readers.get(before.inputs[i]) === 1 && sameShape(scatter.shape, node.shape);
        return (
          once && is(scatter, 'scatter_add') && (made.has(scatter) || constantValue(scatter.inputs[0]) === 0)
        );
      };
      const moved = inward(node, movable);
      if (moved) made.add(moved);
      return moved ?? node;
    });
  },
};

function inward(node: Node, movable: (operand: number) => boolean): Node | undefined {
  const [x, y] = node.inputs;
  const { where } = node;
  const one = (op: string, a: Node) => build(op, [a], {}, where);
  const two = (op: string, a: Node, b: Node) => build(op, [a, b], {}, where);
  const scatter = (from: Node, onBase: (base: Node) => Node, onRows: (rows: Node) => Node) => {
    const [base, ids, rows] = from.inputs;
    return build('scatter_add', [onBase(base), ids, onRows(rows)], {}, where);
  };
  /** What keeps zeros zero leaves them alone. */
  const unlessZero = (f: (base: Node) => Node) => (base: Node) =>
    constantValue(base) === 0 ? base : f(base);
  switch (node.op.name) {
    case 'neg':
      return movable(0)
        ? scatter(
            x,
            unlessZero((b) => one('neg', b)),
            (r) => one('neg', r),
          )
        : undefined;
    case 'mul': {
      const at = [0, 1].find((i) => movable(i) && isScalar(node.inputs[1 - i]));
      if (at === undefined) return undefined;
      const factor = reshape(node.inputs[1 - at], [], where);
      const times = (a: Node) => two('mul', a, factor);
      return scatter(node.inputs[at], unlessZero(times), times);
    }
    case 'add': {
      const at = [1, 0].find(movable);
      if (at === undefined) return undefined;
      const other = node.inputs[1 - at];
      return scatter(
        node.inputs[at],
        (b) => plus(node, other, b),
        (r) => r,
      );
    }
    case 'sub':
      if (movable(1))
        return scatter(
          y,
          (b) => minus(node, x, b),
          (r) => one('neg', r),
        );
      return movable(0)
        ? scatter(
            x,
            (b) => two('sub', b, y),
            (r) => r,
          )
        : undefined;
    default:
      return undefined;
  }
}

/** The base is of the node's shape by `movable`; a zero base leaves the other operand, if that is too. */
function plus(node: Node, x: Node, base: Node): Node {
  return constantValue(base) === 0 && sameShape(x.shape, node.shape)
    ? x
    : build('add', [x, base], {}, node.where);
}

function minus(node: Node, x: Node, base: Node): Node {
  return constantValue(base) === 0 && sameShape(x.shape, node.shape)
    ? x
    : build('sub', [x, base], {}, node.where);
}

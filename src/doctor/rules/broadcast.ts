import { strip } from '../../graph/follow.js';
import type { Node } from '../../graph/graph.js';
import { formatShape, sameShape } from '../../shape.js';
import type { Problem, Rule } from '../finding.js';
import { dependents } from '../match.js';

/**
 * A column [n, 1] that meets a row [n] of the same batch, as in a loss written by hand: each row is then compared with
 * every other. Meant so, as for distances between all pairs, one side has its axes written out, as [1, n].
 */
export const broadcast: Rule = {
  name: 'accidental-broadcast',
  holds: 'no column of the batch meets a row of it',
  examine({ forward, rows }): readonly Problem[] {
    if (rows < 2) return [];
    const ofBatch = dependents(
      forward,
      forward.filter((node) => node.op.name === 'input' && node.attrs.role === 'input'),
    );
    return forward.flatMap((node) => {
      const [a, b] = node.inputs;
      if (node.inputs.length !== 2 || !ofBatch.has(a) || !ofBatch.has(b)) return [];
      const [column, row] = a.shape.length > b.shape.length ? [a, b] : [b, a];
      if (node.op.lower.kind !== 'elementwise' || !crosses(column, row, node, rows)) return [];
      const [from, to] = [formatShape(a.shape), formatShape(b.shape)];
      return [
        {
          where: node.where,
          why: `${node.op.name} of ${from} and ${to} makes ${formatShape(node.shape)}: each of the ${rows} rows meets every other, where it should meet its own`,
          fix: `give both the same shape, as in y.reshape(${formatShape(column.shape)})`,
        },
      ];
    });
  },
};

function crosses(column: Node, row: Node, result: Node, rows: number): boolean {
  if (strip(column) === strip(row)) return false;
  const fewerAxes = row.shape.length < column.shape.length;
  const sameRows = column.shape[0] === rows && row.shape[0] === rows;
  return (
    fewerAxes && sameRows && !sameShape(result.shape, column.shape) && !sameShape(result.shape, row.shape)
  );
}

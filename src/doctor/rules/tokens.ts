import { strip } from '../../graph/follow.js';
import { inputAttrs, isInput, type Node } from '../../graph/graph.js';
import type { Elements } from '../../ops/op.js';
import { formatShape, numel } from '../../shape.js';
import type { NotChecked, Problem, Rule } from '../finding.js';
import { layers } from '../layers.js';
import type { Parameter, Patient } from '../patient.js';
import { percent, some } from '../words.js';

/** Rows of an embedding that no row of the data looks up: they keep their random first values. */
export const unusedTokens: Rule = {
  name: 'unused-tokens',
  holds: 'every row of every embedding occurs in the data',
  examine(patient): readonly Problem[] | NotChecked {
    const tables = new Map<Parameter, Node[]>();
    for (const { node, weight, operand, input } of layers(patient)) {
      if (node.op.name !== 'gather' || strip(operand) !== weight.node) continue;
      tables.set(weight, [...(tables.get(weight) ?? []), input]);
    }
    if (tables.size === 0) return [];
    if (!patient.dataset) return { notChecked: 'it needs the data' };
    return [...tables].flatMap(([table, ids]) => {
      // Indices that are computed could be anything on other rows than those of the batch.
      const seen = ids.map((node) => elementsOf(patient, node));
      return seen.every((s) => s !== undefined) ? judge(table, seen, patient.dataset!.rows) : [];
    });
  },
};

/** All elements that indices have in the dataset, where they are a column of it or the same for all rows. */
function elementsOf({ dataset, values }: Patient, ids: Node): Elements | undefined {
  let source = strip(ids);
  while (source.op.name === 'index' || source.op.name === 'transpose') source = strip(source.inputs[0]);
  if (isInput(source)) return dataset!.columns[inputAttrs(source).name] as Elements | undefined;
  return source.inputs.length === 0 ? values!.get(source)!.data : undefined;
}

function judge({ name, variable }: Parameter, columns: readonly Elements[], rows: number): Problem[] {
  const count = variable.shape[0];
  const occurs = new Uint8Array(count);
  for (const column of columns) for (const id of column) occurs[id] = 1;
  const missing = [...occurs.keys()].filter((id) => !occurs[id]);
  if (missing.length === 0) return [];
  const needed = count - [...occurs].reverse().indexOf(1);
  const end = needed < count && missing.length === count - needed;
  const idle = missing.length * numel(variable.shape.slice(1));
  return [
    {
      where: variable.madeAt,
      why: end
        ? `${name} ${formatShape(variable.shape)} has rows for ${count} tokens, but in ${rows} rows of data only tokens 0 to ${needed - 1} occur: ${idle} numbers (${percent(missing.length / count)}) are never trained`
        : `${missing.length} of the ${count} tokens of ${name} never occur in ${rows} rows of data: ${some(missing)}; their rows keep their random first values`,
      fix: end
        ? `make the vocabulary as large as the data needs, ${needed}`
        : 'build the vocabulary from the data, map rare tokens to one for unknown ones, or add data that has them',
    },
  ];
}

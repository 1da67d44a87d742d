import type { Node } from '../../graph/graph.js';
import type { Elements } from '../../ops/op.js';
import type { NotChecked, Problem, Rule } from '../finding.js';
import { placeOf } from '../layers.js';
import { dependents } from '../match.js';
import type { Patient } from '../patient.js';
import { share } from '../statistics.js';
import { percent, short } from '../words.js';

/** Beyond this part of its range a tanh or sigmoid is flat: less than 6 % of the gradient passes. */
const FLAT = 0.97;
/** Share of flat elements that is too much. Kaiming's gain of 5/3 before a tanh makes about 20 %. */
const MANY = 0.4;
/** Share of units that never fire that is too much. Of a layer whose inputs are all alike, half may be off. */
const MOST = 0.5;

/** How far from the middle of its range, 0 to 1, an element of each op is. */
const POSITION: Record<string, (y: number) => number> = {
  tanh: Math.abs,
  sigmoid: (y) => Math.abs(2 * y - 1),
};

/** tanh and sigmoid in their flat parts, where gradients do not pass. (LeCun et al. 1998, Efficient BackProp, 4.4.) */
export const saturated: Rule = {
  name: 'saturated-activations',
  holds: 'few activations of tanh and sigmoid are in the flat parts',
  examine: (patient) =>
    eachActivation(patient, Object.keys(POSITION), (node, y) => {
      const position = POSITION[node.op.name];
      const flat = (x: number) => position(x) > FLAT;
      const part = share(y, flat);
      if (!(part > MANY)) return undefined;
      const stuck = units(node, y, (column) => column.every(flat));
      const where =
        node.op.name === 'tanh'
          ? `|y| > ${FLAT}`
          : `y < ${short((1 - FLAT) / 2)} or y > ${short((1 + FLAT) / 2)}`;
      const also = stuck.count > 0 ? `; ${stuck.count} of ${stuck.of} units on every row` : '';
      return {
        where: node.where,
        why: `${percent(part)} of ${placeOf(patient, node)} is saturated (${where})${also}: hardly any gradient passes`,
        fix: `make what goes into it smaller: ${
          node.op.name === 'tanh'
            ? "weights from init.kaimingNormal({ nonlinearity: 'tanh' })"
            : 'weights from init.xavierNormal()'
        }, small biases, inputs of about unit variance, or a norm before it`,
      };
    }),
};

/** Units of relu that give 0 on every row, so that no gradient ever comes back through them. */
export const deadUnits: Rule = {
  name: 'dead-units',
  holds: 'the units of relu fire on some rows',
  examine: (patient) =>
    eachActivation(patient, ['relu'], (node) => {
      // One row, or one mask of a dropout before it, may well turn off most units.
      const parts = patient.samples().map((values) => values.get(node)!.data);
      const y = Float64Array.from(parts.flatMap((part) => [...part]));
      const dead = units(node, y, (column) => column.every((x) => x <= 0));
      if (!(dead.count > MOST * dead.of)) return undefined;
      const rows = y.length / dead.of;
      return {
        where: node.where,
        why: `${dead.count} of ${dead.of} units of ${placeOf(patient, node)} are 0 on all ${rows} rows: no gradient passes through them, so they will not learn`,
        fix: 'start with smaller or no negative biases (init.zeros), weights from init.kaimingNormal(), a lower learning rate, or use nn.leakyRelu()',
      };
    }),
};

/** Runs a check on the elements of every activation of these ops that depends on a parameter. */
function eachActivation(
  { forward, parameters, values }: Patient,
  ops: readonly string[],
  check: (node: Node, y: Elements) => Problem | undefined,
): readonly Problem[] | NotChecked {
  const trained = dependents(
    forward,
    parameters.map((p) => p.node),
  );
  const nodes = forward.filter((node) => ops.includes(node.op.name) && trained.has(node));
  if (!values) return nodes.length > 0 ? { notChecked: 'it needs a batch' } : [];
  return nodes.flatMap((node) => check(node, values.get(node)!.data) ?? []);
}

/** How many units (places of the last axis) have rows that are all like that. */
function units(
  { shape }: Node,
  y: Elements,
  like: (column: Elements) => boolean,
): { count: number; of: number } {
  const width = shape.at(-1) ?? 1;
  const rows = y.length / Math.max(1, width);
  let count = 0;
  for (let unit = 0; unit < width; unit++) {
    const column = new Float64Array(rows);
    for (let row = 0; row < rows; row++) column[row] = y[row * width + unit];
    if (like(column)) count++;
  }
  return { count, of: width };
}

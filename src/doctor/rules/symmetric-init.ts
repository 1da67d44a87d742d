import { formatShape } from '../../shape.js';
import type { Problem, Rule } from '../finding.js';
import { type Layer, layers, named } from '../layers.js';
import { numberIn, strip } from '../match.js';
import type { Parameter, Patient } from '../patient.js';
import { short } from '../words.js';

/**
 * Two layers in a row whose first weights do not tell the units between them apart: all units compute the same and
 * get the same gradient, for ever. (Goodfellow, Bengio and Courville 2016, section 8.4.)
 */
export const symmetricInit: Rule = {
  name: 'symmetric-initialization',
  holds: 'no two layers in a row start with all units alike',
  examine(patient) {
    return layers(patient).flatMap((second) => {
      if (second.node.op.name !== 'matmul' || !alikeRows(second)) return [];
      const [first, ...others] = sources(patient, second);
      return first && [first, ...others].every(alikeColumns) ? [problem(first, second)] : [];
    });
  },
};

function problem(first: Layer, second: Layer): Problem {
  const units = first.weight.variable.shape.at(-1)!;
  const [a, b] = [describe(first.weight), describe(second.weight)];
  return {
    where: first.weight.variable.madeAt,
    why: `${first.weight.name} ${a} and ${named(second.weight)} ${b}: the ${units} units between them compute the same and get the same gradient, so they stay one unit for ever`,
    fix: `start ${first.weight.name} from random numbers, for example init.kaimingNormal() or init.xavierUniform(); a single layer of zeros, such as the last, is fine`,
  };
}

const describe = ({ initial, variable: { shape } }: Parameter): string =>
  initial.every((x) => x === initial[0])
    ? `${formatShape(shape)} starts as ${short(initial[0])} everywhere`
    : `${formatShape(shape)} starts with all units alike`;

/** Every unit has the same weights: the columns of [inputs, units], or the same feature everywhere in a table. */
function alikeColumns({ node, operand, weight }: Layer): boolean {
  const [inputs, units] = matrixOf(weight);
  if (strip(operand) !== weight.node || units < 2 || transposed(node, operand)) return false;
  const w = weight.initial;
  for (let i = 0; i < inputs; i++)
    for (let j = 1; j < units; j++) if (w[i * units + j] !== w[i * units]) return false;
  return true;
}

/** All inputs have the same weights, so far as they come from the units of one position. */
function alikeRows({ node, operand, weight }: Layer): boolean {
  const [inputs, outputs] = matrixOf(weight);
  if (strip(operand) !== weight.node || transposed(node, operand)) return false;
  const w = weight.initial;
  for (let i = 1; i < inputs; i++)
    for (let j = 0; j < outputs; j++) if (w[i * outputs + j] !== w[j]) return false;
  return inputs > 1;
}

function matrixOf({ variable: { shape } }: Parameter): [number, number] {
  const units = shape.at(-1) ?? 1;
  return [shape.slice(0, -1).reduce((a, b) => a * b, 1), units];
}

function transposed(
  node: { attrs: Record<string, unknown>; inputs: readonly unknown[] },
  operand: unknown,
): boolean {
  return Boolean(node.inputs[0] === operand ? node.attrs.transposeA : node.attrs.transposeB);
}

/**
 * The layers that units come from, if nothing on the way (a bias, a gain, an input that is added) tells one unit
 * from another; else none.
 */
function sources(patient: Patient, { input }: Layer): Layer[] {
  const byNode = new Map(layers(patient).map((layer) => [layer.node, layer]));
  const parameters = new Map(patient.parameters.map((p) => [p.node, p]));
  const found: Layer[] = [];
  const path = new Set([input]);
  for (const node of path) {
    const layer = byNode.get(node);
    if (layer) found.push(layer);
    else if (node.inputs.length > 0) for (const next of node.inputs) path.add(next);
    else if (
      !parameters.get(node)?.initial.every((x, _, all) => x === all[0]) &&
      numberIn(node) === undefined
    )
      return [];
  }
  return found;
}

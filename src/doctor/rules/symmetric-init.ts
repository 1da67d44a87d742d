import { numberIn, strip } from '../../graph/follow.js';
import { formatShape } from '../../shape.js';
import type { Problem, Rule } from '../finding.js';
import { type Layer, layers, named } from '../layers.js';
import type { Parameter, Patient } from '../patient.js';
import { short, some } from '../words.js';

/**
 * Two layers in a row whose first weights do not tell the units between them apart: all units compute the same and
 * get the same gradient, for ever. (Goodfellow, Bengio and Courville 2016, section 8.4.)
 */
export const symmetricInit: Rule = {
  name: 'symmetric-initialization',
  holds: 'no two layers in a row start with all units alike',
  examine(patient) {
    return layers(patient).flatMap((second) => {
      if (second.node.op.lower.kind !== 'matmul' || !alikeRows(second)) return [];
      const { from, apart } = sources(patient, second);
      return from.length > 0 && from.every(alikeColumns) ? [problem(from[0], second, apart)] : [];
    });
  },
};

function problem(first: Layer, second: Layer, apart: readonly string[]): Problem {
  const units = first.weight.variable.shape.at(-1)!;
  const [a, b] = [describe(first.weight), describe(second.weight)];
  return {
    where: first.weight.variable.madeAt,
    why: `${first.weight.name} ${a} and ${named(second.weight)} ${b}: the ${units} units between them ${
      apart.length > 0
        ? `differ by ${some(apart)} alone and learn nearly the same`
        : 'compute the same and get the same gradient, so they stay one unit for ever'
    }`,
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
 * The layers that units come from, if their activations tell one unit from another by parameters alone: `apart` are
 * those that do (a random bias). None where something else, such as an input that is added, tells them apart.
 */
function sources(patient: Patient, { input }: Layer): { from: Layer[]; apart: string[] } {
  const byNode = new Map(layers(patient).map((layer) => [layer.node, layer]));
  const parameters = new Map(patient.parameters.map((p) => [p.node, p]));
  const from: Layer[] = [];
  const apart: string[] = [];
  const path = new Set([input]);
  for (const node of path) {
    const layer = byNode.get(node);
    const parameter = parameters.get(node);
    if (layer) from.push(layer);
    else if (node.inputs.length > 0) for (const next of node.inputs) path.add(next);
    else if (parameter && !parameter.initial.every((x) => x === parameter.initial[0]))
      apart.push(parameter.name);
    else if (!parameter && numberIn(node) === undefined) return { from: [], apart };
  }
  return { from, apart };
}

import type { Node } from '../../graph/graph.js';
import type { NotChecked, Problem, Rule } from '../finding.js';
import { chainOf, type Layer, named } from '../layers.js';
import type { Patient } from '../patient.js';
import { deviation } from '../statistics.js';
import { short } from '../words.js';

/** Activations may grow by this much through the hidden layers, beyond unit size. */
const GROWTH = 10;
/** What may be left of activations, and of gradients on their way back (or the inverse of their growth). */
const LEFT = 0.01;

/**
 * Variance through the layers: where each multiplies it by a factor other than one, activations and gradients grow
 * or fade exponentially with depth. (Glorot and Bengio 2010, section 4.2.1; He et al. 2015, section 2.2.)
 */
export const variance: Rule = {
  name: 'variance-by-layer',
  holds: 'activations and gradients keep their size through the layers',
  examine(patient): readonly Problem[] | NotChecked {
    const { values } = patient;
    const chain = chainOf(patient);
    if (chain.length < 2) return [];
    if (!values) return { notChecked: 'it needs a batch' };
    return [...activations(patient, chain), ...gradients(patient, chain)];
  },
};

/** What goes into each layer against what goes into the first. Zeros are another rule's. */
function activations({ values }: Patient, chain: readonly Layer[]): Problem[] {
  const sizes = chain.map(({ input }) => deviation(values!.get(input)!.data));
  const at = sizes.findIndex(
    (size, i) =>
      i > 0 && (size > GROWTH * Math.max(1, sizes[0]) || (size > 0 && size < LEFT * Math.min(1, sizes[0]))),
  );
  if (at < 0) return [];
  const grows = sizes[at] > sizes[0];
  return [
    {
      where: chain[at - 1].weight.variable.madeAt || chain[at - 1].node.where,
      why: `activations ${grows ? 'explode' : 'vanish'}: the standard deviation of what goes into each layer is ${listed(sizes)}; ${named(chain[at - 1].weight)} takes it to ${short(sizes[at])}`,
      fix: `scale the weights by the number of inputs: ${advice(chain)}, or put a norm between the layers`,
    },
  ];
}

/** The gradient of what goes into each layer against that of the last. */
function gradients(patient: Patient, chain: readonly Layer[]): Problem[] {
  // What goes into the first may go elsewhere too, and is often data.
  const inner = chain.slice(1).flatMap((layer) => {
    const size = gradientSize(patient, layer.input);
    return size > 0 ? [{ layer, size }] : [];
  });
  if (inner.length < 2) return [];
  const last = inner[inner.length - 1].size;
  const worst = inner.find(({ size }) => size < LEFT * last || size > last / LEFT);
  if (!worst) return [];
  const vanish = worst.size < last;
  return [
    {
      where: worst.layer.weight.variable.madeAt || worst.layer.node.where,
      why: `gradients ${vanish ? 'vanish' : 'explode'} on their way back: their standard deviation at the input of each layer is ${listed(inner.map(({ size }) => size))}, ${short(vanish ? last / worst.size : worst.size / last)} times ${vanish ? 'smaller' : 'larger'} at ${worst.layer.weight.name} than at ${inner[inner.length - 1].layer.weight.name}`,
      fix: `scale the weights by the number of inputs: ${advice(chain)}, put a norm between the layers, or use ${vanish ? 'relu or tanh rather than sigmoid' : 'gradient clipping'}`,
    },
  ];
}

function gradientSize({ cotangent, values }: Patient, input: Node): number {
  const flow = input.dtype === 'f32' ? cotangent(input) : undefined;
  return flow ? deviation(values!.get(flow)!.data) : 0;
}

/** Kaiming's rule with the gain of what follows the layers. */
function advice(chain: readonly Layer[]): string {
  const followed = chain.slice(1).map(({ input }) => input.op.name);
  const [nonlinearity] = followed.filter((name) => ['tanh', 'relu', 'sigmoid'].includes(name));
  return nonlinearity
    ? `init.kaimingNormal({ nonlinearity: '${nonlinearity}' })`
    : "init.kaimingNormal({ nonlinearity: 'linear' })";
}

const listed = (sizes: readonly number[]): string =>
  (sizes.length > 8
    ? [...sizes.slice(0, 4).map(short), '...', ...sizes.slice(-3).map(short)]
    : sizes.map(short)
  ).join(', ');

import { strip } from '../../graph/follow.js';
import type { Node } from '../../graph/graph.js';
import type { Rule } from '../finding.js';
import { batchMeans, dependents, readers, unscaled } from '../match.js';
import type { Parameter, Patient } from '../patient.js';
import { cancelledAt } from '../shifts.js';
import { largest, total } from '../statistics.js';
import { at, lessThan } from '../words.js';

/** What is left of a sum after perfect cancellation in float64, as a part of the sum of sizes. */
const ROUNDING = 1e-11;
/** Draws of random parameters and inputs; a gradient that is zero in all of them is not so by chance. */
const DRAWS = [0, 1];

/**
 * A bias whose gradient is identically zero because a mean is taken off after it, batch norm's above all (Ioffe and
 * Szegedy 2015, section 3.2). Proved from the graph where the values it adds can be followed; where not, shown by
 * its gradient at random parameters and inputs in float64.
 */
export const cancelledBias: Rule = {
  name: 'bias-before-batch-norm',
  holds: 'no bias is taken off again by a norm',
  examine(patient) {
    // On a batch of one everything is its own mean, which is another finding.
    if (patient.definition.batchSize === 1) return [];
    const { forward, parameters } = patient;
    if (!forward.some(takesMeanOff) && batchMeans(forward, patient.rows).length === 0) return [];
    return parameters.flatMap((parameter) => {
      if (!parameter.gradient) return [];
      const proof = proved(patient, parameter) ?? shown(patient, parameter);
      if (!proof) return [];
      const { name, variable } = parameter;
      return [
        {
          where: variable.madeAt || proof.where,
          why: `${name} is added to all rows alike, and the norm takes the mean off again${at(proof.where)}, so its gradient is always 0 (${proof.evidence})`,
          fix: `leave this bias out, as with nn.linear(..., { bias: false }): the norm has a bias of its own that does the same`,
        },
      ];
    });
  },
};

interface Proof {
  where: string;
  evidence: string;
}

function proved({ forward, loss, values }: Patient, { node, gradient }: Parameter): Proof | undefined {
  const nodes = cancelledAt(forward, loss, node);
  const mean = nodes?.find(takesMeanOff);
  if (!mean) return undefined;
  const most = values && largest(values.get(gradient!)!.data);
  return {
    where: mean.where,
    evidence: most === null ? 'by the graph' : `on one batch ${lessThan(most)}, which is rounding`,
  };
}

/** A difference or sum with something that is summed over axes, as a mean is. */
function takesMeanOff(node: Node): boolean {
  const summed = (input: Node) => unscaled(input).op.name === 'sum';
  return (node.op.name === 'sub' || node.op.name === 'add') && node.inputs.some(summed);
}

/** Of a parameter that is added somewhere: whether what flows back to it adds up to nothing. */
function shown(patient: Patient, { node, gradient }: Parameter): Proof | undefined {
  const additions = patient.forward.filter(
    (n) => (n.op.name === 'add' || n.op.name === 'sub') && n.inputs.some((input) => strip(input) === node),
  );
  const [addition] = additions;
  if (additions.length !== 1 || readers(patient.forward).get(node)!.length !== 1) return undefined;
  const flow = patient.cotangent(addition);
  const after = dependents(patient.forward, [addition]);
  // Softmax takes off what is the same for all of a row, too; here it is about norms over the batch.
  const normed = batchMeans(patient.forward, patient.rows).some(({ sum }) => after.has(sum));
  if (!flow || !normed) return undefined;
  let worst = 0;
  for (const draw of DRAWS) {
    const values = patient.randomValues(draw);
    const size = total(values.get(flow)!.data, Math.abs);
    const rest = total(values.get(gradient!)!.data, Math.abs);
    if (!(size > Number.MIN_VALUE * 2 ** 60) || !(rest <= ROUNDING * size)) return undefined;
    worst = Math.max(worst, rest / size);
  }
  return {
    where: addition.where,
    evidence: `at random parameters ${lessThan(worst)} of what flows back to it`,
  };
}

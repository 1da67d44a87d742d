import { strip } from '../../graph/follow.js';
import type { Node } from '../../graph/graph.js';
import type { Value } from '../../ops/op.js';
import type { Numbers } from '../../train/engine.js';
import { crossEntropyOf } from '../cross-entropy.js';
import type { NotChecked, Problem, Rule } from '../finding.js';
import { total } from '../statistics.js';
import { short } from '../words.js';

/**
 * How far above a uniform guess the first loss may be, in nats. Random logits cost about half their variance, so that
 * Kaiming's weights in the last layer too, with its gain for relu, make about 1.
 */
const FAR = 2;

/** A model that knows nothing should guess evenly: the first cross-entropy is ln(classes). */
export const initialLoss: Rule = {
  name: 'initial-loss',
  holds: 'the first loss is a number, and about ln(classes) where it is a cross-entropy',
  examine({ loss, forward, values, dataset, step }): readonly Problem[] | NotChecked {
    const infinite = dataset && infiniteIn(dataset.columns);
    if (infinite) {
      return [
        {
          where: step.madeAt,
          why: `${infinite} in the data: the loss of its batch is no number`,
          fix: 'leave rows with such numbers out of the data',
        },
      ];
    }
    if (!values) return { notChecked: 'it needs a batch' };
    const first = values.get(loss)!.data[0];
    if (!Number.isFinite(first)) return [notFinite(forward, values, first)];
    const found = crossEntropyOf(loss);
    if (!found) return [];
    const measured = found.parts.reduce(
      (all, { node, factor }) => all + factor * total(values.get(node)!.data),
      0,
    );
    const { uniform, classes, where } = found;
    // A loss that is a sum over rows is that many times as large.
    const scale = uniform / Math.log(classes);
    const above = (measured - uniform) / scale;
    const least = entropy(found.targets && values.get(found.targets)) ?? Math.log(classes);
    if (above > FAR) {
      return [
        {
          where,
          why: `the first loss is ${short(measured)}; guessing evenly among ${classes} classes gives ${guess(uniform, classes, scale)}. The logits start too large, so the model is sure of wrong answers, and the first steps only shrink them`,
          fix: 'start the last layer near zero: weights from init.normal(0, 0.01) and biases from init.zeros',
        },
      ];
    }
    if (measured / scale < least / 2 && measured / scale < least - 0.25) {
      return [
        {
          where,
          why: `the first loss is ${short(measured)}, far below the ${guess(uniform, classes, scale)} of guessing evenly among ${classes} classes: before any training the model knows the answers`,
          fix: 'see whether the targets are among the inputs, or whether the parameters are trained already',
        },
      ];
    }
    return [];
  },
};

const guess = (uniform: number, classes: number, scale: number): string =>
  Math.abs(scale - 1) < 1e-9
    ? `ln(${classes}) = ${uniform.toFixed(4)}`
    : `${short(scale)} x ln(${classes}) = ${uniform.toFixed(4)}`;

/** Of the targets' own distribution: what a guess by frequency alone would reach. */
function entropy(targets: Value | undefined): number | undefined {
  if (!targets) return undefined;
  const counts = new Map<number, number>();
  for (const id of targets.data) counts.set(id, (counts.get(id) ?? 0) + 1);
  return [...counts.values()].reduce((sum, n) => {
    const p = n / targets.data.length;
    return sum - p * Math.log(p);
  }, 0);
}

function notFinite(forward: readonly Node[], values: ReadonlyMap<Node, Value>, loss: number): Problem {
  const broken = (node: Node) => !values.get(node)!.data.every(Number.isFinite);
  const origin = forward.find(broken)!;
  const what = origin.op.name === 'input' ? origin.attrs.name : strip(origin).op.name;
  return {
    where: origin.where,
    why: `the first loss is ${loss}: ${what} is the first value that is not finite`,
    fix: 'keep its operands in the range where it is defined, with a small constant added or the maximum taken off',
  };
}

function infiniteIn(columns: Readonly<Record<string, Numbers>>): string | undefined {
  for (const [name, column] of Object.entries(columns)) {
    const at = column.findIndex((x) => !Number.isFinite(x));
    if (at >= 0) return `${name} has ${column[at]} at position ${at}`;
  }
  return undefined;
}

import { strip } from '../../graph/follow.js';
import type { Node } from '../../graph/graph.js';
import { intervals, isBelowMax } from '../../graph/intervals.js';
import type { Interval } from '../../ops/interval.js';
import { crossEntropyOf, type Exponentials, logSoftmaxOf, softmaxOf, terms } from '../cross-entropy.js';
import type { Problem, Rule } from '../finding.js';
import { percent, short } from '../words.js';

/** A model that may not be surer than this of its best answer is held back; label smoothing of 0.1 asks for less than 0.95. */
const SURE = 0.95;

/**
 * A loss that makes probabilities of logits, behind something that has made probabilities of them already: a softmax or
 * sigmoid whose results, from 0 to 1, are taken for logits. Training then goes on, slowly and to a loss far above 0.
 * Judged by bounds that hold for all parameters, so that a softmax inside of the model or of a teacher is none.
 */
export const boundedLogits: Rule = {
  name: 'bounded-logits',
  holds: 'the loss can be sure of a class: no softmax or sigmoid stands before one that has its own',
  examine({ loss, forward }): readonly Problem[] {
    const bounds = intervals(forward);
    return [...softmaxTwice(loss, bounds), ...sigmoidTwice(loss, bounds)];
  },
};

function softmaxTwice(loss: Node, bounds: ReadonlyMap<Node, Interval>): Problem[] {
  const found = crossEntropyOf(loss);
  if (!found) return [];
  const { logits, classes } = found;
  const inner = strip(logits);
  const given = isBelowMax(inner) ? strip(inner.inputs[0]) : inner;
  const ofClasses = (x: Exponentials | undefined) => x?.classes === classes;
  if (ofClasses(logSoftmaxOf(given))) {
    return [
      {
        where: given.where,
        why: 'the loss takes a softmax of what is a logSoftmax already: that of it is the same again, and takes its time',
        fix: 'leave logSoftmax out, crossEntropy takes logits; or pick from logSoftmax and take the mean',
      },
    ];
  }
  const isSoftmax = ofClasses(softmaxOf(given));
  const { lo, hi } = isSoftmax ? { lo: 0, hi: 1 } : bounds.get(logits)!;
  const most = 1 / (1 + (classes - 1) * Math.exp(lo - hi));
  if (!(most < SURE)) return [];
  return [
    {
      where: given.where,
      why: `the loss takes a softmax of what ${isSoftmax ? 'is one already' : `comes from ${given.op.name}`}: numbers that differ by ${short(hi - lo)} at most, so that of ${classes} classes none gets more than ${percent(most)}, and the loss does not fall below ${short(-Math.log(most))}`,
      fix: `leave ${isSoftmax ? 'softmax' : given.op.name} out of the loss: crossEntropy takes logits, the results of the last layer as they are. ${isSoftmax ? 'Where probabilities are wanted, as in predict, take it there' : ''}`.trim(),
    },
  ];
}

/** A binary cross-entropy has softplus(x) and softplus(-x), each times a part of the target. */
function sigmoidTwice(loss: Node, bounds: ReadonlyMap<Node, Interval>): Problem[] {
  const logits = new Map<Node, Set<boolean>>();
  for (const { node } of terms(loss)) {
    for (const factor of factors(node)) {
      if (factor.op.name !== 'softplus') continue;
      const inner = strip(factor.inputs[0]);
      const negative = inner.op.name === 'neg';
      const x = strip(negative ? inner.inputs[0] : inner);
      logits.set(x, (logits.get(x) ?? new Set()).add(negative));
    }
  }
  return [...logits].flatMap(([x, signs]): Problem[] => {
    const { lo, hi } = bounds.get(x)!;
    const [least, most] = [lo, hi].map((bound) => 1 / (1 + Math.exp(-bound)));
    if (signs.size < 2 || (least <= 1 - SURE && most >= SURE)) return [];
    return [
      {
        where: x.where,
        why: `the loss takes a sigmoid of what comes from ${x.op.name}, so that the probability stays between ${percent(least)} and ${percent(most)}`,
        fix: `leave ${x.op.name} out of the loss: binaryCrossEntropy takes logits, the results of the last layer as they are. Where probabilities are wanted, as in predict, take sigmoid there`,
      },
    ];
  });
}

/** What a product is made of. */
function factors(node: Node): Node[] {
  const inner = strip(node);
  return inner.op.name === 'mul' ? inner.inputs.flatMap(factors) : [inner];
}

import { numberIn, strip } from '../../graph/follow.js';
import { inputAttrs, isInput, type Node } from '../../graph/graph.js';
import { intervals } from '../../graph/intervals.js';
import type { Interval } from '../../ops/interval.js';
import type { Problem, Rule } from '../finding.js';
import { dependents, readers, unscaled } from '../match.js';
import type { Patient } from '../patient.js';

/** exp of more than this is infinite in float32. */
const OVERFLOW = 88;

/**
 * Functions used outside of where they are safe, judged by bounds that hold for all parameters (`intervals`):
 * exponentials of unbounded logits that are summed and divided by, logs of what can be 0, division by a norm that
 * can be 0. (Goodfellow, Bengio and Courville 2016, section 4.1.)
 */
export const protection: Rule = {
  name: 'unprotected-function',
  holds: 'no softmax, log or division by a norm can overflow or meet 0',
  examine(patient) {
    const trained = dependents(
      patient.forward,
      patient.parameters.map((p) => p.node),
    );
    const bounds = intervals(patient.forward, known(patient));
    const context: Context = {
      patient,
      bounds: (node) => bounds.get(node)!,
      readers: readers(patient.forward),
      trained: (node) => trained.has(node),
    };
    const problems = patient.forward.flatMap((node) => {
      const check = CHECKS[node.op.name];
      return check?.(node, context) ?? [];
    });
    return merged(problems);
  },
};

interface Context {
  patient: Patient;
  bounds(node: Node): Interval;
  readers: ReadonlyMap<Node, readonly Node[]>;
  trained(node: Node): boolean;
}

/** The ranges of the data's columns. */
function known({ dataset, forward }: Patient): Map<string, Interval> {
  const ranges = new Map<string, Interval>();
  for (const node of forward) {
    if (!isInput(node) || inputAttrs(node).role !== 'input') continue;
    const { name } = inputAttrs(node);
    const column = dataset?.columns[name];
    if (!column) continue;
    let [lo, hi] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const x of column) [lo, hi] = [Math.min(lo, x), Math.max(hi, x)];
    ranges.set(name, { lo, hi });
  }
  return ranges;
}

const CHECKS: Record<string, (node: Node, context: Context) => Problem | undefined> = {
  exp(node, context) {
    if (context.bounds(node.inputs[0]).hi <= OVERFLOW || !context.trained(node)) return undefined;
    const use = normalizedBy(node, context.readers);
    if (!use) return undefined;
    const { summed, by } = use;
    return {
      where: node.where,
      why: `exp of values without a bound, ${summed ? 'summed' : 'added to a number'} and then ${by === 'log' ? 'put into log' : 'divided by'}: from ${OVERFLOW} on exp is Infinity in float32, and the gradient NaN`,
      fix: summed
        ? 'take the largest logit off first, which changes nothing else: softmax, logSoftmax and crossEntropy do'
        : by === 'log'
          ? 'write log(1 + exp(x)) as maximum(x, 0) + log(1 + exp(-|x|))'
          : 'use sigmoid(x) in place of 1 / (1 + exp(-x))',
    };
  },

  log(node, context) {
    const [x] = node.inputs;
    const { lo } = context.bounds(x);
    if (lo > 0 || madeOfExp(x)) return undefined;
    if (!context.trained(node) && !context.patient.dataset) return undefined;
    const probability = ofSoftmax(x);
    return {
      where: node.where,
      why: probability
        ? 'log of a softmax: a small probability is rounded to 0, whose log is -Infinity'
        : `log of ${kindOf(x)}, which can be ${lo < 0 ? '0 or negative' : '0'}: the log is then ${lo < 0 ? 'NaN or -Infinity' : '-Infinity'}`,
      fix: probability
        ? 'use logSoftmax, or crossEntropy on the logits: they never form the probability'
        : `keep it above 0, with a small constant added or maximum(x, 1e-7)`,
    };
  },

  div(node, context) {
    const [, by] = node.inputs;
    return context.bounds(by).lo === 0 && isNorm(by, context) ? byZero(node, by, context) : undefined;
  },

  rsqrt(node, context) {
    const [x] = node.inputs;
    return context.bounds(x).lo === 0 ? byZero(node, x, context) : undefined;
  },
};

function byZero(node: Node, by: Node, { trained, patient }: Context): Problem | undefined {
  // What is made of data alone can be looked at.
  if (!trained(by) && (!patient.values || patient.values.get(by)!.data.every((x) => x > 0))) return undefined;
  return {
    where: node.where,
    why: 'division by a norm or standard deviation that is 0 where all its elements are alike: the result is NaN or Infinity',
    fix: 'add a small constant under the root, as with rsqrt(add(variance, 1e-5)): nn.batchNorm and nn.layerNorm do',
  };
}

/** Whether a sum that this exponential goes into is divided by, or put into a log. */
function normalizedBy(
  exp: Node,
  readersOf: Context['readers'],
): { summed: boolean; by: 'log' | 'div' } | undefined {
  const queue: { node: Node; summed: boolean; added: boolean }[] = [
    { node: exp, summed: false, added: false },
  ];
  const seen = new Set<Node>();
  for (const { node, summed, added } of queue) {
    for (const reader of readersOf.get(node) ?? []) {
      if (seen.has(reader)) continue;
      const { name, lower } = reader.op as { name: string; lower: { kind: string } };
      if ((summed || added) && name === 'log') return { summed, by: 'log' };
      if ((summed || added) && name === 'div' && reader.inputs[1] === node) return { summed, by: 'div' };
      if (name === 'sum' || name === 'add' || lower.kind === 'movement') {
        const isSum = name === 'sum' || (name === 'add' && reader.inputs.every((i) => i.op.name === 'exp'));
        seen.add(reader);
        queue.push({ node: reader, summed: summed || isSum, added: added || name === 'add' });
      }
    }
  }
  return undefined;
}

/** Sums of exponentials are judged where the exponential is. */
function madeOfExp(x: Node): boolean {
  const inner = unscaled(x);
  return inner.op.name === 'sum' && strip(inner.inputs[0]).op.name === 'exp';
}

/** A softmax, or the elements that were picked from one. */
function ofSoftmax(x: Node): boolean {
  let inner = unscaled(x);
  if (inner.op.name === 'sum') inner = unscaled(inner.inputs[0]);
  if (inner.op.name === 'where') inner = strip(inner.inputs[1]);
  if (inner.op.name === 'mul') inner = inner.inputs.map(strip).find((i) => i.op.name === 'div') ?? inner;
  if (inner.op.name !== 'div') return false;
  const sum = unscaled(inner.inputs[1]);
  return sum.op.name === 'sum' && strip(sum.inputs[0]).op.name === 'exp';
}

/** A root or sum of what is never negative: squares, sizes, a variance. */
function isNorm(node: Node, { bounds }: Context): boolean {
  const inner = unscaled(node);
  if (inner.op.name === 'sqrt') return true;
  return (
    inner.op.name === 'sum' &&
    ['mul', 'abs'].includes(strip(inner.inputs[0]).op.name) &&
    bounds(inner).lo === 0
  );
}

function kindOf(x: Node): string {
  const inner = strip(x);
  if (isInput(inner)) return `${inputAttrs(inner).role} ${inputAttrs(inner).name}`;
  if (inner.op.name === 'sub' && numberIn(inner.inputs[0]) !== undefined)
    return `${numberIn(inner.inputs[0])} minus ${strip(inner.inputs[1]).op.name}`;
  return `the result of ${inner.op.name}`;
}

/** One finding for a line that has the same fault twice. */
function merged(problems: readonly Problem[]): Problem[] {
  const lines = new Map<string, Problem[]>();
  for (const problem of problems) {
    const key = `${problem.where}\n${problem.fix}`;
    lines.set(key, [...(lines.get(key) ?? []), problem]);
  }
  return [...lines.values()].map((same) => ({
    ...same[0],
    why: [...new Set(same.map(({ why }) => why))].join('; '),
  }));
}

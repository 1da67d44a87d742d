import { numberIn, strip } from '../graph/follow.js';
import type { Node } from '../graph/graph.js';
import { numel } from '../shape.js';
import { unscaled } from './match.js';

/** What a graph says about a loss that is a cross-entropy of softmax. */
export interface CrossEntropy {
  /** The part of the loss that is the cross-entropy: factors times sums over nodes. */
  readonly parts: readonly { readonly node: Node; readonly factor: number }[];
  /** That part for a uniform guess: ln(classes) for a mean over rows. */
  readonly uniform: number;
  readonly classes: number;
  /** What the softmax is taken of, as the exponentials have it: maybe less the largest of a row. */
  readonly logits: Node;
  /** The indices of the right classes, where they are found. */
  readonly targets: Node | undefined;
  /** The user's line. */
  readonly where: string;
}

/**
 * Recognises a cross-entropy by its structure, in every way of writing it: log-sum-exp less the picked logit, the
 * picked element of a log-softmax, the log of the picked probability, and each with a mask of ones and zeros
 * instead of an index. The loss may have other terms, such as a penalty.
 */
export function crossEntropyOf(loss: Node): CrossEntropy | undefined {
  const parts: { node: Node; factor: number }[] = [];
  let uniform = 0;
  let classes = 0;
  let targets: Node | undefined;
  let logits: Node | undefined;
  let where = '';
  for (const term of terms(loss)) {
    const kind = classify(term.node);
    if (!kind) continue;
    parts.push(term);
    targets ??= kind.targets;
    if (!kind.logits) continue;
    classes = kind.classes;
    logits = kind.logits;
    where = kind.where;
    uniform += Math.abs(term.factor) * kind.count * Math.log(kind.classes);
  }
  return logits && classes > 1 ? { parts, uniform, classes, logits, targets, where } : undefined;
}

/** The loss as a sum of factor times the sum over a node's elements. */
export function terms(loss: Node): { node: Node; factor: number }[] {
  const found: { node: Node; factor: number }[] = [];
  const visit = (node: Node, factor: number) => {
    const [a, b] = node.inputs;
    const repeats = (input: Node) => numel(node.shape) / Math.max(1, numel(input.shape));
    switch (node.op.name) {
      case 'reshape':
      case 'contiguous':
      case 'transpose':
      case 'sum':
        return visit(a, factor);
      case 'broadcast':
        return visit(a, factor * repeats(a));
      case 'neg':
        return visit(a, -factor);
      case 'add':
      case 'sub':
        visit(a, factor * repeats(a));
        return visit(b, (node.op.name === 'sub' ? -factor : factor) * repeats(b));
      case 'mul': {
        const [x, y] = [numberIn(a), numberIn(b)];
        if (y !== undefined) return visit(a, factor * y * repeats(a));
        if (x !== undefined) return visit(b, factor * x * repeats(b));
        break;
      }
      case 'div': {
        const y = numberIn(b);
        if (y !== undefined) return visit(a, (factor / y) * repeats(a));
        break;
      }
    }
    found.push({ node, factor });
  };
  visit(loss, 1);
  return found;
}

interface Kind {
  /** 0 for the part that is 0 under a uniform guess: the picked logit beside a log-sum-exp. It has no logits of its own. */
  classes: number;
  logits?: Node;
  /** How many numbers ln(classes) it sums up. */
  count: number;
  targets?: Node;
  where: string;
}

function classify(node: Node): Kind | undefined {
  if (node.op.name === 'log') {
    const inner = unscaled(withoutNumber(node.inputs[0]));
    const of = sumOfExp(inner);
    if (of) return { ...of, count: numel(node.shape), where: node.where };
    const picked = maskedBy(inner.op.name === 'sum' ? inner.inputs[0] : inner);
    const softmax = picked && softmaxOf(picked.values);
    if (softmax) return { ...softmax, count: numel(node.shape), targets: picked.targets, where: node.where };
    return undefined;
  }
  const picked = maskedBy(node);
  if (!picked) return undefined;
  const { values, targets } = picked;
  const logSoftmax = logSoftmaxOf(values);
  const rows = numel(node.shape) / Math.max(1, node.shape.at(-1) ?? 1);
  if (logSoftmax) return { ...logSoftmax, count: rows, targets, where: node.where };
  return { classes: 0, count: rows, targets, where: node.where };
}

/** What a small number was added to, to keep a log from 0. */
function withoutNumber(node: Node): Node {
  const inner = strip(node);
  if (inner.op.name !== 'add' && inner.op.name !== 'maximum') return inner;
  const [a, b] = inner.inputs;
  return numberIn(b) !== undefined ? a : numberIn(a) !== undefined ? b : inner;
}

/** Elements chosen by a mask: where(classes == target, x, 0), or x times a mask that is data. */
function maskedBy(node: Node): { values: Node; targets?: Node } | undefined {
  const inner = strip(node);
  if (inner.op.name === 'where') {
    const [condition, x, other] = inner.inputs;
    if (numberIn(other) !== 0 || strip(condition).op.name !== 'equal') return undefined;
    return { values: x, targets: targetsOf(strip(condition)) };
  }
  if (inner.op.name !== 'mul') return undefined;
  const [a, b] = inner.inputs;
  for (const [mask, values] of [
    [a, b],
    [b, a],
  ]) {
    let source = strip(mask);
    if (source.op.name === 'cast') source = strip(source.inputs[0]);
    if (source.op.name === 'equal') return { values, targets: targetsOf(source) };
    if (source.op.name === 'input' && source.attrs.role === 'input') return { values };
  }
  return undefined;
}

/** Of a comparison of classes with targets: the targets. */
function targetsOf(equal: Node): Node | undefined {
  const sides = equal.inputs.map(strip);
  const other = sides.find((side) => side.op.name !== 'iota' && side.op.name !== 'constant');
  return sides.length > 1 && other?.dtype === 'i32' ? other : undefined;
}

/** Exponentials that are summed over classes, and what they are taken of. */
export interface Exponentials {
  readonly classes: number;
  readonly logits: Node;
}

/** If this is a sum of exponentials. */
function sumOfExp(node: Node): Exponentials | undefined {
  const sum = strip(node);
  if (sum.op.name !== 'sum') return undefined;
  const e = strip(sum.inputs[0]);
  if (e.op.name !== 'exp') return undefined;
  return { classes: numel(sum.inputs[0].shape) / Math.max(1, numel(sum.shape)), logits: e.inputs[0] };
}

/** If this is exp(x) / sum(exp(x)). */
export function softmaxOf(node: Node): Exponentials | undefined {
  const quotient = strip(node);
  if (quotient.op.name !== 'div' || strip(quotient.inputs[0]).op.name !== 'exp') return undefined;
  return sumOfExp(quotient.inputs[1]);
}

/** If this is the log of a softmax, or x less the log of a sum of exponentials. */
export function logSoftmaxOf(node: Node): Exponentials | undefined {
  const inner = strip(node);
  if (inner.op.name === 'log') return softmaxOf(withoutNumber(inner.inputs[0]));
  if (inner.op.name !== 'sub') return undefined;
  const log = strip(inner.inputs[1]);
  return log.op.name === 'log' ? sumOfExp(log.inputs[0]) : undefined;
}

import { evaluateGraph } from '../graph/evaluate.js';
import {
  constantValue,
  fromRoots,
  type Graph,
  isInput,
  makeNode,
  type Node,
  readerCounts,
  rewrite,
} from '../graph/graph.js';
import type { OnnxRule } from '../ops/onnx.js';
import { fill, is } from '../optimize/build.js';
import { numel } from '../shape.js';
import { maxPool } from './pools.js';
import { opOf } from './standing.js';

// What ONNX has an op for and our graphs do not: found by the ops that softmax, norms and attention are written in
// (ops/functions.ts, ops/attention.ts, nn/norm.ts), where nothing else reads what is inside. A gradient does, so training steps keep the parts.

const overAxis =
  (op: string): OnnxRule<{ axis: number }> =>
  (to, x, { attrs: { axis } }) =>
    to.node(op, x, { axis });
const softmaxOp = opOf('onnx_softmax', overAxis('Softmax'));
const logSoftmaxOp = opOf('onnx_log_softmax', overAxis('LogSoftmax'));

type NormAttrs = { epsilon: number };
const norm =
  (op: string): OnnxRule<NormAttrs> =>
  (to, x, { attrs: { epsilon } }) =>
    to.node(op, x, { axis: -1, epsilon: { float: epsilon } });
const layerNormOp = opOf('onnx_layer_norm', norm('LayerNormalization'));
const rmsNormOp = opOf('onnx_rms_norm', norm('RMSNormalization'));

type AttentionAttrs = { scale: number; causal: boolean };
/** q, k, v and, where there is one, a mask. */
const attentionOp = opOf<AttentionAttrs>(
  'onnx_attention',
  (to, of, { attrs: { scale, causal } }) =>
    to.node('Attention', of, { scale: { float: scale }, ...(causal && { is_causal: 1 }) }),
  ([q, , v]) => ({ shape: [...q.shape.slice(0, -1), v.shape.at(-1)!], dtype: q.dtype }),
);

/** Looks at a node whose inputs are rewritten already; gives what takes its place. `reads`: how often a node is read. */
type Rule = (node: Node, reads: (inner: Node) => number) => Node | null;

const RULES: readonly Rule[] = [softmax, logSoftmax, normalized, withGain, withBias, attention, maxPool];

/** The graph with these patterns as ops of their own. */
export function recognise(graph: Graph): Graph {
  // Readers change as patterns are put in, so one rule comes after the other.
  return RULES.reduce((now, rule) => {
    const counts = readerCounts(now);
    const before = new Map<Node, Node>();
    return rewrite(now, (node, old) => {
      const found = rule(node, (inner) => counts.get(before.get(inner) ?? inner) ?? 0) ?? node;
      before.set(found, old);
      if (found !== node) before.set(node, old);
      return found;
    });
  }, graph);
}

/** What a marker is put on. */
function bare(node: Node): Node {
  return node.op.marker ? bare(node.inputs[0]) : node;
}

/** Whether `node` is the largest of x along an axis, or 0 where that is infinite (`finiteMax`). */
function isLargest(node: Node, x: Node, axis: number): boolean {
  const at = bare(node);
  if (is(at, 'where')) return constantValue(at.inputs[2]) === 0 && isLargest(at.inputs[1], x, axis);
  return (is(at, 'nanmax') || is(at, 'max')) && isOver(at, axis) && at.inputs[0] === x;
}

/** Whether a reduction is over this axis alone. */
function isOver({ attrs }: Node, axis: number): boolean {
  const { axes } = attrs as { axes: readonly number[] };
  return axes.length === 1 && axes[0] === axis;
}

/** exp(x - largest x along an axis): x, and the axis. */
function exponentials(node: Node): { x: Node; axis: number } | null {
  if (!is(node, 'exp')) return null;
  return belowLargest(node.inputs[0]);
}

function belowLargest(shifted: Node): { x: Node; axis: number } | null {
  if (!is(shifted, 'sub')) return null;
  const [x, largest] = shifted.inputs;
  const axis = x.shape.findIndex((n, i) => largest.shape[i] === 1 && isLargest(largest, x, i) && n > 0);
  return axis < 0 ? null : { x, axis };
}

function softmax(node: Node, reads: (inner: Node) => number): Node | null {
  if (!is(node, 'div')) return null;
  const [e, total] = node.inputs;
  const found = exponentials(e);
  // By its sum, and here.
  if (!found || reads(e) !== 2) return null;
  const { x, axis } = found;
  const isTotal = (of: Node) => is(of, 'sum') && isOver(of, axis) && of.inputs[0] === e;
  // Attention divides by 1 where a query sees no key, which is not so if its mask is known to show one.
  const guarded = is(total, 'where') && constantValue(total.inputs[1]) === 1 && isTotal(total.inputs[2]);
  if (!isTotal(total) && !(guarded && showsSome(x))) return null;
  return makeNode(softmaxOp, [x], { axis }, node.where);
}

function logSoftmax(node: Node, reads: (inner: Node) => number): Node | null {
  if (!is(node, 'sub')) return null;
  const [shifted, log] = node.inputs;
  const found = belowLargest(shifted);
  if (!found || !is(log, 'log') || !is(log.inputs[0], 'sum') || !isOver(log.inputs[0], found.axis))
    return null;
  const [e] = log.inputs[0].inputs;
  if (!is(e, 'exp') || e.inputs[0] !== shifted || reads(e) !== 1 || reads(shifted) !== 2) return null;
  return makeNode(logSoftmaxOp, [found.x], { axis: found.axis }, node.where);
}

/** Whether scores have a mask of constants, of which each row shows something. */
function showsSome(scores: Node): boolean {
  const found = maskOf(scores);
  const shown = found && found.mask.shape.at(-1) === scores.shape.at(-1) ? known(found.mask) : null;
  if (!found || !shown || maskOf(found.seen)) return false;
  const isSeen = (x: number) => (found.mask.dtype === 'bool' ? x !== 0 : x > Number.NEGATIVE_INFINITY);
  return everyRow(shown, scores.shape.at(-1)!, (row) => row.some(isSeen));
}

/** Constants of more elements are not worked out. */
const MOST_KNOWN = 2 ** 24;
const knownNodes = new WeakMap<Node, ArrayLike<number> | null>();

/** The elements of what depends on no input; null for others. */
function known(node: Node): ArrayLike<number> | null {
  let elements = knownNodes.get(node);
  if (elements === undefined) {
    const graph = fromRoots({ name: '', inputs: [], outputs: [{ name: 'of', node }], updates: [] });
    const isFixed = !graph.nodes.some((inner) => isInput(inner) || numel(inner.shape) > MOST_KNOWN);
    elements = isFixed ? evaluateGraph(graph, {}, {}).outputs.of.data : null;
    knownNodes.set(node, elements);
  }
  return elements;
}

function everyRow(
  elements: ArrayLike<number>,
  width: number,
  holds: (row: readonly number[], at: number) => boolean,
): boolean {
  const all = Array.from(elements);
  return all.every((_, i) => i % width !== 0 || holds(all.slice(i, i + width), i / width));
}

/** The operands of a node of this op, in both orders. */
function pairs(node: Node, op: string): [Node, Node][] {
  if (!is(node, op)) return [];
  const [a, b] = node.inputs;
  return [
    [a, b],
    [b, a],
  ];
}

/** What a mean over the last axis is taken of; it keeps that axis. */
function meanOf(node: Node): Node | null {
  for (const [total, share] of pairs(node, 'mul')) {
    if (!is(total, 'sum')) continue;
    const [x] = total.inputs;
    const n = x.shape.at(-1)!;
    const isMean = Math.fround(constantValue(share) ?? 0) === Math.fround(1 / n);
    if (isMean && isOver(total, x.shape.length - 1)) return x;
  }
  return null;
}

/** centred / sqrt(mean of its squares + epsilon), with one for each row. */
function normalized(node: Node, reads: (inner: Node) => number): Node | null {
  for (const [centred, inverse] of pairs(node, 'mul')) {
    if (!is(inverse, 'rsqrt') || reads(inverse) !== 1) continue;
    for (const [squares, eps] of pairs(inverse.inputs[0], 'add')) {
      const epsilon = constantValue(eps);
      const square = meanOf(squares);
      if (epsilon === undefined || !square || !is(square, 'mul')) continue;
      if (square.inputs.some((factor) => factor !== centred)) continue;
      const isCentred = is(centred, 'sub') && meanOf(centred.inputs[1]) === centred.inputs[0];
      // Twice by its square, and here.
      if (isCentred && reads(centred) !== 3) continue;
      const x = isCentred ? centred.inputs[0] : centred;
      const ones = fill(1, { shape: [x.shape.at(-1)!], dtype: 'f32' }, node.where);
      return makeNode(isCentred ? layerNormOp : rmsNormOp, [x, ones], { epsilon }, node.where);
    }
  }
  return null;
}

function withGain(node: Node, reads: (inner: Node) => number): Node | null {
  for (const [normal, gain] of pairs(node, 'mul')) {
    const isNorm = normal.op === layerNormOp || normal.op === rmsNormOp;
    if (!isNorm || reads(normal) !== 1 || !isOfFeatures(gain, normal)) continue;
    return makeNode(normal.op, [normal.inputs[0], gain], normal.attrs, node.where);
  }
  return null;
}

function withBias(node: Node, reads: (inner: Node) => number): Node | null {
  for (const [normal, bias] of pairs(node, 'add')) {
    if (normal.op !== layerNormOp || reads(normal) !== 1 || !isOfFeatures(bias, normal)) continue;
    return makeNode(layerNormOp, [...normal.inputs.slice(0, 2), bias], normal.attrs, node.where);
  }
  return null;
}

function isOfFeatures({ shape }: Node, normal: Node): boolean {
  return shape.length === 1 && shape[0] === normal.shape.at(-1);
}

/** softmax(scale q kT, masked) v of [batch, heads, places, width] each. */
function attention(node: Node, reads: (inner: Node) => number): Node | null {
  if (!isPlainProduct(node)) return null;
  const [weights, v] = node.inputs;
  if (weights.op !== softmaxOp || weights.attrs.axis !== 3 || reads(weights) !== 1) return null;
  const [scores] = weights.inputs;
  const { seen, mask } = maskOf(scores) ?? { seen: scores, mask: null };
  for (const [product, factor] of pairs(seen, 'mul')) {
    const scale = constantValue(factor);
    if (scale === undefined || !isPlainProduct(product)) continue;
    const [q, turned] = product.inputs;
    const isTurned = is(turned, 'transpose') && (turned.attrs.perm as readonly number[]).join() === '0,1,3,2';
    if (!isTurned) return null;
    const [k] = turned.inputs;
    const leading = [q, k, v].map(({ shape }) => shape.slice(0, 2).join());
    if (leading.some((shape) => shape !== leading[0])) return null;
    const causal = mask !== null && isCausal(mask, q.shape[2], k.shape[2]);
    const operands = mask && !causal ? [q, k, v, mask] : [q, k, v];
    return makeNode(attentionOp, operands, { scale, causal }, node.where);
  }
  return null;
}

function isPlainProduct(node: Node): boolean {
  const { transposeA, transposeB } = node.attrs;
  return is(node, 'matmul') && node.shape.length === 4 && !transposeA && !transposeB;
}

/** What scores are before their mask, and that: which keys are seen (bool), or what is added. */
function maskOf(scores: Node): { seen: Node; mask: Node } | null {
  if (is(scores, 'add')) return { seen: scores.inputs[0], mask: scores.inputs[1] };
  if (!is(scores, 'where')) return null;
  const [mask, seen, hidden] = scores.inputs;
  return constantValue(hidden) === Number.NEGATIVE_INFINITY ? { seen, mask } : null;
}

/** Whether each of as many queries as keys sees those up to its own place, and no others. */
function isCausal(mask: Node, queries: number, keys: number): boolean {
  const elements = mask.dtype === 'bool' && numel(mask.shape) === queries * keys ? known(mask) : null;
  if (!elements || queries !== keys) return false;
  return everyRow(elements, keys, (row, place) => row.every((shown, key) => Boolean(shown) === key <= place));
}

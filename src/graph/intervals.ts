import { ANY, hull, type Interval } from '../ops/interval.js';
import { numel } from '../shape.js';
import { keepsPlace, strip } from './follow.js';
import { inputAttrs, isInput, type Node } from './graph.js';

/** Below this, exp is 0 in float32. */
const UNDERFLOW = -87;

/**
 * Bounds of every node that hold whatever the parameters are: interval arithmetic over a graph, in float32's terms:
 * what underflows counts as 0.
 * @param inputs bounds of inputs that are known, by name
 */
export function intervals(
  nodes: readonly Node[],
  inputs: ReadonlyMap<string, Interval> = new Map(),
): Map<Node, Interval> {
  const found = new Map<Node, Interval>();
  for (const node of nodes) {
    found.set(
      node,
      isInput(node)
        ? (inputs.get(inputAttrs(node).name) ?? ANY)
        : bound(
            node,
            node.inputs.map((i) => found.get(i)!),
          ),
    );
  }
  return found;
}

/** Ops that grow with their one operand: a bound of it gives a bound of the result. */
const MONOTONE: Record<string, (x: number) => number> = {
  exp: (x) => (x < UNDERFLOW ? 0 : Math.exp(x)),
  log: (x) => (x > 0 ? Math.log(x) : Number.NEGATIVE_INFINITY),
  sqrt: (x) => Math.sqrt(Math.max(x, 0)),
  tanh: Math.tanh,
  sigmoid: (x) => (x < UNDERFLOW ? 0 : 1 / (1 + Math.exp(-x))),
  relu: (x) => Math.max(x, 0),
  erf: (x) => (x <= 0 ? -1 : 1) * Math.min(1, Math.abs(x) * 1.13),
};

const SAME = new Set(['reshape', 'transpose', 'broadcast', 'slice', 'stop_gradient', 'contiguous', 'gather']);

function bound(node: Node, of: readonly Interval[]): Interval {
  const name = node.op.name;
  const [a, b, c] = of;
  if (name in MONOTONE) return { lo: MONOTONE[name](a.lo), hi: MONOTONE[name](a.hi) };
  if (SAME.has(name)) return a;
  switch (name) {
    case 'constant':
      return hull((node.attrs.values as readonly number[]).map((x) => ({ lo: x, hi: x })));
    case 'iota':
      return { lo: 0, hi: node.shape[0] - 1 };
    case 'index':
      return { lo: 0, hi: (node.attrs.size as number) - 1 };
    case 'random':
      return { lo: 0, hi: 1 };
    case 'neg':
      return { lo: -a.hi, hi: -a.lo };
    case 'add':
      return { lo: a.lo + b.lo, hi: a.hi + b.hi };
    case 'sub':
      return difference(node, a, b);
    case 'mul':
      return node.inputs[0] === node.inputs[1] ? square(a) : product(a, b);
    case 'div':
      return b.lo > 0 || b.hi < 0 ? product(a, { lo: 1 / b.hi, hi: 1 / b.lo }) : ANY;
    case 'abs':
      return { lo: a.lo > 0 ? a.lo : Math.max(-a.hi, 0), hi: Math.max(-a.lo, a.hi) };
    case 'rsqrt':
      return { lo: 1 / Math.sqrt(Math.max(a.hi, 0)), hi: 1 / Math.sqrt(Math.max(a.lo, 0)) };
    case 'sin':
    case 'cos':
      return { lo: -1, hi: 1 };
    case 'maximum':
      return { lo: Math.max(a.lo, b.lo), hi: Math.max(a.hi, b.hi) };
    case 'minimum':
      return { lo: Math.min(a.lo, b.lo), hi: Math.min(a.hi, b.hi) };
    case 'where':
      return hull([b, c]);
    case 'cast':
      return a;
    case 'concat':
      return hull(of);
    case 'pad':
      return hull([a, { lo: 0, hi: 0 }]);
    case 'max':
    case 'nanmax':
      return a;
    case 'sum':
      return total(node, a);
    case 'matmul': {
      const k = node.inputs[0].shape.at(node.attrs.transposeA ? -2 : -1)!;
      const { lo, hi } = product(a, b);
      return { lo: times(lo, k), hi: times(hi, k) };
    }
    default:
      return node.op.interval?.(of) ?? (node.dtype === 'bool' ? { lo: 0, hi: 1 } : ANY);
  }
}

/** x less its own largest element is not above 0. */
function difference(node: Node, a: Interval, b: Interval): Interval {
  const [x, y] = node.inputs;
  if (x === y) return { lo: 0, hi: 0 };
  return { lo: a.lo - b.hi, hi: isMaxOf(y, x) ? Math.min(0, a.hi - b.lo) : a.hi - b.lo };
}

function isMaxOf(node: Node, x: Node): boolean {
  const largest = strip(node);
  const reduces = largest.op.name === 'max' || largest.op.name === 'nanmax';
  return reduces && strip(largest.inputs[0]) === strip(x) && keepsPlace(largest, node);
}

/** Of exp(x - max(x)), the sum over what the maximum was taken of: one element is exp(0). */
function total(node: Node, of: Interval): Interval {
  const [summed] = node.inputs;
  const n = numel(summed.shape) / Math.max(1, numel(node.shape));
  const { lo, hi } = { lo: times(of.lo, n), hi: times(of.hi, n) };
  const e = strip(summed);
  const shifted = e.op.name === 'exp' ? strip(e.inputs[0]) : e;
  if (shifted === e || shifted.op.name !== 'sub') return { lo, hi };
  const [x, largest] = shifted.inputs;
  const sameAxes = String(strip(largest).attrs.axes) === String(node.attrs.axes);
  return isMaxOf(largest, x) && sameAxes ? { lo: Math.max(lo, 1), hi } : { lo, hi };
}

function square({ lo, hi }: Interval): Interval {
  const [p, q] = [lo * lo, hi * hi];
  return { lo: lo <= 0 && hi >= 0 ? 0 : Math.min(p, q), hi: Math.max(p, q) };
}

function product(a: Interval, b: Interval): Interval {
  const corners = [times(a.lo, b.lo), times(a.lo, b.hi), times(a.hi, b.lo), times(a.hi, b.hi)];
  return { lo: Math.min(...corners), hi: Math.max(...corners) };
}

/** Zero times anything is zero: infinity stands for numbers without a bound. */
const times = (x: number, y: number): number => (x === 0 || y === 0 ? 0 : x * y);

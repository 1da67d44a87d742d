import { hull, type Interval } from '../ops/interval.js';
import { numel } from '../shape.js';
import { inputAttrs, isInput, type Node } from './graph.js';

// Bounds of integers as the machine computes them, for a proof that an index stays inside of its table: what may leave
// 32 bits wraps around and can be anything; what is cast from floats is bounded with room for their rounding, in any
// order of the operations, and with 0, which NaN becomes.

const INTEGERS: Interval = { lo: -(2 ** 31), hi: 2 ** 31 - 1 };
const FLAGS: Interval = { lo: 0, hi: 1 };
const FLOATS: Interval = { lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY };
/** Room for the rounding of an operation on floats, beside its largest operand. */
const ROUNDING = 2 ** -20;

/**
 * Bounds of every node of a graph; those of indices hold from there on, since nothing goes on behind one that is wrong.
 * @param inputs bounds of data that are checked, by name
 */
export function integerBounds(
  nodes: readonly Node[],
  inputs: ReadonlyMap<string, Interval> = new Map(),
): Map<Node, Interval> {
  const found = new Map<Node, Interval>();
  for (const node of nodes) {
    const known = isInput(node) && inputAttrs(node).role === 'input' && inputs.get(inputAttrs(node).name);
    const of = node.inputs.map((input) => found.get(input)!);
    found.set(node, within(node, known || (node.op.bound ? indices(node) : bound(node, of))));
  }
  return found;
}

function indices({ op, attrs }: Node): Interval {
  return { lo: 0, hi: op.bound!(attrs).size - 1 };
}

function anything({ dtype }: Node): Interval {
  return dtype === 'i32' ? INTEGERS : dtype === 'bool' ? FLAGS : FLOATS;
}

/** Integers that leave 32 bits wrap around. */
function within(node: Node, { lo, hi }: Interval): Interval {
  const any = anything(node);
  return lo >= any.lo && hi <= any.hi ? { lo, hi } : any;
}

function bound(node: Node, of: readonly Interval[]): Interval {
  const [a, b, c] = of;
  const rounded = (interval: Interval) => (node.dtype === 'f32' ? widened(interval, of) : interval);
  if (node.op.lower.kind === 'movement') return a;
  switch (node.op.name) {
    case 'constant':
      return hull((node.attrs.values as readonly number[]).map((x) => ({ lo: x, hi: x })));
    case 'iota':
      return { lo: 0, hi: node.shape[0] - 1 };
    case 'random':
    case 'sigmoid':
      return widened({ lo: 0, hi: 1 }, []);
    case 'tanh':
    case 'sin':
    case 'cos':
      return widened({ lo: -1, hi: 1 }, []);
    case 'neg':
      return { lo: -a.hi, hi: -a.lo };
    case 'abs':
      return { lo: a.lo > 0 ? a.lo : Math.max(-a.hi, 0), hi: Math.max(-a.lo, a.hi) };
    case 'relu':
      return { lo: Math.max(a.lo, 0), hi: Math.max(a.hi, 0) };
    case 'add':
      return rounded({ lo: a.lo + b.lo, hi: a.hi + b.hi });
    case 'sub':
      return rounded({ lo: a.lo - b.hi, hi: a.hi - b.lo });
    case 'mul':
      return rounded(product(a, b));
    case 'maximum':
      return { lo: Math.max(a.lo, b.lo), hi: Math.max(a.hi, b.hi) };
    case 'minimum':
      return { lo: Math.min(a.lo, b.lo), hi: Math.min(a.hi, b.hi) };
    case 'where':
      return hull([b, c]);
    case 'concat':
      return hull(of);
    case 'pad':
      return hull([a, { lo: 0, hi: 0 }]);
    case 'gather':
      return a;
    case 'max':
    case 'nanmax':
      return node.dtype === 'i32' ? a : FLOATS;
    case 'sum':
      return node.dtype === 'i32'
        ? total(a, numel(node.inputs[0].shape) / Math.max(1, numel(node.shape)))
        : FLOATS;
    case 'cast':
      return cast(node, a);
    default:
      return declared(node, of) ?? anything(node);
  }
}

/** What the op says of its results, with room for rounding if it rounds. */
function declared({ op, dtype }: Node, of: readonly Interval[]): Interval | undefined {
  const interval = op.interval?.(of);
  return interval && dtype === 'f32' && !op.exact ? widened(interval, of) : interval;
}

/** Integers are cut towards zero and stay within 32 bits; NaN is 0. */
function cast({ dtype, inputs: [from] }: Node, a: Interval): Interval {
  if (dtype === 'bool') return FLAGS;
  if (from.dtype !== 'f32' || dtype === 'f32')
    return dtype === 'f32' && from.dtype === 'i32' ? widened(a, []) : a;
  const whole = (x: number) => Math.trunc(Math.min(Math.max(x, INTEGERS.lo), INTEGERS.hi));
  return hull([
    { lo: whole(a.lo), hi: whole(a.hi) },
    { lo: 0, hi: 0 },
  ]);
}

function widened({ lo, hi }: Interval, of: readonly Interval[]): Interval {
  const largest = Math.max(...[...of, { lo, hi }].flatMap((x) => [Math.abs(x.lo), Math.abs(x.hi)]));
  // Infinite bounds have no difference.
  return largest < Number.POSITIVE_INFINITY
    ? { lo: lo - ROUNDING * largest, hi: hi + ROUNDING * largest }
    : FLOATS;
}

function product(a: Interval, b: Interval): Interval {
  const corners = [a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi];
  return corners.some(Number.isNaN) ? FLOATS : { lo: Math.min(...corners), hi: Math.max(...corners) };
}

function total({ lo, hi }: Interval, n: number): Interval {
  return { lo: Math.min(0, lo * n), hi: Math.max(0, hi * n) };
}

import { hull, type Interval } from '../ops/interval.js';
import { inputAttrs, isInput, type Node } from './graph.js';

// Bounds of integers as the machine computes them, for a proof that an index stays inside of its table: what may leave
// 32 bits wraps around and can be anything; what is cast from floats is bounded with room for their rounding, in any
// order of the operations, and with 0, which NaN becomes.

const INTEGERS: Interval = { lo: -(2 ** 31), hi: 2 ** 31 - 1 };
const FLAGS: Interval = { lo: 0, hi: 1 };
const FLOATS: Interval = { lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY };
const LARGEST_FLOAT = 2 ** 128 - 2 ** 104;
/** Room for the rounding of an operation on floats: eight units in the last place, and what underflows. */
const ROUNDING = 2 ** -20;
const LEAST = 2 ** -149;
/** These add many floats up, so that their rounding has no such bound. */
const SUMS = new Set(['reduce', 'matmul', 'scatter', 'fold']);

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
    found.set(node, within(node, known || bound(node, of)));
  }
  return found;
}

function anything({ dtype }: Node): Interval {
  return dtype === 'i32' ? INTEGERS : dtype === 'bool' ? FLAGS : FLOATS;
}

/** Integers that leave 32 bits wrap around; floats beyond the largest one are infinite. */
function within(node: Node, { lo, hi }: Interval): Interval {
  const any = anything(node);
  // Infinite bounds may have no sum.
  if (Number.isNaN(lo) || Number.isNaN(hi)) return any;
  if (node.dtype === 'f32')
    return { lo: lo < -LARGEST_FLOAT ? any.lo : lo, hi: hi > LARGEST_FLOAT ? any.hi : hi };
  return lo >= any.lo && hi <= any.hi ? { lo, hi } : any;
}

function bound(node: Node, of: readonly Interval[]): Interval {
  const { op, dtype } = node;
  if (!op.interval || (dtype === 'f32' && SUMS.has(op.lower.kind))) return anything(node);
  const interval = op.interval(of, node);
  return dtype === 'f32' && !op.exact ? rounded(node, interval, of) : interval;
}

/** With room for rounding: that of the result, and of the operands where several floats may come in another order. */
function rounded({ inputs }: Node, { lo, hi }: Interval, of: readonly Interval[]): Interval {
  const several = inputs.length > 1 && inputs.every(({ dtype }) => dtype === 'f32');
  const all = hull([...(several ? of : []), { lo, hi }]);
  const beside = several ? Math.max(-all.lo, all.hi) : 0;
  const room = (x: number) => ROUNDING * Math.max(Math.abs(x), beside) + LEAST;
  return { lo: lo - room(lo), hi: hi + room(hi) };
}

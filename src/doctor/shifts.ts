import { evaluateNode } from '../graph/evaluate.js';
import { numberIn } from '../graph/follow.js';
import type { Node } from '../graph/graph.js';
import type { Value } from '../ops/op.js';
import { numel, type Shape } from '../shape.js';

// What adding to a parameter adds to every other value: a proof that the loss does not change.
//
// For a parameter p, each node is written as f + c1 s1 + c2 s2 + ..., where f does not depend on p and each s is
// some linear function of p, with a name (which is not constant along the axes that it `varies` along). Where names and axes agree the factors add up: in x - mean(x) what was the
// same for all rows has the factor 1 - n (1/n) = 0 and is gone. A node that depends on p in another way is `unknown`.

interface Term {
  factor: number;
  /** Which function of p: two terms with the same name and the same varying axes are the same values. */
  name: string;
  /** Axes along which it is not constant. */
  varies: readonly boolean[];
}

type Shift = readonly Term[] | 'unknown';

/** Rounding of n * (1 / n). */
const TOLERANCE = 1e-12;

/**
 * If no change of the parameter can change `loss`: the nodes where it is taken off again. Else null.
 * `nodes`, inputs first, are those that the loss is computed from.
 */
export function cancelledAt(nodes: readonly Node[], loss: Node, parameter: Node): Node[] | null {
  const shifts = new Map<Node, Shift>();
  const ids = new Map(nodes.map((node, i) => [node, i]));
  const varies = variations(nodes);
  const cancelling: Node[] = [];
  for (const node of nodes) {
    if (node === parameter) {
      shifts.set(node, [{ factor: 1, name: 'p', varies: node.shape.map((n) => n !== 1) }]);
      continue;
    }
    const of = node.inputs.map((input) => shifts.get(input)!);
    if (of.every((shift) => shift.length === 0)) {
      shifts.set(node, []);
      continue;
    }
    const result = of.includes('unknown')
      ? 'unknown'
      : rule({
          node,
          of: of as (readonly Term[])[],
          id: (input) => String(ids.get(input)),
          variesOf: (input) => varies.get(input)!,
        });
    if (result.length === 0) cancelling.push(node);
    shifts.set(node, result);
  }
  return shifts.get(loss)?.length === 0 && cancelling.length > 0 ? cancelling : null;
}

interface Context {
  node: Node;
  of: readonly (readonly Term[])[];
  id(node: Node): string;
  variesOf(node: Node): readonly boolean[];
}

function rule(context: Context): Shift {
  const { node, of } = context;
  const { linear, lower, marker } = node.op;
  const dependent = of.flatMap((terms, i) => (terms.length ? [i] : []));
  if (lower.kind === 'movement') return marker ? 'unknown' : of[0].map((term) => moved(node, term));
  if (typeof linear === 'object') return combined(context, linear);
  if (linear === 'shift') {
    const folds = ({ varies }: Term) => axesOf(node).some((axis) => varies[axis]);
    return of[0].some(folds) ? 'unknown' : of[0];
  }
  // Of a product of what depends on p with what does too, nothing is known.
  if (!linear || dependent.length > 1 || (linear === 'first' && dependent[0] !== 0)) return 'unknown';
  switch (lower.kind) {
    case 'elementwise':
      return times(context, dependent[0]);
    case 'reduce':
      return of[0].map((term) => summed(node, term));
    case 'matmul':
      return product(context, dependent[0] === 0);
    case 'gather':
      return of[0].map((term) => gathered(context, term));
    default:
      return 'unknown';
  }
}

const axesOf = (node: Node) => node.attrs.axes as readonly number[];

/** A sum of operands, each times a number. */
function combined({ node, of }: Context, factors: readonly number[]): Term[] {
  return collected(
    of.flatMap((terms, i) => scaled(widened(terms, node.inputs[i].shape, node.shape), factors[i])),
  );
}

/** An op that is linear in one operand, whose other operand does not depend on p. */
function times({ node, of, id, variesOf }: Context, at: number): Term[] {
  const [self, other] = [node.inputs[at], node.inputs[1 - at]];
  const terms = widened(of[at], self.shape, node.shape);
  const number = numberIn(other);
  if (number !== undefined) return scaled(terms, factorOf(node, at, number));
  const others = spread(variesOf(other), other.shape, node.shape);
  return terms.map(({ factor, name, varies }) => ({
    factor,
    name: `${node.op.name}(${name} ${flags(varies)}, ${id(other)})`,
    varies: either(varies, others),
  }));
}

/** What an operand is multiplied by: the result of 1 and the other operand. */
function factorOf(node: Node, at: number, other: number): number {
  const scalar = (x: number): Value => ({ shape: [], dtype: 'f32', data: Float64Array.of(x) });
  const operands = at === 0 ? [1, other] : [other, 1];
  return evaluateNode(node, operands.map(scalar), 'float64').data[0];
}

/** Along an axis where a function of p is constant, a sum of n is n of them. */
function summed(node: Node, { factor, name, varies }: Term): Term {
  const axes = axesOf(node);
  const over = axes.filter((axis) => varies[axis]);
  const repeats = axes.filter((axis) => !varies[axis]).map((axis) => node.inputs[0].shape[axis]);
  return {
    factor: factor * numel(repeats),
    name: over.length ? `${node.op.name}(${name} ${flags(varies)}, ${over})` : name,
    varies: varies.map((v, axis) => v && !axes.includes(axis)),
  };
}

function gathered({ node, id }: Context, { factor, name, varies }: Term): Term {
  const [, ids] = node.inputs;
  return {
    factor,
    name: varies[0] ? `gather(${name} ${flags(varies)}, ${id(ids)})` : name,
    varies: [
      ...ids.shape.map((n) => varies[0] && n !== 1),
      ...node.shape.slice(ids.shape.length).map((_, i) => varies[i + 1]),
    ],
  };
}

/** The same function as long as the axes along which it varies keep their order and all of their elements. */
function moved(node: Node, term: Term): Term {
  const [x] = node.inputs;
  const axes = axesMoved(node);
  if (!axes) return reshaped(term, x.shape, node.shape);
  const { factor, name, varies } = term;
  const kept = axes.filter((axis) => varies[axis]);
  const whole = kept.every((axis, i) => {
    const size = node.shape[axes.indexOf(axis)];
    return (i === 0 || kept[i - 1] < axis) && size === x.shape[axis];
  });
  const text = `${node.op.name}(${name} ${flags(varies)}, ${JSON.stringify(node.attrs)})`;
  return { factor, name: whole ? name : text, varies: axes.map((axis) => axis >= 0 && varies[axis]) };
}

function axesMoved(node: Node): readonly number[] | null {
  return node.op.lower.kind === 'movement' ? node.op.lower.axes(node) : null;
}

/** x W, where one side is shifted: along the other side's outer axis the result varies as that side does. */
function product({ node, of, id, variesOf }: Context, isLeft: boolean): Term[] {
  const [x, w] = node.inputs;
  const terms = of[isLeft ? 0 : 1];
  const other = isLeft ? w : x;
  const transposed = (left: boolean) => Boolean(left ? node.attrs.transposeA : node.attrs.transposeB);
  /** Which axis of an operand is an axis of the result: rows of the left one, columns of the right one. */
  const outer = (left: boolean) => (transposed(left) === left ? -1 : -2);
  const rank = node.shape.length;
  return terms.map(({ factor, name, varies }) => {
    const along = (flags: readonly boolean[], left: boolean) => {
      const leading = flags.slice(0, -2);
      const padded = [...Array<boolean>(Math.max(0, rank - 2 - leading.length)).fill(false), ...leading];
      const free = flags.at(outer(left))!;
      return left ? [...padded, free, false] : [...padded, false, free];
    };
    return {
      factor,
      name: `matmul(${isLeft ? 'left' : 'right'} ${name} ${flags(varies)}, ${id(other)}, ${transposed(true)}, ${transposed(false)})`,
      varies: either(along(varies, isLeft), along(variesOf(other), !isLeft)),
    };
  });
}

/** As part of a name: where in a tensor the values stand. */
const flags = (varies: readonly boolean[]): string => varies.map((v) => (v ? '1' : '0')).join('');

const scaled = (terms: readonly Term[], by: number): Term[] =>
  terms.map((t) => ({ ...t, factor: t.factor * by }));

/** As they lie in the shape that their operand is broadcast to. */
function widened(terms: readonly Term[], from: Shape, to: Shape): Term[] {
  return terms.map((t) => ({ ...t, varies: spread(t.varies, from, to) }));
}

/** Terms of the same values in one; what adds up to nothing goes. */
function collected(terms: readonly Term[]): Term[] {
  const groups = new Map<string, { term: Term; factor: number; size: number }>();
  for (const term of terms) {
    const key = `${term.name} ${term.varies}`;
    const group = groups.get(key) ?? { term, factor: 0, size: 0 };
    group.factor += term.factor;
    group.size += Math.abs(term.factor);
    groups.set(key, group);
  }
  return [...groups.values()]
    .filter(({ factor, size }) => Math.abs(factor) > TOLERANCE * size)
    .map(({ term, factor }) => ({ ...term, factor }));
}

const either = (a: readonly boolean[], b: readonly boolean[]): boolean[] => a.map((v, i) => v || b[i]);

/** Flags of an operand as they lie in the shape that it is broadcast to. */
function spread(varies: readonly boolean[], from: Shape, to: Shape): boolean[] {
  const pad = to.length - from.length;
  return to.map((_, axis) => axis >= pad && from[axis - pad] !== 1 && varies[axis - pad]);
}

/** Through a reshape. Groups of axes that become one another are all constant, or all taken as varying. */
function reshaped({ factor, name, varies }: Term, from: Shape, to: Shape): Term {
  const out = to.map(() => false);
  let mixed = false;
  for (const [before, after] of axisGroups(from, to)) {
    const any = before.some((axis) => varies[axis]);
    for (const axis of after) out[axis] = any;
    if (any && (before.length > 1 || after.length > 1)) mixed = true;
  }
  return { factor, name: mixed ? `reshape(${name} ${flags(varies)}, ${from} to ${to})` : name, varies: out };
}

/** Runs of axes of the same number of elements; axes of size 1 stand in none. */
function axisGroups(from: Shape, to: Shape): [number[], number[]][] {
  const long = (shape: Shape) => shape.flatMap((n, axis) => (n === 1 ? [] : [axis]));
  const [left, right] = [long(from), long(to)];
  const groups: [number[], number[]][] = [];
  for (let i = 0, j = 0; i < left.length || j < right.length; ) {
    const [before, after] = [[], []] as [number[], number[]];
    let [p, q] = [1, 1];
    do {
      if (j >= right.length || (p <= q && i < left.length)) {
        before.push(left[i]);
        p *= from[left[i++]];
      } else {
        after.push(right[j]);
        q *= to[right[j++]];
      }
    } while (p !== q && (i < left.length || j < right.length));
    groups.push([before, after]);
  }
  return groups;
}

/** Axes along which the elements of each node may differ, from broadcasts and reductions. */
function variations(nodes: readonly Node[]): Map<Node, readonly boolean[]> {
  const found = new Map<Node, readonly boolean[]>();
  for (const node of nodes) {
    const of = node.inputs.map((input) => found.get(input)!);
    const along = () => {
      switch (node.op.lower.kind) {
        case 'elementwise':
          return of
            .map((f, i) => spread(f, node.inputs[i].shape, node.shape))
            .reduce(
              either,
              node.shape.map(() => false),
            );
        case 'reduce':
          return of[0].map((v, axis) => v && !(node.attrs.axes as readonly number[]).includes(axis));
        case 'movement':
          return moved(node, { factor: 1, name: '', varies: of[0] }).varies;
        default:
          return numberIn(node) === undefined ? node.shape.map((n) => n !== 1) : node.shape.map(() => false);
      }
    };
    found.set(node, along());
  }
  return found;
}

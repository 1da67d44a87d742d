import { numberIn } from '../graph/follow.js';
import type { Node } from '../graph/graph.js';
import type { Shape } from '../shape.js';

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

function rule({ node, of, id, variesOf }: Context): Shift {
  const [a, b] = of;
  const [x, y] = node.inputs;
  const attrs = JSON.stringify(node.attrs);
  /** An op that is linear in one operand, whose other operand does not depend on p. */
  const linear = (terms: readonly Term[], of: Node, other: Node) =>
    terms.map(({ factor, name, varies }) => {
      const [own, others] = [
        spread(varies, of.shape, node.shape),
        spread(variesOf(other), other.shape, node.shape),
      ];
      return {
        factor,
        name: `${node.op.name}(${name} ${flags(own)}, ${id(other)})`,
        varies: either(own, others),
      };
    });
  switch (node.op.name) {
    case 'reshape':
      return a.map((t) => reshaped(t, x.shape, node.shape));
    case 'broadcast':
      return a.map((t) => ({ ...t, varies: spread(t.varies, x.shape, node.shape) }));
    case 'contiguous':
      return a;
    case 'transpose': {
      const perm = node.attrs.perm as readonly number[];
      return a.map(({ factor, name, varies }) => {
        const order = perm.filter((axis) => varies[axis]);
        const sorted = order.every((axis, i) => i === 0 || order[i - 1] < axis);
        const moved = perm.map((axis) => varies[axis]);
        return {
          factor,
          name: sorted ? name : `transpose(${name} ${flags(varies)}, ${perm})`,
          varies: moved,
        };
      });
    }
    case 'neg':
      return scaled(a, -1);
    case 'add':
    case 'sub': {
      const left = a.map((t) => ({ ...t, varies: spread(t.varies, x.shape, node.shape) }));
      const right = b.map((t) => ({ ...t, varies: spread(t.varies, y.shape, node.shape) }));
      return collected([...left, ...scaled(right, node.op.name === 'sub' ? -1 : 1)]);
    }
    case 'mul': {
      if (a.length && b.length) return 'unknown';
      const [terms, self, other] = a.length ? [a, x, y] : [b, y, x];
      const number = numberIn(other);
      const wide = (t: Term) => ({ ...t, varies: spread(t.varies, self.shape, node.shape) });
      return number === undefined ? linear(terms, self, other) : scaled(terms.map(wide), number);
    }
    case 'div': {
      if (b.length) return 'unknown';
      const number = numberIn(y);
      const wide = (t: Term) => ({ ...t, varies: spread(t.varies, x.shape, node.shape) });
      return number === undefined ? linear(a, x, y) : scaled(a.map(wide), 1 / number);
    }
    case 'sum': {
      const axes = node.attrs.axes as readonly number[];
      return a.map(({ factor, name, varies }) => {
        const over = axes.filter((axis) => varies[axis]);
        const repeats = axes.filter((axis) => !varies[axis]).reduce((n, axis) => n * x.shape[axis], 1);
        return {
          factor: factor * repeats,
          name: over.length ? `sum(${name} ${flags(varies)}, ${over})` : name,
          varies: varies.map((v, axis) => v && !axes.includes(axis)),
        };
      });
    }
    case 'max':
    case 'nanmax': {
      const axes = node.attrs.axes as readonly number[];
      return a.some(({ varies }) => axes.some((axis) => varies[axis])) ? 'unknown' : a;
    }
    case 'matmul': {
      if (a.length && b.length) return 'unknown';
      return product(node, a.length ? a : b, a.length > 0, id, variesOf);
    }
    case 'gather': {
      if (b.length) return 'unknown';
      const rank = y.shape.length;
      return a.map(({ factor, name, varies }) => ({
        factor,
        name: varies[0] ? `gather(${name} ${flags(varies)}, ${id(y)})` : name,
        varies: [
          ...y.shape.map((n) => varies[0] && n !== 1),
          ...node.shape.slice(rank).map((_, i) => varies[i + 1]),
        ],
      }));
    }
    case 'slice':
      return a.map(({ factor, name, varies }) => ({
        factor,
        name: `slice(${name} ${flags(varies)}, ${attrs})`,
        varies,
      }));
    default:
      return 'unknown';
  }
}

/** x W, where one side is shifted: along the other side's outer axis the result varies as that side does. */
function product(
  node: Node,
  terms: readonly Term[],
  isLeft: boolean,
  id: Context['id'],
  variesOf: Context['variesOf'],
): Term[] {
  const [x, w] = node.inputs;
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
    const [x] = node.inputs;
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
          if (node.op.name === 'broadcast') return spread(of[0], x.shape, node.shape);
          if (node.op.name === 'transpose')
            return (node.attrs.perm as readonly number[]).map((axis) => of[0][axis]);
          if (node.op.name === 'reshape')
            return reshaped({ factor: 1, name: '', varies: of[0] }, x.shape, node.shape).varies;
          return of[0];
        default:
          return numberIn(node) === undefined ? node.shape.map((n) => n !== 1) : node.shape.map(() => false);
      }
    };
    found.set(node, along());
  }
  return found;
}

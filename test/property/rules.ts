import { evaluateNode } from '../../src/graph/evaluate.js';
import type { Node } from '../../src/graph/graph.js';
import { eachRun } from '../../src/ops/loops.js';
import { type MatmulAttrs, matmulSizes } from '../../src/ops/matmul.js';
import type { Elements, Op, Value } from '../../src/ops/op.js';
import { numel, type Shape } from '../../src/shape.js';
import type { Bounded } from './bounds.js';

/** Half the distance from 1 to the next float32: no operation rounds by more, relative to its result. */
const ROUND = 2 ** -24;
/** What a function of the vector math may be off by for each unit of its rule: two of the last places. */
const UNIT = 2 ** -22;
/** The smallest float32 above 0, which a product that underflows is off by at most. */
const LEAST = 2 ** -149;
/** From here on float32 has Infinity. */
export const LARGEST = 2 ** 128 * (1 - ROUND);

interface Context {
  readonly node: Node;
  readonly inputs: readonly Bounded[];
  /** The result of float32 on the values of the inputs; of sums, functions and products of matrices, the closest to it. */
  readonly value: Value;
  /** The same in float64, before it is rounded. */
  readonly unrounded: Elements;
  readonly values: ReadonlyMap<Node, Bounded>;
}

interface Bounds {
  readonly error: Float64Array;
}

/** Bounds of a node's result from those of its inputs. */
export type Rule = (context: Context) => Bounds;

const absolute = (x: Elements) => Float64Array.from(x, Math.abs);
const constant = (value: Value, x: number) => new Float64Array(value.data.length).fill(x);

/** The op on other numbers than those of its inputs: what it does to errors, if it only moves or adds. */
function applied(node: Node, inputs: readonly Value[]): Float64Array {
  return Float64Array.from(evaluateNode(node, inputs, 'float64').data);
}

const withData = (x: Bounded, data: Elements): Value => ({ shape: x.shape, dtype: 'f32', data });

/** Moves elements about, errors with them. */
const moves: Rule = ({ node, inputs }) => ({
  error: applied(
    node,
    inputs.map((x) => withData(x, x.error)),
  ),
});

/** Rows of a table; which one it is must be certain for anything to be known of it. */
const gather: Rule = ({ node, inputs: [table, ids] }) => {
  const error = applied(node, [withData(table, table.error), ids]);
  const width = error.length / Math.max(1, ids.data.length);
  return {
    error: error.map((e, i) => (ids.error[Math.floor(i / width)] === 0 ? e : Number.POSITIVE_INFINITY)),
  };
};

const sure = (value: Value): Bounds => ({ error: constant(value, 0) });

/** Elements of x as the broadcast to `shape` has them. */
function spread(x: Elements, from: Shape, shape: Shape): Elements {
  if (x.length === numel(shape)) return x;
  const out = new Float64Array(numel(shape));
  eachRun(shape, [{ shape: from, dtype: 'f32', data: x }], (o, n, at, by) => {
    for (let i = 0; i < n; i++) out[o + i] = x[at[0] + i * by[0]];
  });
  return out;
}

interface Operand {
  readonly v: Elements;
  readonly e: Elements;
}

const operands = ({ inputs, value }: Context): Operand[] =>
  inputs.map((x) => ({
    v: spread(x.data, x.shape, value.shape),
    e: spread(x.error, x.shape, value.shape),
  }));

/**
 * One operation on each element, rounded once. Of operands without error the result is known to the bit, since no pass
 * may change one; else it is off by what the operands are (`inherited`), and both results are rounded.
 */
function algebra(inherited: (i: number, a: Operand, b: Operand) => number): Rule {
  return (context) => {
    const { node, inputs, value } = context;
    const [a, b = a] = operands(context);
    if (value.dtype !== 'f32') return { error: constant(value, 0).map((_, i) => inherited(i, a, b)) };
    const error = constant(value, 0).map((_, i) => {
      const v = value.data[i];
      if (!Number.isFinite(v)) return cornersAgree(node, [a, b].slice(0, inputs.length), i, v);
      if (a.e[i] === 0 && b.e[i] === 0) return 0;
      const e = inherited(i, a, b);
      return e + 2 * ROUND * (Math.abs(v) + e) + LEAST;
    });
    return { error };
  };
}

/** 0 if all that the operands can be gives the very same infinity or no number, else infinite. */
function cornersAgree(node: Node, [a, b]: readonly Operand[], i: number, v: number): number {
  const scalar = (data: number): Value => ({ shape: [], dtype: 'f32', data: Float64Array.of(data) });
  const ends = ({ v: x, e }: Operand) => (e[i] === 0 ? [x[i]] : [x[i] - e[i], x[i] + e[i]]);
  // The sign of a zero is not kept everywhere.
  if (node.op.name === 'div' && b.v[i] === 0 && a.v[i] !== 0) return Number.POSITIVE_INFINITY;
  for (const p of ends(a)) {
    for (const q of b ? ends(b) : [0]) {
      const at = evaluateNode(node, b ? [scalar(p), scalar(q)] : [scalar(p)], 'float64').data[0];
      if (!Object.is(Math.fround(at), v)) return Number.POSITIVE_INFINITY;
    }
  }
  return 0;
}

const sumOfErrors = (i: number, a: Operand, b: Operand) => a.e[i] + b.e[i];

/** A function that rises or falls: its error is what the ends of the interval show, and its own in units. */
const monotone =
  (units: number): Rule =>
  (context) => {
    const { node, inputs, value, unrounded } = context;
    const [x] = inputs;
    const at = (sign: number) =>
      applied(node, [
        withData(
          x,
          Float64Array.from(x.data, (v, i) => v + sign * x.error[i]),
        ),
      ]).map(Math.fround);
    const [low, high] = [at(-1), at(1)];
    const inherited = low.map((v, i) => {
      // It may have overflowed, and become NaN since.
      if (!Number.isFinite(x.error[i])) return Number.POSITIVE_INFINITY;
      const here = value.data[i];
      if (x.error[i] === 0 || (Object.is(v, here) && Object.is(high[i], here))) return 0;
      const most = Math.max(Math.abs(v - here), Math.abs(high[i] - here));
      return Number.isNaN(most) ? Number.POSITIVE_INFINITY : most;
    });
    const error = inherited.map((e, i) => {
      const v = value.data[i];
      if (e === 0 && units === 0) return 0;
      // Just below Infinity, or just above.
      if (Math.abs(Math.abs(unrounded[i]) / LARGEST - 1) < units * UNIT) return Number.POSITIVE_INFINITY;
      return Number.isFinite(v) ? e + (units * UNIT + 2 * ROUND) * (Math.abs(v) + e) + 8 * LEAST : e;
    });
    return { error };
  };

/**
 * Of an elementwise op without a rule of its own: what the bounds that it declares make of operands with their errors, and
 * a unit for the function if it rounds.
 */
const declared: Rule = (context) => {
  const { node, value, unrounded } = context;
  if (value.dtype !== 'f32') return sure(value);
  const all = operands(context);
  const { interval, exact } = node.op;
  const error = constant(value, 0).map((_, i) => {
    const v = value.data[i];
    let inherited = 0;
    if (all.some(({ e }) => e[i] !== 0)) {
      if (!all.every(({ e }) => Number.isFinite(e[i]))) return Number.POSITIVE_INFINITY;
      const { lo, hi } = interval!(
        all.map(({ v: x, e }) => ({ lo: x[i] - e[i], hi: x[i] + e[i] })),
        node,
      );
      const ends = [lo, hi].map(Math.fround);
      if (!ends.every((end) => Object.is(end, v)))
        inherited = Math.max(...ends.map((end) => Math.abs(end - v)));
      if (Number.isNaN(inherited)) return Number.POSITIVE_INFINITY;
    }
    if (exact) return inherited;
    // Just below Infinity, or just above.
    if (Math.abs(Math.abs(unrounded[i]) / LARGEST - 1) < UNIT) return Number.POSITIVE_INFINITY;
    return Number.isFinite(v) ? inherited + UNIT * (Math.abs(v) + inherited) + 8 * LEAST : inherited;
  });
  return { error };
};

/** A function that never takes two numbers further apart. `exactly`: it does not round either. */
const contraction =
  (exactly: boolean): Rule =>
  ({ inputs: [x], value }) => {
    if (value.dtype !== 'f32') return sure(value);
    const error = x.error.map((e, i) =>
      exactly || !Number.isFinite(value.data[i]) ? e : e + UNIT * Math.abs(value.data[i]) + 8 * LEAST,
    );
    return { error };
  };

const neg: Rule = ({ inputs: [x] }) => ({ error: x.error });

/** Whichever of several is taken, by size, is no further off than they are. */
const extreme: Rule = (context) => {
  const all = operands(context);
  return { error: constant(context.value, 0).map((_, i) => Math.max(...all.map(({ e }) => e[i]))) };
};

/** A truth value may be the other one where the operands are too close to tell. */
const comparison: Rule = (context) => {
  const { node, inputs, value, values } = context;
  const [a, b] = operands(context);
  const error = constant(value, 0).map((_, i) => {
    const off = a.e[i] + b.e[i];
    return off === 0 || Math.abs(a.v[i] - b.v[i]) > off ? 0 : 1;
  });
  const [x, most] = node.inputs;
  const isMaximum =
    node.op.name === 'equal' && ['max', 'nanmax'].includes(most.op.name) && most.inputs[0] === x;
  if (isMaximum && inputs[0].data.length === error.length) {
    // The one element that can be the maximum is it, whatever its error.
    const sums = countAlong(most, values.get(x)!.shape, error);
    const counts = spread(sums, most.shape, value.shape);
    error.forEach((e, i) => {
      if (e === 1 && counts[i] === 1) error[i] = 0;
    });
  }
  return { error };
};

/** Sums of x along the axes that a reduction folds. */
function countAlong(reduction: Node, shape: Shape, x: Elements): Float64Array {
  const out = new Float64Array(numel(reduction.shape));
  eachRun(shape, [{ shape: reduction.shape, dtype: 'f32', data: out }], (o, n, at, by) => {
    for (let i = 0; i < n; i++) out[at[0] + i * by[0]] += x[o + i];
  });
  return out;
}

const where: Rule = (context) => {
  const [c, a, b] = operands(context);
  const { value } = context;
  const error = constant(value, 0);
  for (let i = 0; i < error.length; i++) {
    const [chosen, other] = c.v[i] ? [a, b] : [b, a];
    error[i] = chosen.e[i];
    if (c.e[i] === 0) continue;
    const apart = Math.abs(other.v[i] - chosen.v[i]) + other.e[i];
    error[i] = Number.isNaN(apart) ? Number.POSITIVE_INFINITY : Math.max(error[i], apart);
  }
  return { error };
};

const cast: Rule = ({ inputs: [x], value, node }) => {
  const from = node.inputs[0].dtype;
  if (from === value.dtype || (from === 'bool' && value.dtype === 'f32')) return { error: x.error };
  if (from !== 'f32') return { error: x.error.slice() };
  const to = (v: number) =>
    evaluateNode(node, [{ shape: [], dtype: from, data: Float64Array.of(v) }], 'float64').data[0];
  const error = x.error.map((e, i) =>
    Math.max(to(x.data[i] + e) - value.data[i], value.data[i] - to(x.data[i] - e)),
  );
  return { error };
};

/**
 * A sum of products of the inputs, linear in each, added up in any order: off by what the terms are, and by a rounding
 * of every partial sum, none of which is larger than the sum of the terms' sizes. What the terms are made of does not
 * count: a difference of large sums is not what the sum of small differences may become.
 */
function multilinear(
  terms: (context: Context) => number,
  parts: (inputs: readonly Bounded[]) => Value[][],
  /** The place of the last bit that a term has. */
  place: (inputs: readonly Bounded[]) => number,
): Rule {
  return (context) => {
    const { node, inputs, value, unrounded } = context;
    if (value.dtype !== 'f32') return sure(value);
    const sizes = (keep: (v: number) => number) =>
      applied(
        node,
        inputs.map((x) => (x.dtype === 'f32' ? withData(x, Float64Array.from(x.data, keep)) : x)),
      );
    const mass = sizes((v) => (Number.isFinite(v) ? Math.abs(v) : 0));
    const inherited = constant(value, 0);
    for (const part of parts(inputs)) {
      applied(node, part).forEach((e, i) => {
        inherited[i] += e;
      });
    }
    const count = terms(context) + 1;
    const last = place(inputs);
    const certain = inputs.every((x) => x.error.every((e) => e === 0));
    const error = inherited.map((e, i) => {
      const v = unrounded[i];
      if (!Number.isFinite(v)) return certain && mass[i] < LARGEST ? 0 : Number.POSITIVE_INFINITY;
      if (e === 0 && mass[i] <= 2 ** (24 + last)) return 0;
      const off = e + count * (ROUND * (mass[i] + e) + LEAST);
      if (mass[i] + off < LARGEST) return off;
      // Terms of one sign overflow in any order.
      const overflows = Math.abs(v) > mass[i] * (1 - 1e-9) && Math.abs(v) - off > LARGEST;
      return overflows ? 0 : Number.POSITIVE_INFINITY;
    });
    return { error };
  };
}

/** The place of the last bit that any element has: sums that stay below 2^24 times it are exact in any order. */
function lastPlace(x: Bounded): number {
  let least = Number.POSITIVE_INFINITY;
  const float = Float32Array.of(0);
  const bits = new Int32Array(float.buffer);
  for (const v of x.data) {
    if (v === 0 || !Number.isFinite(v)) continue;
    float[0] = v;
    const exponent = (bits[0] >>> 23) & 255;
    const digits = exponent ? (bits[0] & 0x7fffff) | 0x800000 : bits[0] & 0x7fffff;
    least = Math.min(least, Math.max(exponent, 1) - 150 + 31 - Math.clz32(digits & -digits));
  }
  return Math.min(least, 127);
}

const sum = multilinear(
  ({ node, value }) => numel(node.inputs[0].shape) / Math.max(1, value.data.length),
  ([x]) => [[withData(x, x.error)]],
  ([x]) => lastPlace(x),
);

const matmul = multilinear(
  ({ node }) =>
    matmulSizes(node.inputs[0].shape, node.inputs[1].shape, node.attrs as unknown as MatmulAttrs).k,
  ([a, b]) => [
    [
      withData(a, a.error),
      withData(
        b,
        absolute(b.data).map((v, i) => v + b.error[i]),
      ),
    ],
    [withData(a, absolute(a.data)), withData(b, b.error)],
  ],
  ([a, b]) => {
    const last = lastPlace(a) + lastPlace(b);
    return last < -149 ? Number.NEGATIVE_INFINITY : last;
  },
);

const scatterAdd = multilinear(
  ({ inputs: [, ids] }) => 1 + ids.data.length,
  ([base, ids, updates]) => [[withData(base, base.error), ids, withData(updates, updates.error)]],
  ([base, , updates]) => Math.min(lastPlace(base), lastPlace(updates)),
);

const sumRepeats = multilinear(
  ({ inputs: [ids] }) => ids.data.length,
  ([ids, updates]) => [[ids, withData(updates, updates.error)]],
  ([, updates]) => lastPlace(updates),
);

/** The largest of some numbers is no further off than the furthest of them. */
const max: Rule = ({ node, inputs: [x] }) => ({ error: applied(node, [withData(x, x.error)]) });

/** Rules of ops; an elementwise one that declares its bounds can do without. */
const rules: Readonly<Record<string, Rule>> = {
  ...{
    reshape: moves,
    transpose: moves,
    broadcast: moves,
    slice: moves,
    pad: moves,
    concat: moves,
    window: moves,
  },
  ...{ stop_gradient: moves, contiguous: moves, gather },
  // Exact, of integers without error.
  random: ({ value }: Context) => sure(value),
  ...{ index: neg, iota: ({ value }: Context) => sure(value) },
  ...{ exp: monotone(1), log: monotone(1), sqrt: monotone(0), rsqrt: monotone(1) },
  // tanh is within 6.2 ulp.
  ...{ tanh: monotone(1.6), sigmoid: monotone(1), erf: monotone(1) },
  ...{ relu: contraction(true), abs: contraction(true), sin: contraction(false), cos: contraction(false) },
  neg,
  add: algebra(sumOfErrors),
  sub: algebra(sumOfErrors),
  mul: algebra((i, a, b) => Math.abs(a.v[i]) * b.e[i] + a.e[i] * Math.abs(b.v[i]) + a.e[i] * b.e[i]),
  div: algebra((i, a, b) => {
    const least = Math.abs(b.v[i]) - b.e[i];
    // The sign of a zero is not kept everywhere.
    if (!(least > 0)) return Number.POSITIVE_INFINITY;
    return (a.e[i] + Math.abs(a.v[i] / b.v[i]) * b.e[i]) / least;
  }),
  ...{
    maximum: extreme,
    minimum: extreme,
    where,
    cast,
    sum,
    max,
    nanmax: max,
    matmul,
    scatter_add: scatterAdd,
    sum_repeats: sumRepeats,
  },
  ...{ equal: comparison, not_equal: comparison, less: comparison },
  ...{ less_equal: comparison, greater: comparison, greater_equal: comparison },
};

export function ruleOf({ name, lower, interval }: Op): Rule | undefined {
  return rules[name] ?? (lower.kind === 'elementwise' && interval ? declared : undefined);
}

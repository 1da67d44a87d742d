import { evaluateNode } from '../../src/graph/evaluate.js';
import type { Node } from '../../src/graph/graph.js';
import { eachRun } from '../../src/ops/loops.js';
import { type MatmulAttrs, matmulSizes } from '../../src/ops/matmul.js';
import type { Elements, Value } from '../../src/ops/op.js';
import { numel, type Shape } from '../../src/shape.js';
import type { Bounded } from './bounds.js';

/** Four times float32's unit roundoff, which leaves room for rewritten formulas and for functions within 4 ulp. */
const UNIT = 2 ** -22;
/** Below the normal numbers float32 has fewer digits. */
const TINY = 2 ** -124;

interface Context {
  readonly node: Node;
  readonly inputs: readonly Bounded[];
  /** The result in float64. */
  readonly value: Value;
  readonly values: ReadonlyMap<Node, Bounded>;
}

type Bounds = Pick<Bounded, 'error' | 'mass' | 'length'>;

/** Bounds of a node's result from those of its inputs. */
export type Rule = (context: Context) => Bounds;

/**
 * How float32 can differ from `value`, given what comes from the inputs alone, and the terms that are summed. `coarse`:
 * whether what element i is made of is coarse; a sum of other numbers may be coarse by chance, and round on the way.
 */
function rounded(
  inherited: Float64Array,
  value: Elements,
  mass: Float64Array,
  length: number,
  coarse: (i: number) => boolean,
): Float64Array {
  return inherited.map((e, i) => {
    if (e === 0 && coarse(i) && isCoarse(value[i]) && isCoarse(mass[i])) return 0;
    return e + UNIT * length * mass[i] + TINY;
  });
}

/** A small multiple of 1/256: sums and products of such numbers are the same in any order. */
function isCoarse(x: number): boolean {
  return Number.isInteger(x * 256) && Math.abs(x) < 2 ** 15;
}

const absolute = (x: Elements) => Float64Array.from(x, Math.abs);
const longest = (inputs: readonly Bounded[]) => inputs.reduce((n, x) => Math.max(n, x.length), 1);
const constant = (value: Value, x: number) => new Float64Array(value.data.length).fill(x);

/** The op on other numbers than those of its inputs: what it does to errors, if it only moves or adds. */
function applied(node: Node, inputs: readonly Value[]): Float64Array {
  return Float64Array.from(evaluateNode(node, inputs, 'float64').data);
}

const withData = (x: Bounded, data: Elements): Value => ({ shape: x.shape, dtype: 'f32', data });

/** Moves elements about, errors with them. Integers have no errors. */
const moves: Rule = ({ node, inputs, value }) => {
  if (value.dtype !== 'f32') return sure(value, inputs);
  const part = (of: 'error' | 'mass') =>
    applied(
      node,
      inputs.map((x) => (x.dtype === 'f32' ? withData(x, x[of]) : x)),
    );
  return { error: part('error'), mass: part('mass'), length: longest(inputs) };
};

const sure = (value: Value, inputs: readonly Bounded[] = []): Bounds => ({
  ...{ error: constant(value, 0), mass: absolute(value.data), length: longest(inputs) },
});

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
  readonly m: Elements;
}

const operands = ({ inputs, value }: Context): Operand[] =>
  inputs.map((x) => ({
    v: spread(x.data, x.shape, value.shape),
    e: spread(x.error, x.shape, value.shape),
    m: spread(x.mass, x.shape, value.shape),
  }));

/** A sum or product: `inherited` and `mass` of element i, rounded once; integers are sure. */
function algebra(
  inherited: (i: number, a: Operand, b: Operand) => number,
  mass: (i: number, a: Operand, b: Operand) => number,
): Rule {
  return (context) => {
    const { node, inputs, value } = context;
    if (value.dtype !== 'f32') return sure(value);
    const [a, b = a] = operands(context);
    const errors = new Float64Array(value.data.length).map((_, i) => inherited(i, a, b));
    const masses = errors.map((_, i) => mass(i, a, b));
    const length = longest(inputs);
    const coarse = (i: number) => isCoarse(a.v[i]) && isCoarse(b.v[i]);
    const error = rounded(errors, value.data, masses, length, coarse);
    value.data.forEach((v, i) => {
      if (!Number.isFinite(v)) error[i] = cornersAgree(node, [a, b].slice(0, inputs.length), i, v);
    });
    return { error, mass: masses, length };
  };
}

/** 0 if all that the operands can be gives the very same infinity or no number, else infinite. */
function cornersAgree(node: Node, [a, b]: readonly Operand[], i: number, v: number): number {
  const scalar = (data: number): Value => ({ shape: [], dtype: 'f32', data: Float64Array.of(data) });
  const ends = ({ v: x, e }: Operand) => (e[i] === 0 ? [x[i]] : [x[i] - e[i], x[i] + e[i]]);
  for (const p of ends(a)) {
    for (const q of b ? ends(b) : [0]) {
      const at = evaluateNode(node, b ? [scalar(p), scalar(q)] : [scalar(p)], 'float64').data[0];
      if (!Object.is(at, v)) return Number.POSITIVE_INFINITY;
    }
  }
  return 0;
}

const sumOfErrors = (i: number, a: Operand, b: Operand) => a.e[i] + b.e[i];

/** A function that rises or falls: its error is what the ends of the interval show, and its own in units. */
const monotone =
  (units: number): Rule =>
  (context) => {
    const { node, inputs, value } = context;
    const [x] = inputs;
    const at = (sign: number) =>
      applied(node, [
        withData(
          x,
          Float64Array.from(x.data, (v, i) => v + sign * x.error[i]),
        ),
      ]);
    const [low, high] = [at(-1), at(1)];
    const inherited = low.map((v, i) => {
      // It may have overflowed, and become NaN since.
      if (!Number.isFinite(x.error[i])) return Number.POSITIVE_INFINITY;
      const here = value.data[i];
      if (x.error[i] === 0 || (Object.is(v, here) && Object.is(high[i], here))) return 0;
      const most = Math.max(Math.abs(v - here), Math.abs(high[i] - here));
      return Number.isNaN(most) ? Number.POSITIVE_INFINITY : most;
    });
    const mass = absolute(value.data);
    const error = inherited.map((e, i) =>
      Number.isFinite(value.data[i]) ? e + units * UNIT * mass[i] + TINY : e,
    );
    return { error, mass, length: 1 };
  };

/** A function that never takes two numbers further apart. `exactly`: it does not round either. */
const contraction =
  (exactly: boolean): Rule =>
  ({ inputs: [x], value }) => {
    if (value.dtype !== 'f32') return sure(value);
    const mass = absolute(value.data);
    const error = x.error.map((e, i) =>
      exactly || !Number.isFinite(value.data[i]) ? e : e + UNIT * mass[i] + TINY,
    );
    return { error, mass, length: 1 };
  };

const neg: Rule = ({ inputs: [x], value }) =>
  value.dtype === 'f32' ? { error: x.error, mass: x.mass, length: x.length } : sure(value);

/** The larger or smaller of two is no further off than the two are. */
const extreme: Rule = (context) => {
  if (context.value.dtype !== 'f32') return sure(context.value);
  const [a, b] = operands(context);
  return {
    ...{ mass: absolute(context.value.data), length: 1 },
    error: constant(context.value, 0).map((_, i) => Math.max(a.e[i], b.e[i])),
  };
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
  return { error, mass: constant(value, 1), length: 1 };
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
  const { value, inputs } = context;
  const mass = constant(value, 0);
  const error = constant(value, 0);
  for (let i = 0; i < error.length; i++) {
    const [chosen, other] = c.v[i] ? [a, b] : [b, a];
    error[i] = chosen.e[i];
    mass[i] = chosen.m[i];
    if (c.e[i] === 0) continue;
    const apart = Math.abs(other.v[i] - chosen.v[i]) + other.e[i];
    error[i] = Number.isNaN(apart) ? Number.POSITIVE_INFINITY : Math.max(error[i], apart);
    mass[i] = Math.max(mass[i], other.m[i]);
  }
  return { error, mass, length: longest(inputs) };
};

const cast: Rule = ({ inputs: [x], value, node }) => {
  const from = node.inputs[0].dtype;
  if (from === value.dtype || (from === 'bool' && value.dtype === 'f32'))
    return { error: x.error, mass: absolute(value.data), length: x.length };
  if (from !== 'f32') return { ...sure(value), error: x.error.slice() };
  const to = (v: number) =>
    evaluateNode(node, [{ shape: [], dtype: from, data: Float64Array.of(v) }], 'float64').data[0];
  const error = x.error.map((e, i) =>
    Math.max(to(x.data[i] + e) - value.data[i], value.data[i] - to(x.data[i] - e)),
  );
  return { ...sure(value), error };
};

/** A sum of products of the inputs, linear in each: in any order, with or without fused multiply-add. */
function multilinear(
  terms: (context: Context) => number,
  parts: (inputs: readonly Bounded[]) => Value[][],
): Rule {
  return (context) => {
    const { node, inputs, value } = context;
    if (value.dtype !== 'f32') return sure(value);
    const floats = inputs.map((x) => (x.dtype === 'f32' ? withData(x, x.mass) : x));
    const mass = applied(node, floats);
    const inherited = constant(value, 0);
    for (const part of parts(inputs)) {
      applied(node, part).forEach((e, i) => {
        inherited[i] += e;
      });
    }
    const length = longest(inputs) + terms(context);
    const coarse = inputs.every((x) => x.data.every(isCoarse));
    const error = rounded(inherited, value.data, mass, length, () => coarse);
    value.data.forEach((v, i) => {
      if (!Number.isFinite(v)) error[i] = inputs.every((x) => x.error.every((e) => e === 0)) ? 0 : Infinity;
    });
    return { error, mass, length };
  };
}

const sum = multilinear(
  ({ node, value }) => numel(node.inputs[0].shape) / Math.max(1, value.data.length),
  ([x]) => [[withData(x, x.error)]],
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
);

const scatterAdd = multilinear(
  ({ inputs: [, ids] }) => 1 + ids.data.length,
  ([base, ids, updates]) => [[withData(base, base.error), ids, withData(updates, updates.error)]],
);

const sumRepeats = multilinear(
  ({ inputs: [ids] }) => ids.data.length,
  ([ids, updates]) => [[ids, withData(updates, updates.error)]],
);

/** The largest of some numbers is no further off than the furthest of them. */
const max: Rule = ({ node, inputs: [x], value }) =>
  value.dtype === 'f32'
    ? { error: applied(node, [withData(x, x.error)]), mass: absolute(value.data), length: 1 }
    : sure(value);

/** One rule for each op of the table. */
export const rules: Readonly<Record<string, Rule>> = {
  ...{ reshape: moves, transpose: moves, broadcast: moves, slice: moves, pad: moves, concat: moves },
  ...{ stop_gradient: moves, contiguous: moves, gather: moves },
  // Exact, of integers without error.
  random: ({ value }: Context) => sure(value),
  ...{ index: ({ value }: Context) => sure(value), iota: ({ value }: Context) => sure(value) },
  ...{ exp: monotone(1), log: monotone(1), sqrt: monotone(1), rsqrt: monotone(1) },
  // tanh is within 6.2 ulp.
  ...{ tanh: monotone(1.6), sigmoid: monotone(1), erf: monotone(1) },
  ...{ relu: contraction(true), abs: contraction(true), sin: contraction(false), cos: contraction(false) },
  neg,
  add: algebra(sumOfErrors, (i, a, b) => a.m[i] + b.m[i]),
  sub: algebra(sumOfErrors, (i, a, b) => a.m[i] + b.m[i]),
  mul: algebra(
    (i, a, b) => Math.abs(a.v[i]) * b.e[i] + a.e[i] * Math.abs(b.v[i]) + a.e[i] * b.e[i],
    (i, a, b) => a.m[i] * b.m[i],
  ),
  div: algebra(
    (i, a, b) => {
      const least = Math.abs(b.v[i]) - b.e[i];
      // The sign of a zero is not kept everywhere.
      if (!(least > 0)) return Number.POSITIVE_INFINITY;
      return (a.e[i] + Math.abs(a.v[i] / b.v[i]) * b.e[i]) / least;
    },
    (i, a, b) => a.m[i] / Math.max(0, Math.abs(b.v[i]) - b.e[i]),
  ),
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

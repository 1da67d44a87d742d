import { DTypeError } from '../errors.js';
import { broadcastShapes, type DType, requireDType, type TensorType } from '../shape.js';
import { hull, type Interval, rising } from './interval.js';
import { eachRun } from './loops.js';
import type { OnnxRule } from './onnx.js';
import { defineOp, type Elements, type Op } from './op.js';
import { binaryType, pair } from './pointwise.js';
import { sumTo } from './reduce.js';
import { apply, type Tensor, type TensorLike, toTensor } from './tensor.js';

type None = Record<never, never>;
type Run = (o: number, n: number, i: number, di: number, j: number, dj: number) => void;

function comparison(
  name: string,
  vector: string,
  onnx: OnnxRule<None>,
  loop: (a: Elements, b: Elements, out: Elements) => Run,
): (a: TensorLike, b: TensorLike) => Tensor {
  const op: Op<None> = defineOp<None>({
    name,
    type: ([a, b]) => ({ ...binaryType(name, a, b, ['f32', 'i32']), dtype: 'bool' }),
    vjp: null,
    onnx,
    ...((vector === 'eq' || vector === 'ne') && { commutative: true }),
    // NaN may stand beside the bounds of floats.
    interval: ([a, b], { inputs: [x] }) => (x.dtype === 'i32' ? certain(vector, a, b) : EITHER),
    reference([a, b], _, out) {
      const run = loop(a.data, b.data, out.data);
      eachRun(out.shape, [a, b], (o, n, at, by) => run(o, n, at[0], by[0], at[1], by[1]));
    },
    lower: {
      kind: 'elementwise',
      cost: 1,
      emit: ([a, b], from) => {
        const signed = from === 'i32' && vector !== 'eq' && vector !== 'ne' ? '_s' : '';
        return `${from === 'i32' ? 'i32x4' : 'f32x4'}.${vector}${signed}(${a}, ${b})`;
      },
    },
  });
  return (a, b) => apply(op, pair(a, b), {});
}

const EITHER: Interval = { lo: 0, hi: 1 };

/** What a comparison says of all numbers within bounds, if it is the same. */
function certain(vector: string, a: Interval, b: Interval): Interval {
  const isTrue = {
    eq: a.lo === a.hi && b.lo === b.hi && a.lo === b.lo,
    ne: a.hi < b.lo || b.hi < a.lo,
    lt: a.hi < b.lo,
    le: a.hi <= b.lo,
    gt: a.lo > b.hi,
    ge: a.lo >= b.hi,
  };
  const opposite = { eq: 'ne', ne: 'eq', lt: 'ge', le: 'gt', gt: 'le', ge: 'lt' } as const;
  const kind = vector as keyof typeof isTrue;
  return { lo: isTrue[kind] ? 1 : 0, hi: isTrue[opposite[kind]] ? 0 : 1 };
}

/**
 * a == b, as bool.
 * @example
 * ```ts
 * import { equal, tensor } from '2headgrad';
 * console.log(equal(tensor([1, 2]), 2)); // Tensor bool[2] [0, 1]
 * ```
 */
export const equal = comparison('equal', 'eq', 'Equal', (a, b, out) => (o, n, i, di, j, dj) => {
  for (const end = o + n; o < end; o++, i += di, j += dj) out[o] = a[i] === b[j] ? 1 : 0;
});
/**
 * a != b, as bool.
 * @example
 * ```ts
 * import { notEqual, tensor } from '2headgrad';
 * console.log(notEqual(tensor([1, 2]), 2)); // Tensor bool[2] [1, 0]
 * ```
 */
export const notEqual = comparison(
  'not_equal',
  'ne',
  (to, of) => to.node('Not', [to.node('Equal', of)]),
  (a, b, out) => (o, n, i, di, j, dj) => {
    for (const end = o + n; o < end; o++, i += di, j += dj) out[o] = a[i] !== b[j] ? 1 : 0;
  },
);
/**
 * a < b, as bool.
 * @example
 * ```ts
 * import { less, tensor } from '2headgrad';
 * console.log(less(tensor([1, 2]), 2)); // Tensor bool[2] [1, 0]
 * ```
 */
export const less = comparison('less', 'lt', 'Less', (a, b, out) => (o, n, i, di, j, dj) => {
  for (const end = o + n; o < end; o++, i += di, j += dj) out[o] = a[i] < b[j] ? 1 : 0;
});
/**
 * a <= b, as bool.
 * @example
 * ```ts
 * import { lessEqual, tensor } from '2headgrad';
 * console.log(lessEqual(tensor([1, 2]), 2)); // Tensor bool[2] [1, 1]
 * ```
 */
export const lessEqual = comparison(
  'less_equal',
  'le',
  'LessOrEqual',
  (a, b, out) => (o, n, i, di, j, dj) => {
    for (const end = o + n; o < end; o++, i += di, j += dj) out[o] = a[i] <= b[j] ? 1 : 0;
  },
);
/**
 * a > b, as bool.
 * @example
 * ```ts
 * import { greater, tensor } from '2headgrad';
 * console.log(greater(tensor([1, 2]), 1)); // Tensor bool[2] [0, 1]
 * ```
 */
export const greater = comparison('greater', 'gt', 'Greater', (a, b, out) => (o, n, i, di, j, dj) => {
  for (const end = o + n; o < end; o++, i += di, j += dj) out[o] = a[i] > b[j] ? 1 : 0;
});
/**
 * a >= b, as bool.
 * @example
 * ```ts
 * import { greaterEqual, tensor } from '2headgrad';
 * console.log(greaterEqual(tensor([1, 2]), 2)); // Tensor bool[2] [0, 1]
 * ```
 */
export const greaterEqual = comparison(
  'greater_equal',
  'ge',
  'GreaterOrEqual',
  (a, b, out) => (o, n, i, di, j, dj) => {
    for (const end = o + n; o < end; o++, i += di, j += dj) out[o] = a[i] >= b[j] ? 1 : 0;
  },
);

const whereOp: Op<None> = defineOp<None>({
  name: 'where',
  type([condition, a, b]) {
    requireDType('where', condition, 'bool');
    if (a.dtype !== b.dtype)
      throw new DTypeError(`where: dtypes differ: ${a.dtype} and ${b.dtype} (convert with cast)`);
    return { shape: broadcastShapes('where', [condition.shape, a.shape, b.shape]), dtype: a.dtype };
  },
  vjp({ cotangent: g, inputs: [condition, a, b] }) {
    return [null, sumTo(where(condition, g, 0), a.shape), sumTo(where(condition, 0, g), b.shape)];
  },
  reference([condition, a, b], _, out) {
    const [c, x, y, z] = [condition.data, a.data, b.data, out.data];
    eachRun(out.shape, [condition, a, b], (o, n, at, by) => {
      let [i, j, k] = at;
      for (const end = o + n; o < end; o++, i += by[0], j += by[1], k += by[2]) z[o] = c[i] ? x[j] : y[k];
    });
  },
  exact: true,
  interval: ([, a, b]) => hull([a, b]),
  onnx(to, [c, a, b], { dtype }) {
    if (dtype !== 'bool') return to.node('Where', [c, a, b]);
    // Engines have no Where of bools.
    return to.node('Or', [to.node('And', [c, a]), to.node('And', [to.node('Not', [c]), b])]);
  },
  lower: { kind: 'elementwise', cost: 1, emit: ([c, a, b]) => `v128.bitselect(${a}, ${b}, ${c})` },
});

/**
 * a where the condition (bool) holds, else b; all three broadcast.
 * @example
 * ```ts
 * import { tensor, where } from '2headgrad';
 * const x = tensor([1, -2]);
 * console.log(where(x.greater(0), x, 0)); // Tensor f32[2] [1, 0]
 * ```
 */
export function where(condition: Tensor, a: TensorLike, b: TensorLike): Tensor {
  return apply(whereOp, [toTensor(condition), ...pair(a, b)], {});
}

type CastAttrs = { to: DType };

const castOp: Op<CastAttrs> = defineOp<CastAttrs>({
  name: 'cast',
  type: ([x], { to }): TensorType => ({ shape: x.shape, dtype: to }),
  vjp: ({ cotangent: g, inputs: [x], attrs }) => [x.dtype === 'f32' && attrs.to === 'f32' ? g : null],
  reference([x], { to }, out) {
    if (to === 'bool') for (let i = 0; i < out.data.length; i++) out.data[i] = x.data[i] !== 0 ? 1 : 0;
    else if (to === 'i32') for (let i = 0; i < out.data.length; i++) out.data[i] = saturate(x.data[i]);
    else out.data.set(x.data);
  },
  implied: ({ dtype }) => ({ to: dtype }),
  interval([x], { inputs: [from], attrs: { to } }) {
    if (to === 'bool') return { lo: 0, hi: 1 };
    if (from.dtype !== 'f32' || to === 'f32') return x;
    // 0 is what NaN becomes.
    return hull([rising(saturate)([x]), { lo: 0, hi: 0 }]);
  },
  onnx(to, [x], { inputs: [from], attrs }) {
    if (from.dtype !== 'f32' || attrs.to !== 'i32') return to.cast(x, attrs.to);
    // ONNX leaves open what becomes of NaN and of what is beyond i32; the largest float32 below 2^31 is 2^31 - 128.
    const sound = to.node('Where', [to.node('IsNaN', [x]), to.constant(0, 'f32'), x]);
    const within = to.node('Clip', [
      sound,
      to.constant(-(2 ** 31), 'f32'),
      to.constant(2 ** 31 - 128, 'f32'),
    ]);
    const beyond = to.node('GreaterOrEqual', [x, to.constant(2 ** 31, 'f32')]);
    return to.node('Where', [beyond, to.constant(2 ** 31 - 1, 'i32'), to.cast(within, 'i32')]);
  },
  lower: {
    kind: 'elementwise',
    cost: 1,
    emit([x], from, to) {
      if (from === to) return x;
      if (from === 'bool')
        return to === 'f32' ? `v128.and(${x}, f32x4.splat(1))` : `v128.and(${x}, i32x4.splat(1))`;
      if (to === 'bool')
        return from === 'f32' ? `f32x4.ne(${x}, f32x4.splat(0))` : `i32x4.ne(${x}, i32x4.splat(0))`;
      return to === 'f32' ? `f32x4.convert_i32x4_s(${x})` : `i32x4.trunc_sat_f32x4_s(${x})`;
    },
  },
});

/** Rounds towards zero and stays within i32, as wasm's saturating truncation does; NaN is 0. */
function saturate(x: number): number {
  return Number.isNaN(x) ? 0 : Math.max(-2147483648, Math.min(2147483647, Math.trunc(x)));
}

/**
 * Converts between dtypes; f32 to i32 drops the fraction; bool is 0 or 1. No gradient passes.
 * @example
 * ```ts
 * import { cast, tensor } from '2headgrad';
 * console.log(cast(tensor([1.7, -1.7]), 'i32')); // Tensor i32[2] [1, -1]
 * ```
 */
export function cast(x: Tensor, to: DType): Tensor {
  const t = toTensor(x);
  return t.dtype === to ? t : apply(castOp, [t], { to });
}

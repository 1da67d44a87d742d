import { OptionError } from '../errors.js';
import { broadcastShapes } from '../shape.js';
import { located } from '../source.js';
import { greater, greaterEqual, less, lessEqual, where } from './compare.js';
import { type Bounds, hull, rising } from './interval.js';
import { eachRun } from './loops.js';
import { defineOp, type Elements, numbers, type Op } from './op.js';
import { binaryType, type None, one, unary } from './pointwise.js';
import { sumTo } from './reduce.js';
import { apply, Tensor, type TensorLike, toTensor } from './tensor.js';

// Functions that go in steps or stop at bounds. Where their slope is 0 no gradient passes, as behind a cast.

interface StepRule extends Pick<Op<None>, 'onnx'> {
  f(x: number): number;
  /** Unless given, those of a function that nowhere falls and keeps NaN. */
  interval?: Bounds;
  emit(x: string): string;
  integers?(x: string): string;
}

/** An op that is constant between its jumps. */
function step(name: string, { f, interval = rising(f), ...rule }: StepRule): Op<None> {
  return unary(name, {
    ...rule,
    cost: 1,
    exact: true,
    interval,
    vjp: null,
    loop(x: Elements, out: Elements) {
      for (let i = 0; i < out.length; i++) out[i] = f(x[i]);
    },
  });
}

const floorOp = step('floor', { onnx: 'Floor', f: Math.floor, emit: (x) => `f32x4.floor(${x})` });
const ceilOp = step('ceil', { onnx: 'Ceil', f: Math.ceil, emit: (x) => `f32x4.ceil(${x})` });
const roundOp = step('round', { onnx: 'Round', f: roundToEven, emit: (x) => `f32x4.nearest(${x})` });

/** Math.round goes up from halves. */
function roundToEven(x: number): number {
  return x - Math.floor(x) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x);
}

function signOf(x: number): number {
  return x > 0 ? 1 : x < 0 ? -1 : 0;
}

const signOp = step('sign', {
  f: signOf,
  // NaN, of which ONNX says nothing, becomes 0.
  onnx: (to, [x], { dtype }) =>
    dtype === 'i32'
      ? to.node('Sign', [x])
      : to.node('Sign', [to.node('Where', [to.node('IsNaN', [x]), to.constant(0, 'f32'), x])]),
  // NaN, which no bounds tell of, becomes 0.
  interval: (of) => hull([rising(signOf)(of), { lo: 0, hi: 0 }]),
  emit(x) {
    const where = (test: string) => `v128.and(f32x4.${test}(${x}, f32x4.splat(0)), f32x4.splat(1))`;
    return `f32x4.sub(${where('gt')}, ${where('lt')})`;
  },
  integers: (x) => `i32x4.max_s(i32x4.min_s(${x}, i32x4.splat(1)), i32x4.splat(-1))`,
});

const clampOp: Op<None> = defineOp<None>({
  name: 'clamp',
  type([x, low, high]) {
    for (const bound of [low, high]) binaryType('clamp', x, bound, numbers);
    return { shape: broadcastShapes('clamp', [x.shape, low.shape, high.shape]), dtype: x.dtype };
  },
  // As in PyTorch: an element that is at a bound passes all of its gradient, and the upper bound wins over the lower.
  vjp({ cotangent: g, inputs: [x, low, high] }) {
    const inside = where(greaterEqual(x, low), where(lessEqual(x, high), g, 0), 0);
    const toLow = where(less(x, low), where(less(low, high), g, 0), 0);
    const toHigh = where(greater(x, high), g, where(less(high, low), g, 0));
    return [sumTo(inside, x.shape), sumTo(toLow, low.shape), sumTo(toHigh, high.shape)];
  },
  reference([x, low, high], _, out) {
    const [v, from, to, y] = [x.data, low.data, high.data, out.data];
    eachRun(out.shape, [x, low, high], (o, n, at, by) => {
      let [i, j, k] = at;
      for (const end = o + n; o < end; o++, i += by[0], j += by[1], k += by[2])
        y[o] = clamped(v[i], from[j], to[k]);
    });
  },
  exact: true,
  interval: rising(clamped),
  onnx: (to, [x, low, high], { inputs }) =>
    // Clip takes one number for each bound.
    inputs[1].shape.length + inputs[2].shape.length === 0
      ? to.node('Clip', [x, low, high])
      : to.node('Min', [to.node('Max', [x, low]), high]),
  lower: {
    kind: 'elementwise',
    cost: 6,
    emit([x, low, high], dtype) {
      if (dtype === 'i32') return `i32x4.min_s(i32x4.max_s(${x}, ${low}), ${high})`;
      // pmax and pmin with x first keep its NaN and its -0; all ones, where a bound is NaN, are one.
      const unbounded = `v128.or(f32x4.ne(${low}, ${low}), f32x4.ne(${high}, ${high}))`;
      return `v128.or(f32x4.pmin(f32x4.pmax(${x}, ${low}), ${high}), ${unbounded})`;
    },
  },
});

/** x itself, with the sign of its zero, within the bounds; NaN if any of the three is. */
function clamped(x: number, low: number, high: number): number {
  if (Number.isNaN(low) || Number.isNaN(high)) return Number.NaN;
  const raised = x < low ? low : x;
  return raised > high ? high : raised;
}

/**
 * The largest whole number that is not above x. x: f32; -0 stays, and the gradient is 0, as for the three below.
 * @example
 * ```ts
 * import { floor, tensor } from '2headgrad';
 * console.log(floor(tensor([1.2, -1.2]))); // Tensor f32[2] [1, -2]
 * ```
 */
export const floor = one(floorOp);
/**
 * The smallest whole number that is not below x. x: f32.
 * @example
 * ```ts
 * import { ceil, tensor } from '2headgrad';
 * console.log(ceil(tensor([1.2, -1.2]))); // Tensor f32[2] [2, -1]
 * ```
 */
export const ceil = one(ceilOp);
/**
 * The nearest whole number; of two, the even one, as in PyTorch and NumPy: round(2.5) is 2. x: f32.
 * @example
 * ```ts
 * import { round, tensor } from '2headgrad';
 * console.log(round(tensor([2.5, 3.5, -1.2]))); // Tensor f32[3] [2, 4, -1]
 * ```
 */
export const round = one(roundOp);
/**
 * 1, -1 or 0 for x above, below or at 0; 0 for NaN, as in PyTorch. x: f32 or i32.
 * @example
 * ```ts
 * import { sign, tensor } from '2headgrad';
 * console.log(sign(tensor([-3, 0, 4]))); // Tensor f32[3] [-1, 0, 1]
 * ```
 */
export const sign = one(signOp);

/**
 * x no lower than `low` and no higher than `high`; where low is above high, `high`. x, low, high: f32 or i32, of one
 * dtype, broadcast together; leave out a bound, or give null, for none. NaN stays NaN. The gradient passes for x within
 * or at the bounds, and else goes to the bound, as in PyTorch. An OptionError if there is no bound, or one is NaN.
 *
 * @example
 * ```ts
 * import { clamp, tensor } from '2headgrad';
 * console.log(clamp(tensor([-2, 0.5, 3]), 0, 1)); // Tensor f32[3] [0, 0.5, 1]
 * ```
 */
export function clamp(x: TensorLike, low?: TensorLike | null, high?: TensorLike | null): Tensor {
  const bounds = [low ?? undefined, high ?? undefined];
  if (bounds.every((bound) => bound === undefined))
    throw new OptionError(located('clamp: give a lower bound, an upper one, or both, as in clamp(x, 0, 1)'));
  bounds.forEach((bound, i) => {
    if (Number.isNaN(bound))
      throw new OptionError(located(`clamp: the ${['lower', 'upper'][i]} bound is NaN`));
  });
  const dtype = [x, ...bounds].find((t) => t instanceof Tensor)?.dtype ?? 'f32';
  const ends =
    dtype === 'i32' ? [-(2 ** 31), 2 ** 31 - 1] : [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const operands = [x, ...bounds.map((bound, i) => bound ?? ends[i])];
  return apply(
    clampOp,
    operands.map((t) => toTensor(t, dtype)),
    {},
  );
}

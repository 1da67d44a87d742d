import { checkOptions, shown } from '../check.js';
import { ShapeError } from '../errors.js';
import {
  contiguousStrides,
  type DType,
  formatShape,
  normalizeAxes,
  requireDType,
  type Shape,
  sameShape,
} from '../shape.js';
import { cast, equal } from './compare.js';
import { div, mul } from './elementwise.js';
import { type Bounds, folded, same, times } from './interval.js';
import { eachStridedRun } from './loops.js';
import { broadcastTo, reshape } from './movement.js';
import type { OnnxWriter } from './onnx.js';
import { defineOp, type Elements, type Lowering, type Op, type VjpContext } from './op.js';
import { apply, type Tensor, type TensorLike, toTensor } from './tensor.js';

/** Reduced axes stay with size 1; the functions below drop them unless asked to keep them. */
type ReduceAttrs = { axes: readonly number[] };

interface ReduceRule {
  lower: Omit<Extract<Lowering, { kind: 'reduce' }>, 'kind'>;
  /** Whether a reduction over no elements means something. */
  empty: boolean;
  interval: Bounds<ReduceAttrs>;
  linear: 'first' | 'shift';
  onnx(to: OnnxWriter, x: string, dtype: DType, axes: string): string;
  /** Fills `out` with what a fold begins with. */
  fold(dtype: DType, out: Elements): Fold;
  vjp(context: VjpContext<ReduceAttrs>): Tensor;
}

interface Fold {
  /** Folds x[i .. i + n) into results from o on, which move by `d`: 0 or 1. */
  run(x: Elements, i: number, n: number, o: number, d: number): void;
  /** When all elements are in. */
  finish?(): void;
}

function reduction(name: string, rule: ReduceRule): Op<ReduceAttrs> {
  return defineOp<ReduceAttrs>({
    name,
    type([x], { axes }) {
      requireDType(name, x, 'f32', 'i32');
      if (!rule.empty && axes.some((axis) => x.shape[axis] === 0)) {
        throw new ShapeError(
          `${name}: there is nothing to reduce over axes ${formatShape(axes)} of ${formatShape(x.shape)}`,
        );
      }
      return { shape: x.shape.map((size, i) => (axes.includes(i) ? 1 : size)), dtype: x.dtype };
    },
    vjp: (context) => [rule.vjp(context)],
    reference([x], { axes }, out) {
      const fold = rule.fold(x.dtype, out.data);
      const strides = contiguousStrides(out.shape).map((s, i) => (axes.includes(i) ? 0 : s));
      eachStridedRun(x.shape, [strides], [0], (i, n, at, by) => fold.run(x.data, i, n, at[0], by[0]));
      fold.finish?.();
    },
    interval: rule.interval,
    linear: rule.linear,
    onnx: (to, [x], { dtype, attrs: { axes } }) => rule.onnx(to, x, dtype, to.ints(axes)),
    lower: { kind: 'reduce', ...rule.lower },
  });
}

/** Integers, modulo 2^32. */
function integerSums(out: Elements): Fold {
  return {
    run(x, i, n, o, d) {
      for (const end = i + n; i < end; i++, o += d) out[o] = (out[o] + x[i]) | 0;
    },
  };
}

/** Sums of float32 numbers in double precision, rounded once. */
function wideSums(out: Elements): Fold {
  const sums = new Float64Array(out.length);
  return {
    run(x, i, n, o, d) {
      if (d === 0) {
        let total = 0;
        for (const end = i + n; i < end; i++) total += x[i];
        sums[o] += total;
      } else {
        for (const end = i + n; i < end; i++, o += d) sums[o] += x[i];
      }
    },
    finish: () => out.set(sums),
  };
}

/** Numbers of a run that are added before their sum goes to the total. */
const BLOCK = 32;

/** Sums in the precision of the numbers: of blocks, with what rounding takes from the total kept for the next one. */
function compensatedSums(out: Elements): Fold {
  const lost = new Float64Array(out.length);
  const add = (o: number, x: number) => {
    const [before, block] = [out[o], x + lost[o]];
    const total = before + block;
    // Two-sum (Knuth); where the total is not finite nothing can be said.
    const part = total - before;
    const rest = before - (total - part) + (block - part);
    lost[o] = Number.isNaN(rest) ? 0 : rest;
    out[o] = total;
  };
  return {
    run(x, i, n, o, d) {
      const length = d === 0 ? BLOCK : 1;
      for (const last = i + n; i < last; o += d) {
        let block = 0;
        for (const end = Math.min(last, i + length); i < end; i++) block += x[i];
        add(o, block);
      }
    },
    finish() {
      for (let o = 0; o < out.length; o++) out[o] += lost[o];
    },
  };
}

export const sumOp = reduction('sum', {
  onnx(to, x, dtype, axes) {
    if (dtype !== 'i32') return to.node('ReduceSum', [x, axes]);
    // Engines do not go round at the ends of i32, as these sums do.
    return to.cast(to.node('ReduceSum', [to.cast(x, 'i64'), axes]), 'i32');
  },
  empty: true,
  linear: 'first',
  interval([x], node) {
    const n = folded(node);
    return { lo: times(x.lo, n), hi: times(x.hi, n) };
  },
  fold(dtype, out) {
    out.fill(0);
    if (dtype === 'i32') return integerSums(out);
    return out instanceof Float32Array ? wideSums(out) : compensatedSums(out);
  },
  vjp: ({ cotangent: g, inputs: [x] }) => broadcastTo(g, x.shape),
  lower: {
    order: (dtype) => (dtype === 'i32' ? 'free' : 'blocks'),
    identity: (dtype) => (dtype === 'i32' ? 'i32x4.splat(0)' : 'f32x4.splat(0)'),
    combine: (a, b, dtype) => `${dtype === 'i32' ? 'i32x4' : 'f32x4'}.add(${a}, ${b})`,
    horizontal: (dtype) => (dtype === 'i32' ? 'sumLanesI32' : 'sumLanes'),
  },
});

const largest = {
  onnx: (to: OnnxWriter, x: string, _: DType, axes: string) => to.node('ReduceMax', [x, axes]),
  empty: false,
  linear: 'shift' as const,
  interval: same,
  // Elements that tie for the maximum share the cotangent.
  vjp({ cotangent: g, inputs: [x], output: y, attrs }: VjpContext<ReduceAttrs>) {
    const winners = cast(equal(x, y), 'f32');
    return mul(winners, div(g, apply(sumOp, [winners], attrs)));
  },
};

const startOf = (dtype: DType) => (dtype === 'i32' ? -2147483648 : Number.NEGATIVE_INFINITY);
const leastOf = (dtype: DType) => (dtype === 'i32' ? 'i32x4.splat(i32.MIN_VALUE)' : 'f32x4.splat(-Infinity)');

const maxOp = reduction('max', {
  ...largest,
  fold(dtype, out) {
    out.fill(startOf(dtype));
    return {
      run(x, i, n, o, d) {
        for (const end = i + n; i < end; i++, o += d) out[o] = Math.max(out[o], x[i]);
      },
    };
  },
  lower: {
    order: () => 'free',
    identity: leastOf,
    combine: (a, b, dtype) => (dtype === 'i32' ? `i32x4.max_s(${a}, ${b})` : `f32x4.max(${a}, ${b})`),
    horizontal: (dtype) => (dtype === 'i32' ? 'maxLanesI32' : 'maxLanes'),
  },
});

// One instruction where `max` takes eight, and a softmax, which needs no more than this, becomes NaN all the same.
const nanmaxOp = reduction('nanmax', {
  ...largest,
  onnx(to, x, dtype, axes) {
    if (dtype !== 'f32') return to.node('ReduceMax', [x, axes]);
    const isNumber = to.node('Not', [to.node('IsNaN', [x])]);
    const numbers = to.node('Where', [isNumber, x, to.constant(Number.NEGATIVE_INFINITY, 'f32')]);
    return to.node('ReduceMax', [numbers, axes]);
  },
  fold(dtype, out) {
    out.fill(startOf(dtype));
    return {
      run(x, i, n, o, d) {
        for (const end = i + n; i < end; i++, o += d) if (x[i] > out[o]) out[o] = x[i];
      },
    };
  },
  lower: {
    // Of zeros of both signs it takes the first.
    order: (dtype) => (dtype === 'i32' ? 'free' : 'fixed'),
    identity: leastOf,
    combine: (a, b, dtype) => (dtype === 'i32' ? `i32x4.max_s(${a}, ${b})` : `f32x4.pmax(${a}, ${b})`),
    horizontal: (dtype) => (dtype === 'i32' ? 'maxLanesI32' : 'nanmaxLanes'),
  },
});

export interface ReduceOptions {
  /** Keep reduced axes with size 1, so that the result broadcasts against the input. */
  keepDims?: boolean | undefined;
}

type Axes = number | readonly number[];

function reduce(op: Op<ReduceAttrs>, x: TensorLike, axes: Axes | undefined, options: ReduceOptions): Tensor {
  checkAxes(op.name, axes);
  checkOptions(op.name, options, ['keepDims']);
  const t = toTensor(x);
  const list = normalizeAxes(op.name, axes, t.rank);
  const kept = list.length === 0 ? t : apply(op, [t], { axes: list });
  return options.keepDims
    ? kept
    : reshape(
        kept,
        t.shape.filter((_, i) => !list.includes(i)),
      );
}

/** Options in place of the axes would mean all axes. */
function checkAxes(op: string, axes: unknown): void {
  if (axes === undefined || typeof axes === 'number' || Array.isArray(axes)) return;
  throw new ShapeError(
    `${op}: axes are a number or an array of numbers, got ${shown(axes)}; options come third, as in ${op}(x, undefined, { keepDims: true })`,
  );
}

/**
 * Sum over `axes` (all, unless given).
 * @example
 * ```ts
 * import { sum, tensor } from '2headgrad';
 * const x = tensor([[1, 2], [3, 4]]);
 * console.log(sum(x), sum(x, 0), sum(x, 1, { keepDims: true })); // Tensor f32[] 10 Tensor f32[2] [4, 6] Tensor f32[2, 1] [3, 7]
 * ```
 */
export function sum(x: TensorLike, axes?: Axes, options: ReduceOptions = {}): Tensor {
  return reduce(sumOp, x, axes, options);
}

/**
 * Largest element over `axes` (all, unless given); where several tie they share the gradient.
 * @example
 * ```ts
 * import { max, tensor } from '2headgrad';
 * console.log(max(tensor([[1, 9], [7, 5]]), 1)); // Tensor f32[2] [9, 7]
 * ```
 */
export function max(x: TensorLike, axes?: Axes, options: ReduceOptions = {}): Tensor {
  return reduce(maxOp, x, axes, options);
}

/**
 * Largest element over `axes` (all, unless given) that is a number; minus infinity where none is.
 * @example
 * ```ts
 * import { nanmax, tensor } from '2headgrad';
 * console.log(nanmax(tensor([Number.NaN, 2, 1]))); // Tensor f32[] 2
 * ```
 */
export function nanmax(x: TensorLike, axes?: Axes, options: ReduceOptions = {}): Tensor {
  return reduce(nanmaxOp, x, axes, options);
}

/** Undoes a broadcast: sums a cotangent over the axes along which `shape` was repeated. */
export function sumTo(g: Tensor, shape: Shape): Tensor {
  if (sameShape(g.shape, shape)) return g;
  const pad = g.rank - shape.length;
  const axes = g.shape.flatMap((size, i) => (i < pad || (shape[i - pad] === 1 && size !== 1) ? [i] : []));
  return reshape(apply(sumOp, [g], { axes }), shape);
}

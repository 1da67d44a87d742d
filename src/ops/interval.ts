import { numel, type TensorType } from '../shape.js';
import type { Attrs } from './op.js';

/** Bounds of all elements of a tensor; Infinity where there are none. NaN may be beside them. */
export interface Interval {
  readonly lo: number;
  readonly hi: number;
}

/** An op with what it is applied to, as far as rules about it need to know. */
export interface Applied<A extends Attrs = Attrs> extends TensorType {
  readonly inputs: readonly TensorType[];
  readonly attrs: A;
}

/** Bounds of a result from those of its operands, in real numbers: who asks adds what rounding needs. */
export type Bounds<A extends Attrs = Attrs> = (of: readonly Interval[], node: Applied<A>) => Interval;

export const ANY: Interval = { lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY };

/** The least interval that holds all of these. */
export function hull(of: readonly Interval[]): Interval {
  let [lo, hi] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const x of of) [lo, hi] = [Math.min(lo, x.lo), Math.max(hi, x.hi)];
  return { lo, hi };
}

/** Of a function that nowhere falls in any operand: bounds give bounds. */
export const rising =
  (f: (...at: number[]) => number) =>
  (of: readonly Interval[]): Interval => ({ lo: f(...of.map((x) => x.lo)), hi: f(...of.map((x) => x.hi)) });

/** Of a rising function that goes to 0 as exp does: below -87, where exp is denormal in float32, it may be 0. */
export const vanishing =
  (f: (x: number) => number): Bounds =>
  ([{ lo, hi }]) => ({ lo: lo < -87 ? 0 : f(lo), hi: f(hi) });

/** Of a function of two that is largest and least at corners. */
export function corners(f: (x: number, y: number) => number, a: Interval, b: Interval): Interval {
  const values = [f(a.lo, b.lo), f(a.lo, b.hi), f(a.hi, b.lo), f(a.hi, b.hi)];
  return { lo: Math.min(...values), hi: Math.max(...values) };
}

/** Everywhere the same. */
export const within =
  (lo: number, hi: number): (() => Interval) =>
  () => ({ lo, hi });

/** Of an op that takes elements of its first operand. */
export const same: Bounds = ([x]) => x;

/** Zero times anything is zero: infinity stands for numbers without a bound. */
export const times = (x: number, y: number): number => (x === 0 || y === 0 ? 0 : x * y);

export function product(a: Interval, b: Interval): Interval {
  return corners(times, a, b);
}

/** Of x times itself. */
export function square({ lo, hi }: Interval): Interval {
  const [p, q] = [lo * lo, hi * hi];
  return { lo: lo <= 0 && hi >= 0 ? 0 : Math.min(p, q), hi: Math.max(p, q) };
}

/** How many elements of its first operand a reduction folds into one. */
export function folded({ inputs: [x], shape }: Applied): number {
  return numel(x.shape) / Math.max(1, numel(shape));
}

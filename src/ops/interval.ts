/** Bounds of all elements of a tensor; Infinity where there are none. NaN may be beside them. */
export interface Interval {
  readonly lo: number;
  readonly hi: number;
}

/** Bounds of a result from those of its operands, in real numbers: who asks adds what rounding needs. */
export type Bounds = (of: readonly Interval[]) => Interval;

export const ANY: Interval = { lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY };

/** The least interval that holds all of these. */
export function hull(of: readonly Interval[]): Interval {
  let [lo, hi] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const x of of) [lo, hi] = [Math.min(lo, x.lo), Math.max(hi, x.hi)];
  return { lo, hi };
}

/** Of a function that nowhere falls in any operand: bounds give bounds. */
export const rising =
  (f: (...at: number[]) => number): Bounds =>
  (of) => ({ lo: f(...of.map((x) => x.lo)), hi: f(...of.map((x) => x.hi)) });

/** Of a function of two that is largest and least at corners. */
export function corners(f: (x: number, y: number) => number, a: Interval, b: Interval): Interval {
  const values = [f(a.lo, b.lo), f(a.lo, b.hi), f(a.hi, b.lo), f(a.hi, b.hi)];
  return { lo: Math.min(...values), hi: Math.max(...values) };
}

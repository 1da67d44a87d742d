import { broadcastStrides, contiguousStrides, type Shape } from '../shape.js';
import type { Value } from './op.js';

/** Offsets of a run of `n` elements: operand k starts at `at[k]` and moves by `by[k]`; the output is contiguous. */
export type Run = (out: number, n: number, at: readonly number[], by: readonly number[]) => void;

/**
 * Walks `shape` in row-major order as few, long runs over operands that broadcast to it, so that
 * each op's inner loop is a plain loop over typed arrays.
 */
export function eachRun(shape: Shape, operands: readonly Value[], run: Run): void {
  const strides = operands.map((o) => broadcastStrides(o.shape, contiguousStrides(o.shape), shape));
  eachStridedRun(
    shape,
    strides,
    operands.map(() => 0),
    run,
  );
}

/** As eachRun, with the operands given by their strides over `shape` and the offsets where they start. */
export function eachStridedRun(
  shape: Shape,
  strides: readonly (readonly number[])[],
  offsets: readonly number[],
  run: Run,
): void {
  if (shape.includes(0)) return;
  // Merge an axis into the next inner one where every operand moves through both as through one.
  const sizes: number[] = [];
  const merged: number[][] = strides.map(() => []);
  shape.forEach((size, axis) => {
    if (size === 1) return;
    const last = sizes.length - 1;
    if (last >= 0 && merged.every((s, k) => s[last] === strides[k][axis] * size)) {
      sizes[last] *= size;
      merged.forEach((s, k) => {
        s[last] = strides[k][axis];
      });
    } else {
      sizes.push(size);
      merged.forEach((s, k) => {
        s.push(strides[k][axis]);
      });
    }
  });
  const inner = sizes.pop() ?? 1;
  const by = merged.map((s) => s[sizes.length] ?? 0);
  const at = [...offsets];
  const index = new Array<number>(sizes.length).fill(0);
  for (let out = 0; ; out += inner) {
    run(out, inner, at, by);
    let axis = sizes.length - 1;
    for (; axis >= 0; axis--) {
      for (let k = 0; k < at.length; k++) at[k] += merged[k][axis];
      if (++index[axis] < sizes[axis]) break;
      for (let k = 0; k < at.length; k++) at[k] -= merged[k][axis] * sizes[axis];
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}

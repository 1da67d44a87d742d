import { DTypeError, ShapeError } from './errors.js';

/** What an element is: a float (f32; float64 when the tape is asked for it), a 32-bit integer, or a truth value. */
export type DType = (typeof DTYPES)[number];
export const DTYPES = ['f32', 'i32', 'bool'] as const;

/** Sizes of the axes, outermost first; [] is a scalar. */
export type Shape = readonly number[];

export interface TensorType {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** What a node gives: one tensor or, where `results` is there, several; shape and dtype are then those of the first. */
export interface ResultType extends TensorType {
  readonly results?: readonly TensorType[] | undefined;
}

export function numel(shape: Shape): number {
  let n = 1;
  for (const size of shape) n *= size;
  return n;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}

/** Row-major strides in elements. */
export function contiguousStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

/** Where the element at these places lies, by strides, from `offset` on. */
export function offsetOf(at: readonly number[], strides: readonly number[], offset = 0): number {
  return at.reduce((sum, place, axis) => sum + place * strides[axis], offset);
}

export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

export function formatType({ shape, dtype }: TensorType): string {
  return `${dtype}[${shape.join(',')}]`;
}

/** As formatType; several results stand in parentheses: `(f32[2], i32[2])`. */
export function formatResults(type: ResultType): string {
  return type.results ? `(${type.results.map(formatType).join(', ')})` : formatType(type);
}

export function sameType(a: TensorType, b: TensorType): boolean {
  return a.dtype === b.dtype && sameShape(a.shape, b.shape);
}

/** Whether two nodes give the same number of results, of the same types. */
export function sameResults(a: ResultType, b: ResultType): boolean {
  if (!a.results || !b.results) return a.results === b.results && sameType(a, b);
  return a.results.length === b.results.length && a.results.every((type, i) => sameType(type, b.results![i]));
}

/** The type of a node with these results. */
export function severalResults(results: readonly TensorType[]): ResultType {
  return { shape: results[0].shape, dtype: results[0].dtype, results };
}

/** NumPy's rule: align at the right; sizes are equal, or one of them is 1. */
export function broadcastShapes(op: string, shapes: readonly Shape[]): number[] {
  const rank = Math.max(...shapes.map((s) => s.length));
  const out = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    for (let i = 0; i < shape.length; i++) {
      const at = rank - shape.length + i;
      if (shape[i] === 1 || shape[i] === out[at]) continue;
      if (out[at] !== 1) {
        throw new ShapeError(`${op}: shapes do not broadcast: ${shapes.map(formatShape).join(' and ')}`);
      }
      out[at] = shape[i];
    }
  }
  return out;
}

/** Strides that read a tensor of `from` (strides given) as if it had shape `to`: 0 where an axis is repeated. */
export function broadcastStrides(from: Shape, strides: readonly number[], to: Shape): number[] {
  const pad = to.length - from.length;
  return to.map((_, i) => (i < pad || from[i - pad] === 1 ? 0 : strides[i - pad]));
}

export function normalizeAxis(op: string, axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    throw new ShapeError(`${op}: axis ${axis} is out of range for a tensor of ${rank} axes`);
  }
  return axis < 0 ? axis + rank : axis;
}

/** Sorted, distinct, non-negative axes; `undefined` means all. */
export function normalizeAxes(
  op: string,
  axes: number | readonly number[] | undefined,
  rank: number,
): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, i) => i);
  const list = (typeof axes === 'number' ? [axes] : axes).map((axis) => normalizeAxis(op, axis, rank));
  if (new Set(list).size !== list.length) throw new ShapeError(`${op}: an axis is named twice in [${list}]`);
  return list.sort((a, b) => a - b);
}

/** Refuses anything but an array where sizes, or one number for each axis, belong. */
export function checkList(op: string, list: unknown): void {
  if (Array.isArray(list)) return;
  const got = typeof list === 'number' ? String(list) : list === undefined ? 'nothing' : `a ${typeof list}`;
  throw new ShapeError(`${op}: one number for each axis is given as an array, as in [4, 1], not as ${got}`);
}

export function checkShape(op: string, shape: Shape): void {
  checkList(op, shape);
  for (const size of shape) {
    if (!Number.isInteger(size) || size < 0) {
      throw new ShapeError(`${op}: ${formatShape(shape)} is not a shape: sizes are whole numbers from 0`);
    }
  }
}

/** What lies beyond float32: a number of this size or more rounds to Infinity. */
export const BEYOND_F32 = 3.4028235677973366e38;

/** Whether a finite number would become Infinity as float32. */
export function overflows(x: number): boolean {
  return Math.abs(x) >= BEYOND_F32 && Number.isFinite(x);
}

/** Whether an integer or truth value can be this number, without rounding it to a whole one or wrapping around. */
export function holds(dtype: DType, x: number): boolean {
  return dtype === 'f32' || (dtype === 'i32' ? (x | 0) === x : x === 0 || x === 1);
}

export function requireDType(op: string, type: TensorType, ...allowed: DType[]): void {
  if (!allowed.includes(type.dtype)) {
    const mend = allowed.includes('f32') && type.dtype !== 'f32' ? ": convert with cast(x, 'f32')" : '';
    throw new DTypeError(`${op}: takes ${allowed.join(' or ')}, not ${formatType(type)}${mend}`);
  }
}

/** Strides that walk the same elements in the same order under another shape, or null if there are none. */
export function reshapeStrides(from: Shape, strides: readonly number[], to: Shape): number[] | null {
  if (numel(from) !== numel(to)) return null;
  const out = new Array<number>(to.length).fill(0);
  if (numel(from) === 0) return out;
  const axes = from.map((size, i) => ({ size, stride: strides[i] })).filter((axis) => axis.size > 1);
  let next = 0;
  for (let first = 0; first < to.length; ) {
    if (to[first] === 1) {
      first++;
      continue;
    }
    // Grow a group of axes on both sides until they hold as many elements.
    let end = first + 1;
    let [wanted, have] = [to[first], axes[next].size];
    let last = next;
    while (wanted !== have) {
      if (wanted < have) wanted *= to[end++];
      else {
        const { stride, size } = axes[++last];
        if (axes[last - 1].stride !== stride * size) return null;
        have *= size;
      }
    }
    let { stride } = axes[last];
    for (let i = end - 1; i >= first; i--) {
      out[i] = to[i] === 1 ? 0 : stride;
      stride *= to[i];
    }
    [first, next] = [end, last + 1];
  }
  return out;
}

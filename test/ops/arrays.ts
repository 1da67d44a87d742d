import type { DType } from '../../src/shape.js';

// Arrays of the tests' own, read and made one element at a time.

export interface Array_ {
  shape: number[];
  data: ArrayLike<number>;
  dtype: DType;
}

export type Index = number[];
export type Result = { shape: number[]; data: number[] };

/** Makes an array by asking for each of its elements. */
export function build(shape: number[], element: (at: Index) => number): Result {
  const data: number[] = [];
  const visit = (at: Index) => {
    if (at.length === shape.length) data.push(element(at));
    else for (let i = 0; i < shape[at.length]; i++) visit([...at, i]);
  };
  visit([]);
  return { shape, data };
}

/** The element of x for an index of something that x broadcasts to. */
export function read({ shape, data }: { shape: number[]; data: ArrayLike<number> }, at: Index): number {
  let flat = 0;
  shape.forEach((size, axis) => {
    const i = at[at.length - shape.length + axis];
    flat = flat * size + (size === 1 ? 0 : i);
  });
  return data[flat];
}

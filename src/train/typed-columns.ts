import type { TensorType } from '../shape.js';
import type { Columns } from './engine.js';

// What the types of a step say of the data that its session is given: names, and whether numbers are whole.

export type FloatType = TensorType & { readonly dtype: 'f32' };
export type IntegerType = TensorType & { readonly dtype: 'i32' };

/** Elements of i32: whole numbers; of an array of any numbers that is seen only as they are given. */
export type Integers =
  | readonly number[]
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint32Array
  | Uint16Array
  | Uint8Array
  | Uint8ClampedArray;

export type ElementsOf<T> = T extends IntegerType ? Integers : ArrayLike<number>;

/** Columns by the names of `T`; any, where the step is not known. */
export type ColumnsOf<T> = 0 extends 1 & T ? Columns : { readonly [K in keyof T]: ElementsOf<T[K]> };

import { OptionError } from '../errors.js';
import { checkShape, type TensorType } from '../shape.js';
import type { FloatType, IntegerType } from './typed-columns.js';

/** Types of inputs: f32(32, 3) is a [32, 3] tensor of floats, i32(32) are 32 integers. */
export const f32 = (...shape: number[]): FloatType => typeOf('f32', shape);
export const i32 = (...shape: number[]): IntegerType => typeOf('i32', shape);

function typeOf<D extends 'f32' | 'i32'>(dtype: D, shape: number[]): TensorType & { readonly dtype: D } {
  if (shape.some((size) => Array.isArray(size)))
    throw new OptionError(`${dtype}: give sizes one by one, as in ${dtype}(32, 3)`);
  checkShape(dtype, shape);
  return { shape, dtype };
}

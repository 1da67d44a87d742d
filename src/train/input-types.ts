import { OptionError } from '../errors.js';
import { checkShape, type TensorType } from '../shape.js';
import type { FloatType, IntegerType } from './typed-columns.js';

/**
 * The type of an input of floats: f32(32, 3) is a tensor of shape [32, 3].
 * @example
 * ```ts
 * import { f32 } from '2headgrad';
 * console.log(f32(32, 3)); // { shape: [ 32, 3 ], dtype: 'f32' }
 * ```
 */
export const f32 = (...shape: number[]): FloatType => typeOf('f32', shape);
/**
 * The type of an input of whole numbers: i32(32) are 32 of them.
 * @example
 * ```ts
 * import { i32 } from '2headgrad';
 * console.log(i32(32)); // { shape: [ 32 ], dtype: 'i32' }
 * ```
 */
export const i32 = (...shape: number[]): IntegerType => typeOf('i32', shape);

function typeOf<D extends 'f32' | 'i32'>(dtype: D, shape: number[]): TensorType & { readonly dtype: D } {
  if (shape.some((size) => Array.isArray(size)))
    throw new OptionError(`${dtype}: give sizes one by one, as in ${dtype}(32, 3)`);
  checkShape(dtype, shape);
  return { shape, dtype };
}

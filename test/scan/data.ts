import { numel, type Shape } from '../../src/shape.js';
import { mix } from '../property/data.js';

/** Numbers from -1 to 1, the same for the same seed. */
export function uniform(shape: Shape, seed: number): Float32Array {
  return Float32Array.from({ length: numel(shape) }, (_, i) => mix(seed * 7919 + i) / 2 ** 31 - 1);
}

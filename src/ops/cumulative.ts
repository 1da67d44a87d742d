import { normalizeAxis, requireDType } from '../shape.js';
import { add } from './elementwise.js';
import { pad, slice } from './movement.js';
import { type Tensor, type TensorLike, toTensor } from './tensor.js';

/**
 * Sums of the elements up to each place along `axis`: y[i] = x[0] + ... + x[i]. Added in pairs, so that the error grows
 * with the logarithm of the length (Hillis and Steele 1986). x: f32 or i32.
 * @example
 * ```ts
 * import { cumulativeSum, tensor } from '2headgrad';
 * console.log(cumulativeSum(tensor([1, 2, 3, 4]))); // Tensor f32[4] [1, 3, 6, 10]
 * ```
 */
export function cumulativeSum(x: TensorLike, axis = -1): Tensor {
  let sums = toTensor(x);
  requireDType('cumulativeSum', sums, 'f32', 'i32');
  const at = normalizeAxis('cumulativeSum', axis, sums.rank);
  const { shape } = sums;
  const none = shape.map(() => 0);
  // Of twice as many elements in each round.
  for (let reach = 1; reach < shape[at]; reach *= 2) {
    const sizes = shape.map((n, i) => (i === at ? n - reach : n));
    const before = shape.map((_, i) => (i === at ? reach : 0));
    sums = add(sums, pad(slice(sums, none, sizes), before, none));
  }
  return sums;
}

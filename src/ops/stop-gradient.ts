import { same } from './interval.js';
import { inPlace } from './movement.js';
import { unchanged } from './onnx.js';
import { defineOp, type Op } from './op.js';
import { apply, type Tensor, type TensorLike, toTensor } from './tensor.js';

const stopGradientOp: Op<Record<never, never>> = defineOp<Record<never, never>>({
  name: 'stop_gradient',
  type: ([x]) => x,
  vjp: null,
  reference: ([x], _, out) => out.data.set(x.data),
  exact: true,
  interval: same,
  marker: true,
  onnx: unchanged,
  repeats: true,
  lower: { kind: 'movement', axes: (x) => inPlace(x), view: (strides) => ({ strides, offset: 0 }) },
  sharesElements: true,
});

/**
 * The same value, seen as a constant by differentiation.
 * @example
 * ```ts
 * import { grad, mul, stopGradient } from '2headgrad';
 * console.log(grad((x) => mul(x, stopGradient(x)))(3)); // 3
 * ```
 */
export function stopGradient(x: TensorLike): Tensor {
  return apply(stopGradientOp, [toTensor(x)], {});
}

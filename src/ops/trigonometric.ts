import { mul, neg } from './elementwise.js';
import { within } from './interval.js';
import { one, unary } from './pointwise.js';

const sinOp = unary('sin', {
  onnx: 'Sin',
  interval: within(-1, 1),
  cost: 40,
  emit: (x) => `sin4(${x})`,
  library: { sin4: 'math' },
  loop(x, out) {
    for (let i = 0; i < out.length; i++) out[i] = Math.sin(x[i]);
  },
  vjp: ({ cotangent: g, inputs: [x] }) => mul(g, cos(x)),
});

const cosOp = unary('cos', {
  onnx: 'Cos',
  interval: within(-1, 1),
  cost: 40,
  emit: (x) => `cos4(${x})`,
  library: { cos4: 'math' },
  loop(x, out) {
    for (let i = 0; i < out.length; i++) out[i] = Math.cos(x[i]);
  },
  vjp: ({ cotangent: g, inputs: [x] }) => neg(mul(g, sin(x))),
});

/**
 * The sine of an angle in radians; f32.
 * @example
 * ```ts
 * import { sin, tensor } from '2headgrad';
 * console.log(sin(tensor([0, Math.PI / 2]))); // Tensor f32[2] [0, 1]
 * ```
 */
export const sin = one(sinOp);
/**
 * The cosine of an angle in radians; f32.
 * @example
 * ```ts
 * import { cos, tensor } from '2headgrad';
 * console.log(cos(tensor([0, 1]))); // Tensor f32[2] [1, 0.540302]
 * ```
 */
export const cos = one(cosOp);

import { requireDType } from '../shape.js';
import { add, erf, exp, mul, neg, sigmoid, sub, tanh } from './elementwise.js';
import { erfFloat64 } from './erf.js';
import { defineOp, type Op } from './op.js';
import { apply, type Tensor, type TensorLike, toTensor } from './tensor.js';

// Activations that are written in other ops, and whose derivative is one factor of the cotangent. That factor can be made where
// the activation is, and is all that has to be kept for the way back, in place of each of its parts.

interface ActivationRule extends Pick<Op, 'onnx'> {
  of(x: number): number;
  /** The least that it comes to; it is never more than x, or than 0. */
  least: number;
  expand(x: Tensor): Tensor;
  slope(x: Tensor): Tensor;
}

function activation(
  name: string,
  { of, least, expand, slope, onnx }: ActivationRule,
): (x: TensorLike) => Tensor {
  const op = defineOp({
    name,
    type([x]) {
      requireDType(name, x, 'f32');
      return { shape: x.shape, dtype: x.dtype };
    },
    interval: ([x]) => ({ lo: x.lo >= 0 ? 0 : least, hi: Math.max(0, x.hi) }),
    vjp: ({ inputs: [x], cotangent }) => [mul(cotangent, slope(x))],
    reference([x], _, out) {
      for (let i = 0; i < out.data.length; i++) out.data[i] = of(x.data[i]);
    },
    lower: { kind: 'composite', expand: ([x]) => [expand(x)] },
    ...(onnx && { onnx }),
  });
  return (x) => apply(op, [toTensor(x)], {});
}

/** Twice the normal distribution function, and what erf is taken of. */
function normal(x: Tensor): { twice: Tensor; z: Tensor } {
  const z = mul(x, Math.SQRT1_2);
  return { twice: add(1, erf(z)), z };
}

/** x times the normal distribution function of x. */
export const geluOfErf = activation('gelu', {
  onnx: 'Gelu',
  of: (x) => 0.5 * x * (1 + erfFloat64(x * Math.SQRT1_2)),
  least: -0.17,
  expand: (x) => mul(mul(x, 0.5), normal(x).twice),
  slope(x) {
    const { twice, z } = normal(x);
    const density = mul(exp(neg(mul(z, z))), 1 / Math.sqrt(2 * Math.PI));
    return add(mul(twice, 0.5), mul(x, density));
  },
});

const ROOT = Math.sqrt(2 / Math.PI);
const CUBE = 0.044715;

/** Twice the approximate distribution function less 1. */
function nearNormal(x: Tensor): Tensor {
  return tanh(mul(mul(x, ROOT), add(1, mul(mul(x, x), CUBE))));
}

/** The same by the approximation that GPT-2 was trained with. */
export const geluOfTanh = activation('gelu_tanh', {
  onnx: (to, x) => to.node('Gelu', x, { approximate: 'tanh' }),
  of: (x) => 0.5 * x * (1 + Math.tanh(ROOT * x * (1 + CUBE * x * x))),
  least: -0.171,
  expand: (x) => mul(mul(x, 0.5), add(1, nearNormal(x))),
  slope(x) {
    const t = nearNormal(x);
    // What is 0 for large x comes first, so that no power of x overflows before it is multiplied by that.
    const flat = mul(x, sub(1, mul(t, t)));
    const inner = add(flat, mul(mul(mul(flat, x), x), 3 * CUBE));
    return mul(add(add(1, t), mul(inner, ROOT)), 0.5);
  },
});

/**
 * x times sigmoid(x), also called swish; -0 for large negative x. x: f32. (Ramachandran, Zoph, Le 2017.)
 * @example
 * ```ts
 * import { silu, tensor } from '2headgrad';
 * console.log(silu(tensor([-1, 0, 1]))); // Tensor f32[3] [-0.268941, 0, 0.731059]
 * ```
 */
export const silu = activation('silu', {
  of: (x) => x / (1 + Math.exp(-x)),
  least: -0.279,
  expand: (x) => mul(x, sigmoid(x)),
  slope(x) {
    const s = sigmoid(x);
    return mul(s, add(1, mul(x, sub(1, s))));
  },
});

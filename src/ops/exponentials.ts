import { requireDType } from '../shape.js';
import { equal, greaterEqual, where } from './compare.js';
import { add, div, exp, log, mul, rsqrt, sigmoid, sqrt, sub } from './elementwise.js';
import { ANY, corners, type Interval, rising, vanishing } from './interval.js';
import { binary, one, pair, unary } from './pointwise.js';
import { apply, type Tensor, type TensorLike } from './tensor.js';

// Powers, and exponentials and logarithms beside 1, where exp(x) - 1 and log(1 + x) lose all digits of a small x.

const expm1Op = unary('expm1', {
  // exp(x) - 1 = tanh(x / 2) (exp(x) + 1), which keeps the digits of a small x; beyond 1 the plain difference does.
  onnx(to, [x]) {
    const [one, e] = [to.constant(1, 'f32'), to.node('Exp', [x])];
    const half = to.node('Tanh', [to.node('Mul', [x, to.constant(0.5, 'f32')])]);
    const small = to.node('LessOrEqual', [to.node('Abs', [x]), one]);
    const product = to.node('Mul', [half, to.node('Add', [e, one])]);
    return to.node('Where', [small, product, to.node('Sub', [e, one])]);
  },
  cost: 17,
  emit: (x) => `expm14(${x})`,
  library: { expm14: 'math' },
  interval: rising(Math.expm1),
  loop(x, out) {
    for (let i = 0; i < out.length; i++) out[i] = Math.expm1(x[i]);
  },
  // Not from the result, which is -1 where exp(x) still has digits.
  vjp: ({ cotangent: g, inputs: [x] }) => mul(g, exp(x)),
});

const log1pOp = unary('log1p', {
  // log(u) x / (u - 1) for u = 1 + x rounded, whose errors cancel (Goldberg 1991, theorem 4); x where u is 1 or infinite.
  onnx(to, [x]) {
    const one = to.constant(1, 'f32');
    const u = to.node('Add', [x, one]);
    const above = to.node('Sub', [u, one]);
    const scaled = to.node('Mul', [to.node('Log', [u]), to.node('Div', [x, above])]);
    const plain = to.node('Or', [to.node('Equal', [u, one]), to.node('IsInf', [u])]);
    return to.node('Where', [plain, x, scaled]);
  },
  cost: 25,
  emit: (x) => `log1p4(${x})`,
  library: { log1p4: 'math' },
  interval: rising((x) => (x > -1 ? Math.log1p(x) : Number.NEGATIVE_INFINITY)),
  loop(x, out) {
    for (let i = 0; i < out.length; i++) out[i] = Math.log1p(x[i]);
  },
  vjp: ({ cotangent: g, inputs: [x] }) => div(g, add(x, 1)),
});

const softplusOp = unary('softplus', {
  onnx: 'Softplus',
  cost: 42,
  emit: (x) => `softplus4(${x})`,
  library: { softplus4: 'math' },
  interval: vanishing(softplusOf),
  loop(x, out) {
    for (let i = 0; i < out.length; i++) out[i] = softplusOf(x[i]);
  },
  vjp: ({ cotangent: g, inputs: [x] }) => mul(g, sigmoid(x)),
});

function softplusOf(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

const powOp = binary('pow', {
  onnx: 'Pow',
  cost: 72,
  dtypes: ['f32'],
  emit: (x, y) => `pow4(${x}, ${y})`,
  library: { pow4: 'power' },
  interval: ([x, y]) => powerBounds(x, y),
  loop: (x, y, out) => (o, n, i, di, j, dj) => {
    for (const end = o + n; o < end; o++, i += di, j += dj) out[o] = powerOf(x[i], y[j]);
  },
  // Both as in PyTorch: x^0 does not depend on x, nor 0^y on a y that is not negative, though the products are NaN there.
  vjp({ cotangent: g, inputs: [x, y], output: z }) {
    const toX = mul(g, mul(y, apply(powOp, [x, sub(y, 1)], {})));
    const toY = mul(g, mul(z, log(x)));
    return [where(equal(y, 0), 0, toX), where(equal(x, 0), where(greaterEqual(y, 0), 0, toY), toY)];
  },
});

/** As pow of C, whose 1^NaN and (-1)^Infinity are 1. */
function powerOf(x: number, y: number): number {
  return x === 1 || (x === -1 && Math.abs(y) === Number.POSITIVE_INFINITY) ? 1 : x ** y;
}

/** y log(x) is largest and least at corners, and so are even powers of negative numbers, but for 0 in between. */
function powerBounds(x: Interval, y: Interval): Interval {
  // -0 is one of the numbers from 0 on, and its powers below 0 may be -Infinity.
  if (x.lo > 0 || (x.lo === 0 && y.lo >= 0)) return corners(powerOf, x, y);
  if (y.lo !== y.hi || y.lo % 2 !== 0 || y.lo < 0) return ANY;
  const { lo, hi } = corners(powerOf, x, y);
  return { lo: x.hi < 0 ? lo : Math.min(0, powerOf(0, y.lo)), hi };
}

/**
 * exp(x) - 1 without the rounding of exp(x). x: f32.
 * @example
 * ```ts
 * import { expm1, tensor } from '2headgrad';
 * console.log(expm1(tensor([0, 1e-6]))); // Tensor f32[2] [0, 0.000001]
 * ```
 */
export const expm1 = one(expm1Op);
/**
 * log(1 + x) without the rounding of 1 + x; -Infinity at -1, NaN below. x: f32.
 * @example
 * ```ts
 * import { log1p, tensor } from '2headgrad';
 * console.log(log1p(tensor([0, 1e-6]))); // Tensor f32[2] [0, 0.000001]
 * ```
 */
export const log1p = one(log1pOp);
/**
 * log(1 + exp(x)), a smooth relu, for x of any size: x itself from 17 on, exp(x) from -17 down. x: f32.
 * @example
 * ```ts
 * import { softplus, tensor } from '2headgrad';
 * console.log(softplus(tensor([-20, 0, 20]))); // Tensor f32[3] [2.06115e-9, 0.693147, 20]
 * ```
 */
export const softplus = one(softplusOp);

/** Exponents whose powers are one or two operations; as in PyTorch, roots of -0 and -Infinity are those of sqrt. */
const SHORT: ReadonlyMap<number, (x: Tensor) => Tensor> = new Map([
  [1, (x: Tensor) => x],
  [2, (x: Tensor) => mul(x, x)],
  [3, (x: Tensor) => mul(mul(x, x), x)],
  [0.5, sqrt],
  [-0.5, rsqrt],
  [-1, (x: Tensor) => div(1, x)],
]);

/**
 * x to the power of y, broadcast together; f32. As pow of C and PyTorch: negative x have powers for whole y, else NaN;
 * x^0 and 1^y are 1, for NaN too. Gradients are PyTorch's: to x none where y is 0, to y none where x is 0 and y is not
 * negative, and NaN where x is negative. The numbers 1, 2, 3, -1, 0.5 and -0.5 as y are products, quotients and roots.
 *
 * @example
 * ```ts
 * import { pow, tensor } from '2headgrad';
 * console.log(pow(tensor([2, 3]), 4), pow(tensor([4, 9]), 0.5)); // Tensor f32[2] [16, 81] Tensor f32[2] [2, 3]
 * ```
 */
export function pow(x: TensorLike, y: TensorLike): Tensor {
  const [base, exponent] = pair(x, y);
  const short = typeof y === 'number' ? SHORT.get(y) : undefined;
  if (!short) return apply(powOp, [base, exponent], {});
  requireDType('pow', base, 'f32');
  return short(base);
}

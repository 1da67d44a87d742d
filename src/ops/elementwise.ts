import { equal, greater, where } from './compare.js';
import { erfFloat64 } from './erf.js';
import { ANY, product, rising, square, vanishing } from './interval.js';
import { numbers, type VjpContext } from './op.js';
import { binary, lanes, type None, one, two, unary } from './pointwise.js';
import type { Tensor } from './tensor.js';

const negOp = unary('neg', {
  onnx: 'Neg',
  linear: [-1],
  exact: true,
  interval: ([x]) => ({ lo: -x.hi, hi: -x.lo }),
  cost: 1,
  emit: (x) => `f32x4.neg(${x})`,
  integers: (x) => `i32x4.neg(${x})`,
  loop(x, out) {
    for (let i = 0; i < out.length; i++) out[i] = -x[i];
  },
  vjp: ({ cotangent: g }) => neg(g),
});

const expOp = unary('exp', {
  onnx: 'Exp',
  interval: vanishing(Math.exp),
  cost: 14,
  emit: (x) => `exp4(${x})`,
  library: { exp4: 'math' },
  loop(x, out) {
    for (let i = 0; i < out.length; i++) out[i] = Math.exp(x[i]);
  },
  vjp: ({ cotangent: g, output: y }) => mul(g, y),
});

const logOp = unary('log', {
  onnx: 'Log',
  interval: rising((x) => (x > 0 ? Math.log(x) : Number.NEGATIVE_INFINITY)),
  cost: 19,
  emit: (x) => `log4(${x})`,
  library: { log4: 'math' },
  loop(x, out) {
    for (let i = 0; i < out.length; i++) out[i] = Math.log(x[i]);
  },
  vjp: ({ cotangent: g, inputs: [x] }) => div(g, x),
});

const sqrtOp = unary('sqrt', {
  onnx: 'Sqrt',
  interval: rising((x) => Math.sqrt(Math.max(x, 0))),
  cost: 6,
  emit: (x) => `f32x4.sqrt(${x})`,
  loop(x, out) {
    for (let i = 0; i < out.length; i++) out[i] = Math.sqrt(x[i]);
  },
  vjp: ({ cotangent: g, output: y }) => div(mul(g, 0.5), y),
});

const rsqrtOp = unary('rsqrt', {
  onnx: (to, [x]) => to.node('Reciprocal', [to.node('Sqrt', [x])]),
  // -0 is one of the numbers from 0 on, and 1 / -0 is -Infinity.
  interval: ([x]) => (x.lo > 0 ? { lo: 1 / Math.sqrt(x.hi), hi: 1 / Math.sqrt(x.lo) } : ANY),
  cost: 7,
  emit: (x) => `rsqrt4(${x})`,
  library: { rsqrt4: 'math' },
  loop(x, out) {
    for (let i = 0; i < out.length; i++) out[i] = 1 / Math.sqrt(x[i]);
  },
  vjp: ({ cotangent: g, output: y }) => mul(mul(g, -0.5), mul(y, mul(y, y))),
});

const tanhOp = unary('tanh', {
  onnx: 'Tanh',
  interval: rising(Math.tanh),
  cost: 13,
  emit: (x) => `tanh4(${x})`,
  library: { tanh4: 'math' },
  loop(x, out) {
    for (let i = 0; i < out.length; i++) out[i] = Math.tanh(x[i]);
  },
  vjp: ({ cotangent: g, output: y }) => mul(g, sub(1, mul(y, y))),
});

const sigmoidOp = unary('sigmoid', {
  onnx: 'Sigmoid',
  interval: vanishing((x) => 1 / (1 + Math.exp(-x))),
  cost: 20,
  emit: (x) => `sigmoid4(${x})`,
  library: { sigmoid4: 'math' },
  loop(x, out) {
    for (let i = 0; i < out.length; i++) out[i] = 1 / (1 + Math.exp(-x[i]));
  },
  vjp: ({ cotangent: g, output: y }) => mul(g, mul(y, sub(1, y))),
});

const reluOp = unary('relu', {
  onnx: 'Relu',
  exact: true,
  interval: rising((x) => Math.max(x, 0)),
  cost: 1,
  // pmax is one instruction; x < 0 ? 0 : x lets NaN through.
  emit: (x) => `f32x4.pmax(${x}, f32x4.splat(0))`,
  loop(x, out) {
    for (let i = 0; i < out.length; i++) out[i] = x[i] < 0 ? 0 : x[i];
  },
  vjp: ({ cotangent: g, output: y }) => where(greater(y, 0), g, 0),
});

const absOp = unary('abs', {
  onnx: 'Abs',
  exact: true,
  interval: ([x]) => ({ lo: Math.max(x.lo, -x.hi, 0), hi: Math.max(-x.lo, x.hi) }),
  cost: 1,
  emit: (x) => `f32x4.abs(${x})`,
  integers: (x) => `i32x4.abs(${x})`,
  loop(x, out) {
    for (let i = 0; i < out.length; i++) out[i] = Math.abs(x[i]);
  },
  vjp: ({ cotangent: g, inputs: [x] }) => where(greater(x, 0), g, where(equal(x, 0), 0, neg(g))),
});

const erfOp = unary('erf', {
  onnx: 'Erf',
  interval: rising(erfFloat64),
  cost: 20,
  emit: (x) => `erf4(${x})`,
  library: { erf4: 'math' },
  loop(x, out) {
    for (let i = 0; i < out.length; i++) out[i] = erfFloat64(x[i]);
  },
  vjp: ({ cotangent: g, inputs: [x] }) => mul(g, mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI))),
});

const addOp = binary('add', {
  onnx: 'Add',
  linear: [1, 1],
  commutative: true,
  interval: rising((a, b) => a + b),
  cost: 1,
  dtypes: numbers,
  emit: (a, b, dtype) => `${lanes(dtype)}.add(${a}, ${b})`,
  loop: (a, b, out) => (o, n, i, di, j, dj) => {
    for (const end = o + n; o < end; o++, i += di, j += dj) out[o] = a[i] + b[j];
  },
  vjp: ({ cotangent: g }) => [g, g],
});

const subOp = binary('sub', {
  onnx: 'Sub',
  linear: [1, -1],
  interval([a, b], { inputs: [x, y] }) {
    return x === y ? { lo: 0, hi: 0 } : { lo: a.lo - b.hi, hi: a.hi - b.lo };
  },
  cost: 1,
  dtypes: numbers,
  emit: (a, b, dtype) => `${lanes(dtype)}.sub(${a}, ${b})`,
  loop: (a, b, out) => (o, n, i, di, j, dj) => {
    for (const end = o + n; o < end; o++, i += di, j += dj) out[o] = a[i] - b[j];
  },
  vjp: ({ cotangent: g }) => [g, neg(g)],
});

const mulOp = binary('mul', {
  onnx: 'Mul',
  linear: 'each',
  commutative: true,
  interval: ([a, b], { inputs: [x, y] }) => (x === y ? square(a) : product(a, b)),
  cost: 1,
  dtypes: numbers,
  emit: (a, b, dtype) => `${lanes(dtype)}.mul(${a}, ${b})`,
  loop: (a, b, out) =>
    out instanceof Int32Array
      ? (o, n, i, di, j, dj) => {
          for (const end = o + n; o < end; o++, i += di, j += dj) out[o] = Math.imul(a[i], b[j]);
        }
      : (o, n, i, di, j, dj) => {
          for (const end = o + n; o < end; o++, i += di, j += dj) out[o] = a[i] * b[j];
        },
  vjp: ({ cotangent: g, inputs: [a, b] }) => [mul(g, b), mul(g, a)],
});

const divOp = binary('div', {
  onnx: 'Div',
  linear: 'first',
  interval: ([a, b]) => (b.lo > 0 || b.hi < 0 ? product(a, { lo: 1 / b.hi, hi: 1 / b.lo }) : ANY),
  cost: 6,
  dtypes: ['f32'],
  emit: (a, b) => `f32x4.div(${a}, ${b})`,
  loop: (a, b, out) => (o, n, i, di, j, dj) => {
    for (const end = o + n; o < end; o++, i += di, j += dj) out[o] = a[i] / b[j];
  },
  vjp: ({ cotangent: g, inputs: [, b], output: y }) => [div(g, b), neg(div(mul(g, y), b))],
});

/** Where both operands are equal each gets half of the cotangent, as in PyTorch. */
function tieVjp(aWins: (a: Tensor, b: Tensor) => Tensor) {
  return ({ cotangent: g, inputs: [a, b] }: VjpContext<None>): [Tensor, Tensor] => {
    const half = where(equal(a, b), 0.5, 0);
    const toA = where(aWins(a, b), 1, half);
    return [mul(g, toA), mul(g, sub(1, toA))];
  };
}

const maximumOp = binary('maximum', {
  onnx: 'Max',
  commutative: true,
  exact: true,
  interval: rising(Math.max),
  cost: 2,
  dtypes: numbers,
  emit: (a, b, dtype) => (dtype === 'i32' ? `i32x4.max_s(${a}, ${b})` : `f32x4.max(${a}, ${b})`),
  loop: (a, b, out) => (o, n, i, di, j, dj) => {
    for (const end = o + n; o < end; o++, i += di, j += dj) out[o] = Math.max(a[i], b[j]);
  },
  vjp: tieVjp((a, b) => greater(a, b)),
});

const minimumOp = binary('minimum', {
  onnx: 'Min',
  commutative: true,
  exact: true,
  interval: rising(Math.min),
  cost: 2,
  dtypes: numbers,
  emit: (a, b, dtype) => (dtype === 'i32' ? `i32x4.min_s(${a}, ${b})` : `f32x4.min(${a}, ${b})`),
  loop: (a, b, out) => (o, n, i, di, j, dj) => {
    for (const end = o + n; o < end; o++, i += di, j += dj) out[o] = Math.min(a[i], b[j]);
  },
  vjp: tieVjp((a, b) => greater(b, a)),
});

/**
 * -x. x: f32 or i32; here and below element by element, and of the same shape.
 * @example
 * ```ts
 * import { neg, tensor } from '2headgrad';
 * console.log(neg(tensor([1, -2]))); // Tensor f32[2] [-1, 2]
 * ```
 */
export const neg = one(negOp);
/**
 * e to the power of x; f32.
 * @example
 * ```ts
 * import { exp, tensor } from '2headgrad';
 * console.log(exp(tensor([0, 1]))); // Tensor f32[2] [1, 2.71828]
 * ```
 */
export const exp = one(expOp);
/**
 * The natural logarithm; minus infinity at 0, NaN below. f32.
 * @example
 * ```ts
 * import { log, tensor } from '2headgrad';
 * console.log(log(tensor([1, 10]))); // Tensor f32[2] [0, 2.30259]
 * ```
 */
export const log = one(logOp);
/**
 * The square root; NaN below 0. f32.
 * @example
 * ```ts
 * import { sqrt, tensor } from '2headgrad';
 * console.log(sqrt(tensor([4, 9]))); // Tensor f32[2] [2, 3]
 * ```
 */
export const sqrt = one(sqrtOp);
/**
 * 1 / sqrt(x). f32.
 * @example
 * ```ts
 * import { rsqrt, tensor } from '2headgrad';
 * console.log(rsqrt(tensor([4, 16]))); // Tensor f32[2] [0.5, 0.25]
 * ```
 */
export const rsqrt = one(rsqrtOp);
/**
 * (exp(x) - exp(-x)) / (exp(x) + exp(-x)), from -1 to 1. f32.
 * @example
 * ```ts
 * import { tanh, tensor } from '2headgrad';
 * console.log(tanh(tensor([-1, 0, 1]))); // Tensor f32[3] [-0.761594, 0, 0.761594]
 * ```
 */
export const tanh = one(tanhOp);
/**
 * 1 / (1 + exp(-x)). f32.
 * @example
 * ```ts
 * import { sigmoid, tensor } from '2headgrad';
 * console.log(sigmoid(tensor([-2, 0, 2]))); // Tensor f32[3] [0.119203, 0.5, 0.880797]
 * ```
 */
export const sigmoid = one(sigmoidOp);
/**
 * max(x, 0); its gradient at 0 is 0. f32.
 * @example
 * ```ts
 * import { relu, tensor } from '2headgrad';
 * console.log(relu(tensor([-1, 2]))); // Tensor f32[2] [0, 2]
 * ```
 */
export const relu = one(reluOp);
/**
 * x without its sign; its gradient at 0 is 0. f32 or i32.
 * @example
 * ```ts
 * import { abs, tensor } from '2headgrad';
 * console.log(abs(tensor([-3, 4]))); // Tensor f32[2] [3, 4]
 * ```
 */
export const abs = one(absOp);
/**
 * The error function, 2/sqrt(pi) times the integral of exp(-t^2) from 0 to x. f32.
 * @example
 * ```ts
 * import { erf, tensor } from '2headgrad';
 * console.log(erf(tensor([0, 1]))); // Tensor f32[2] [0, 0.842701]
 * ```
 */
export const erf = one(erfOp);
/**
 * a + b, broadcast as NumPy does. Here and below both have one dtype: a number takes the tensor's, which has to hold it.
 * @example
 * ```ts
 * import { add, tensor } from '2headgrad';
 * console.log(add(tensor([[1, 2], [3, 4]]), tensor([10, 20]))); // Tensor f32[2, 2] [11, 22, 13, 24]
 * ```
 */
export const add = two(addOp);
/**
 * a - b, of f32 or i32.
 * @example
 * ```ts
 * import { sub, tensor } from '2headgrad';
 * console.log(sub(tensor([5, 7]), 1)); // Tensor f32[2] [4, 6]
 * ```
 */
export const sub = two(subOp);
/**
 * a b, element by element, of f32 or i32; for matrix products there is `matmul`.
 * @example
 * ```ts
 * import { mul, tensor } from '2headgrad';
 * console.log(mul(tensor([1, 2, 3]), tensor([4, 5, 6]))); // Tensor f32[3] [4, 10, 18]
 * ```
 */
export const mul = two(mulOp);
/**
 * a / b; f32 only: cast integers first.
 * @example
 * ```ts
 * import { div, tensor } from '2headgrad';
 * console.log(div(tensor([1, 2]), 4)); // Tensor f32[2] [0.25, 0.5]
 * ```
 */
export const div = two(divOp);
/**
 * The larger of a and b; where they are equal each gets half of the gradient. f32 or i32. Of all elements of one
 * tensor: `max`.
 * @example
 * ```ts
 * import { maximum, tensor } from '2headgrad';
 * console.log(maximum(tensor([1, 5]), tensor([3, 4]))); // Tensor f32[2] [3, 5]
 * ```
 */
export const maximum = two(maximumOp);
/**
 * The smaller of a and b; where they are equal each gets half of the gradient. f32 or i32.
 * @example
 * ```ts
 * import { minimum, tensor } from '2headgrad';
 * console.log(minimum(tensor([1, 5]), tensor([3, 4]))); // Tensor f32[2] [1, 4]
 * ```
 */
export const minimum = two(minimumOp);

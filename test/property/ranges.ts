import {
  abs,
  clamp,
  div,
  exp,
  expm1,
  floor,
  log1p,
  logSoftmax,
  max,
  maximum,
  mean,
  mul,
  pow,
  sign,
  silu,
  softmax,
  softplus,
  square,
  sub,
  sum,
  type Tensor,
} from '../../src/ops/index.js';
import { numel, type Shape } from '../../src/shape.js';
import type { Builder } from './builder.js';

// Steps that are right in the order in which they are written and in no other: what is true of real numbers overflows,
// vanishes or cancels here.

/** Numbers of all sizes, at times as the gradient of something sees them: times a parameter. */
function wildTensor(b: Builder, shape: Shape): Tensor {
  const x = b.wild(shape);
  return b.n(2) ? x : mul(x, b.parameter(shape));
}

function wildRows(b: Builder): Tensor {
  return wildTensor(b, [...(b.n(3) ? [b.size()] : [b.size(), 2]), b.size()]);
}

/** A norm of rows of any size, and the rows of that length: both by the largest element, so that no square overflows. */
function safeNorm(b: Builder): Tensor | undefined {
  const x = wildRows(b);
  if (numel(x.shape) === 0) return undefined;
  const axis = b.n(x.rank);
  const largest = maximum(max(abs(x), axis, { keepDims: true }), b.one([1e-38, 1e-30, 1e-44]));
  const scaled = div(x, largest);
  const norm = sum(square(scaled), axis, { keepDims: true }).sqrt();
  b.show(mul(norm, largest));
  if (b.n(2)) b.show(sum(mul(scaled, largest), axis));
  if (b.n(2)) b.show(mean(mul(square(scaled), largest), axis));
  return b.sized(div(scaled, norm.add(0.5)), 1);
}

/** Factors of constants, one after the other. */
const FACTORS = [
  1e30,
  1e-30,
  2 ** 40,
  2 ** -40,
  2 ** 100,
  2 ** -100,
  0.1,
  2,
  0.5,
  2 ** 126,
  2 ** -126,
  3,
  -1,
  0,
];
const DIVISORS = [1e30, 1e-30, 2 ** 126, 2 ** -126, 2 ** 127, 2 ** -140, 3, 8, -0.5];

function constants(b: Builder): Tensor {
  let x = b.n(2) ? wildRows(b) : b.input([b.size()]);
  for (let i = 2 + b.n(4); i > 0; i--) {
    if (b.n(3)) x = x.mul(b.one(FACTORS));
    else if (b.n(2)) x = x.div(b.one(DIVISORS));
    else x = b.n(2) ? x.neg() : x.add(x);
  }
  b.show(x);
  return b.sized(x.tanh(), 1);
}

/** A sum of what is multiplied or divided by something that is the same for all its terms. */
function sumOfProducts(b: Builder): Tensor {
  const x = wildRows(b);
  const axis = b.n(x.rank);
  const row = x.shape.map((size, i) => (i === axis ? 1 : size));
  const factor = (): Tensor => (b.n(3) ? wildTensor(b, row) : b.input(row));
  const term = (of: Tensor): Tensor => {
    const made = b.n(3) ? mul(of, factor()) : div(of, factor());
    return b.n(3) ? made : made.neg();
  };
  const terms = b.n(2) ? term(x) : sub(term(x), term(b.n(2) ? x : wildTensor(b, x.shape)));
  const total = sum(terms, axis, { keepDims: b.n(2) > 0 });
  b.show(total);
  return b.sized(total.tanh(), 1);
}

/** A sum of small differences of large products, which is not the difference of the sums. */
function sumOfDifferences(b: Builder): Tensor {
  const shape = [b.size(), b.size()];
  const axis = b.n(2);
  const row = shape.map((size, i) => (i === axis ? 1 : size));
  const large = b.one([3e6, 1e4, 1e5 + 0.5]);
  const s = b.n(2) ? b.parameter(row) : b.input(row);
  const [x, y] = [0, 1].map(() => mul(b.input(shape).add(large), s));
  return b.sized(sum(sub(x, y), axis), 8 * shape[axis]);
}

/** Softmax of logits of any size. */
function wildLogits(b: Builder): Tensor | undefined {
  const x = wildRows(b);
  if (numel(x.shape) === 0) return undefined;
  if (b.n(2)) return b.sized(softmax(x), 1);
  b.show(logSoftmax(x));
  return b.sized(exp(logSoftmax(x)), 1);
}

/** Functions of numbers of any size. */
function wildFunctions(b: Builder): Tensor | undefined {
  const x = wildRows(b);
  const bound = b.one([1e-40, 1, 1e30]);
  const functions = [
    softplus,
    silu,
    (t: Tensor) => pow(t, 2),
    (t: Tensor) => pow(abs(t), b.one([0.1, -0.25, 1.5])),
    (t: Tensor) => log1p(abs(t)),
    expm1,
    floor,
    sign,
    (t: Tensor) => clamp(t, -bound, bound),
  ];
  const y = b.one(functions)(x);
  b.show(y);
  return b.sized(y.tanh(), 1);
}

export const rangeSteps: readonly ((b: Builder) => Tensor | undefined)[] = [
  safeNorm,
  constants,
  sumOfProducts,
  sumOfDifferences,
  wildLogits,
  wildFunctions,
];

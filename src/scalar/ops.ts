import { equal, less, where } from '../ops/compare.js';
import * as tensors from '../ops/elementwise.js';
import type { TensorLike } from '../ops/tensor.js';

/** A differentiable op on numbers, declared in one place: its value, its derivatives, and itself on tensors. */
export interface ScalarOp {
  readonly name: string;
  /** As formulas and pictures write it. */
  readonly symbol: string;
  value(...x: number[]): number;
  /** The derivative by each operand, where y is the value. */
  derivatives(x: readonly number[], y: number): number[];
  /** The same op for the compiler. Operands that are plain numbers stay plain. */
  lower(...x: TensorLike[]): TensorLike;
}

const defineOps = <K extends string>(ops: Record<K, Omit<ScalarOp, 'name'>>) =>
  Object.fromEntries(
    Object.entries<Omit<ScalarOp, 'name'>>(ops).map(([name, op]) => [name, { name, ...op }]),
  ) as Record<K, ScalarOp>;

export const scalarOps = defineOps({
  add: {
    symbol: '+',
    value: (a, b) => a + b,
    derivatives: () => [1, 1],
    lower: (a, b) => tensors.add(a, b),
  },
  sub: {
    symbol: '−',
    value: (a, b) => a - b,
    derivatives: () => [1, -1],
    lower: (a, b) => tensors.sub(a, b),
  },
  mul: {
    symbol: '×',
    value: (a, b) => a * b,
    derivatives: ([a, b]) => [b, a],
    lower: (a, b) => tensors.mul(a, b),
  },
  div: {
    symbol: '÷',
    value: (a, b) => a / b,
    derivatives: ([, b], y) => [1 / b, -y / b],
    lower: (a, b) => tensors.div(a, b),
  },
  neg: {
    symbol: '−',
    value: (a) => -a,
    derivatives: () => [-1],
    lower: (a) => tensors.neg(a),
  },
  /** The exponent is a number, or a value if the base is above 0. */
  pow: {
    symbol: '^',
    value: (a, b) => power(a, b),
    derivatives: ([a, b], y) => [b === 0 ? 0 : b * power(a, b - 1), a > 0 ? y * Math.log(a) : Number.NaN],
    lower: (a, b) => (typeof b === 'number' ? lowerPower(a, b) : tensors.exp(tensors.mul(b, tensors.log(a)))),
  },
  exp: {
    symbol: 'exp',
    value: (a) => Math.exp(a),
    derivatives: (_, y) => [y],
    lower: (a) => tensors.exp(a),
  },
  log: {
    symbol: 'log',
    value: (a) => Math.log(a),
    derivatives: ([a]) => [1 / a],
    lower: (a) => tensors.log(a),
  },
  tanh: {
    symbol: 'tanh',
    value: (a) => Math.tanh(a),
    derivatives: (_, y) => [1 - y * y],
    lower: (a) => tensors.tanh(a),
  },
  /** max(x, 0); its derivative at 0 is 0. */
  relu: {
    symbol: 'relu',
    value: (a) => Math.max(a, 0),
    derivatives: ([a]) => [a > 0 ? 1 : 0],
    lower: (a) => tensors.relu(a),
  },
});

export type ScalarOpName = keyof typeof scalarOps;

/** Whole exponents up to this size are multiplied out. */
const MOST_MULTIPLIED = 1024;

const isMultiplied = (n: number) => Number.isInteger(n) && Math.abs(n) <= MOST_MULTIPLIED;

/** a to the power n; by multiplication, whose bits are the same on every engine, where n is a whole number. */
function power(a: number, n: number): number {
  if (!isMultiplied(n)) return a ** n;
  if (n === 0) return 1;
  const y = multiplied(a, Math.abs(n), (x, y) => x * y);
  return n < 0 ? 1 / y : y;
}

function lowerPower(a: TensorLike, n: number): TensorLike {
  if (n === 0) return 1;
  if (isMultiplied(n)) {
    const y = multiplied(a, Math.abs(n), tensors.mul);
    return n < 0 ? tensors.div(1, y) : y;
  }
  if (n === 0.5) return tensors.sqrt(a);
  // Whole powers of negative numbers are those of their size, with a sign.
  if (Number.isInteger(n)) {
    const y = byLogarithm(tensors.abs(a), n);
    return n % 2 === 0 ? y : where(less(a, 0), tensors.neg(y), y);
  }
  return byLogarithm(a, n);
}

function byLogarithm(a: TensorLike, n: number): TensorLike {
  const power = (x: TensorLike) => tensors.exp(tensors.mul(tensors.log(x), n));
  if (n < 0) return power(a);
  // At 0 the logarithm has no derivative, but the power has: that of the root is infinite, of others above 1 it is 0.
  const atZero = equal(a, 0);
  return where(atZero, n < 1 ? tensors.sqrt(a) : 0, power(where(atZero, 1, a)));
}

/** x to the power n >= 1, by squaring. */
function multiplied<T>(x: T, n: number, mul: (x: T, y: T) => T): T {
  let result: T | undefined;
  for (let square = x; ; square = mul(square, square)) {
    if (n % 2 === 1) result = result === undefined ? square : mul(result, square);
    n = Math.floor(n / 2);
    if (n === 0) return result!;
  }
}

import { DTypeError } from '../errors.js';
import { broadcastShapes, type DType, requireDType, sameShape, type TensorType } from '../shape.js';
import { equal, greater, where } from './compare.js';
import { ANY, product, rising, square, vanishing, within } from './interval.js';
import { eachRun } from './loops.js';
import { defineOp, type Elements, type Op, type VjpContext } from './op.js';
import { sumTo } from './reduce.js';
import { apply, Tensor, type TensorLike, toTensor } from './tensor.js';

/** Of an op without options. */
export type None = Record<never, never>;

/** What an op may say of its results, beside how they are made. */
type Facts = Pick<Op<None>, 'interval' | 'exact' | 'commutative' | 'linear'>;

interface UnaryRule extends Facts {
  cost: number;
  emit(x: string): string;
  loop(x: Elements, out: Elements): void;
  /** Null where no gradient passes. */
  vjp: ((context: VjpContext<None>) => Tensor) | null;
  integers?: (x: string) => string;
  /** The functions of assembly/ that `emit` calls, by file. */
  library?: Readonly<Record<string, string>>;
}

export function unary(name: string, rule: UnaryRule): Op<None> {
  return defineOp<None>({
    name,
    type([x]) {
      requireDType(name, x, 'f32', ...(rule.integers ? (['i32'] as const) : []));
      return x;
    },
    vjp: rule.vjp && ((context) => [rule.vjp!(context)]),
    reference: ([x], _, out) => rule.loop(x.data, out.data),
    ...factsOf(rule),
    lower: {
      kind: 'elementwise',
      cost: rule.cost,
      library: rule.library,
      emit: ([x], from) => (from === 'i32' ? rule.integers!(x) : rule.emit(x)),
    },
  });
}

function factsOf({ interval, exact, commutative, linear }: Facts): Facts {
  return {
    ...(interval && { interval }),
    ...(exact && { exact }),
    ...(commutative && { commutative }),
    ...(linear && { linear }),
  };
}

const negOp = unary('neg', {
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
  interval: rising((x) => Math.sqrt(Math.max(x, 0))),
  cost: 6,
  emit: (x) => `f32x4.sqrt(${x})`,
  loop(x, out) {
    for (let i = 0; i < out.length; i++) out[i] = Math.sqrt(x[i]);
  },
  vjp: ({ cotangent: g, output: y }) => div(mul(g, 0.5), y),
});

const rsqrtOp = unary('rsqrt', {
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
  interval: rising(erfFloat64),
  cost: 20,
  emit: (x) => `erf4(${x})`,
  library: { erf4: 'math' },
  loop(x, out) {
    for (let i = 0; i < out.length; i++) out[i] = erfFloat64(x[i]);
  },
  vjp: ({ cotangent: g, inputs: [x] }) => mul(g, mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI))),
});

const sinOp = unary('sin', {
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
 * erf to about 1e-15: the Maclaurin series near 0 (Abramowitz and Stegun 7.1.6), where all terms are
 * positive, and the continued fraction of erfc (7.1.14) further out.
 */
export function erfFloat64(x: number): number {
  const a = Math.abs(x);
  if (!(a < 6)) return Number.isNaN(x) ? x : Math.sign(x);
  if (a < 2.5) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (2 * x * x) / (2 * n + 1);
      sum += term;
    }
    return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
  }
  let fraction = a;
  for (let n = 60; n >= 1; n--) fraction = a + n / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * fraction));
}

interface BinaryRule extends Facts {
  cost: number;
  dtypes: DType[];
  emit(a: string, b: string, dtype: DType): string;
  /** As of a unary rule. */
  library?: Readonly<Record<string, string>>;
  loop(a: Elements, b: Elements, out: Elements): BinaryRun;
  vjp(context: VjpContext<None>): [Tensor, Tensor];
}

/** One run over two operands: offsets and strides of a, then of b. */
type BinaryRun = (o: number, n: number, i: number, di: number, j: number, dj: number) => void;

export function binary(name: string, rule: BinaryRule): Op<None> {
  return defineOp<None>({
    name,
    type: ([a, b]) => binaryType(name, a, b, rule.dtypes),
    vjp(context) {
      const [da, db] = rule.vjp(context);
      return [sumTo(da, context.inputs[0].shape), sumTo(db, context.inputs[1].shape)];
    },
    reference([a, b], _, out) {
      const run = rule.loop(a.data, b.data, out.data);
      eachRun(out.shape, [a, b], (o, n, at, by) => run(o, n, at[0], by[0], at[1], by[1]));
    },
    ...factsOf(rule),
    lower: {
      kind: 'elementwise',
      cost: rule.cost,
      library: rule.library,
      emit: ([a, b], from) => rule.emit(a, b, from),
    },
  });
}

/** Operands of one dtype that broadcast together. */
export function binaryType(name: string, a: TensorType, b: TensorType, dtypes: DType[]): TensorType {
  if (a.dtype !== b.dtype) {
    throw new DTypeError(`${name}: dtypes differ: ${a.dtype} and ${b.dtype} (convert with cast)`);
  }
  requireDType(name, a, ...dtypes);
  return {
    shape: sameShape(a.shape, b.shape) ? a.shape : broadcastShapes(name, [a.shape, b.shape]),
    dtype: a.dtype,
  };
}

export const numbers: DType[] = ['f32', 'i32'];
export const lanes = (dtype: DType) => (dtype === 'i32' ? 'i32x4' : 'f32x4');

const addOp = binary('add', {
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

export const one = (op: Op<None>) => (x: TensorLike) => apply(op, [toTensor(x)], {});

/** Element by element; x: f32 or i32. */
export const neg = one(negOp);
export const exp = one(expOp);
export const log = one(logOp);
export const sqrt = one(sqrtOp);
/** 1 / sqrt(x). */
export const rsqrt = one(rsqrtOp);
export const tanh = one(tanhOp);
/** 1 / (1 + exp(-x)). */
export const sigmoid = one(sigmoidOp);
/** max(x, 0); its gradient at 0 is 0. */
export const relu = one(reluOp);
export const abs = one(absOp);
/** The error function, 2/sqrt(pi) times the integral of exp(-t^2) from 0 to x. */
export const erf = one(erfOp);
export const sin = one(sinOp);
export const cos = one(cosOp);

/** Two operands as tensors; a number takes the dtype of the other side, which has to hold it. */
export function pair(a: TensorLike, b: TensorLike): [Tensor, Tensor] {
  return [
    toTensor(a, b instanceof Tensor ? b.dtype : 'f32'),
    toTensor(b, a instanceof Tensor ? a.dtype : 'f32'),
  ];
}

const two = (op: Op<None>) => (a: TensorLike, b: TensorLike) => apply(op, pair(a, b), {});

/**
 * a + b, broadcast as NumPy does. Here and in all that follows, both have one dtype: a number takes the tensor's, and is
 * a DTypeError if that is i32 and the number is a fraction.
 */
export const add = two(addOp);
export const sub = two(subOp);
export const mul = two(mulOp);
/** a / b; f32 only: cast integers first. */
export const div = two(divOp);
export const maximum = two(maximumOp);
export const minimum = two(minimumOp);

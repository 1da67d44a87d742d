import { DTypeError } from '../errors.js';
import { broadcastShapes, type DType, requireDType, sameShape, type TensorType } from '../shape.js';
import { eachRun } from './loops.js';
import { defineOp, type Elements, type Op, type VjpContext } from './op.js';
import { sumTo } from './reduce.js';
import { apply, Tensor, type TensorLike, toTensor } from './tensor.js';

// What elementwise ops of one and of two operands are made with.

/** Of an op without options. */
export type None = Record<never, never>;

/** What an op may say of its results, beside how they are made. */
type Facts = Pick<Op<None>, 'interval' | 'exact' | 'commutative' | 'linear' | 'onnx'>;

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

function factsOf({ interval, exact, commutative, linear, onnx }: Facts): Facts {
  return {
    ...(interval && { interval }),
    ...(exact && { exact }),
    ...(commutative && { commutative }),
    ...(linear && { linear }),
    ...(onnx && { onnx }),
  };
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

export function lanes(dtype: DType): string {
  return dtype === 'i32' ? 'i32x4' : 'f32x4';
}

// Functions, and no constants: the files of ops that begin with these import each other.

export function one(op: Op<None>): (x: TensorLike) => Tensor {
  return (x) => apply(op, [toTensor(x)], {});
}

/** Two operands as tensors; a number takes the dtype of the other side, which has to hold it. */
export function pair(a: TensorLike, b: TensorLike): [Tensor, Tensor] {
  return [
    toTensor(a, b instanceof Tensor ? b.dtype : 'f32'),
    toTensor(b, a instanceof Tensor ? a.dtype : 'f32'),
  ];
}

export function two(op: Op<None>): (a: TensorLike, b: TensorLike) => Tensor {
  return (a, b) => apply(op, pair(a, b), {});
}

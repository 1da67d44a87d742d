import type { IndexBound } from '../indices.js';
import type { DType, Shape, TensorType } from '../shape.js';
import type { Bounds } from './interval.js';
import type { Tensor } from './tensor.js';

/** Elements as the tape stores them: f32 as Float32Array or Float64Array, i32 and bool as Int32Array. */
export type Elements = Float32Array | Float64Array | Int32Array;

/** Static options of an op: plain data, so that a graph prints, parses and hashes. */
export type Attrs = Readonly<Record<string, number | string | boolean | readonly number[]>>;

/** A tensor as the reference implementations see it: row-major elements with their type. */
export interface Value extends TensorType {
  readonly data: Elements;
}

export interface VjpContext<A extends Attrs> {
  readonly inputs: readonly Tensor[];
  readonly output: Tensor;
  readonly cotangent: Tensor;
  readonly attrs: A;
}

/** How the compiler turns an op into code; the scheduler decides by `kind`. */
export type Lowering =
  /** A v128 expression of v128 arguments, lane by lane (`from`: their dtype, `to`: the result's); `cost` in thirds of a nanosecond per vector, about an instruction each. */
  | {
      readonly kind: 'elementwise';
      readonly cost: number;
      emit(args: readonly string[], from: DType, to: DType): string;
      /** The functions of assembly/ that the expression calls, each with its file. */
      readonly library?: Readonly<Record<string, string>>;
    }
  /**
   * A combination of v128 expressions; `horizontal` is the function of assembly/lanes
   * that folds the lanes of one into all its lanes. `order`: whether the
   * elements may come in any order without a bit that differs, in one that is always the same, or in that and in blocks,
   * because rounding errors would pile up.
   */
  | {
      readonly kind: 'reduce';
      order(dtype: DType): 'free' | 'fixed' | 'blocks';
      identity(dtype: DType): string;
      combine(a: string, b: string, dtype: DType): string;
      horizontal(dtype: DType): string;
    }
  /** The same elements under another index map. */
  | { readonly kind: 'movement' }
  /** Kernels of their own, or leaves. */
  | { readonly kind: 'leaf' | 'iota' | 'gather' | 'scatter' | 'fold' | 'matmul' | 'copy' };

/**
 * One operation, declared in one place. Everything else (the tape, autodiff, the compiler, the tests)
 * works by walking these objects.
 */
export interface Op<A extends Attrs = Attrs> {
  readonly name: string;
  /** Shape and dtype rule; throws ShapeError or DTypeError in the user's terms. */
  type(inputs: readonly TensorType[], attrs: A): TensorType;
  /** Cotangents of the inputs (null: no gradient flows there), or null for an op without gradient. */
  readonly vjp: ((context: VjpContext<A>) => readonly (Tensor | null)[]) | null;
  /** Eager implementation on row-major elements; fills `out`, which is zeroed. */
  reference(inputs: readonly Value[], attrs: A, out: Value): void;
  readonly lower: Lowering;
  /** Bounds of the result; an op without them says nothing of it. */
  readonly interval?: Bounds;
  /** Floats are chosen, moved or cut, never rounded: their bounds need no room for it. */
  readonly exact?: true;
  /** For an op that declares its input to be indices: what they must stay below, and what uses them so. */
  readonly bound?: (attrs: A) => IndexBound;
  /** The result has the input's elements in the same order, so the tape shares them instead of copying. */
  readonly sharesElements?: true;
}

const table = new Map<string, Op>();

export function defineOp<A extends Attrs>(op: Op<A>): Op<A> {
  if (table.has(op.name)) throw new Error(`op ${op.name} is defined twice`);
  table.set(op.name, op as unknown as Op);
  return op;
}

/** Every op that has been defined, by name. */
export function opTable(): ReadonlyMap<string, Op> {
  return table;
}

export type { DType, Shape, TensorType };

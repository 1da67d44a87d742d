import type { IndexBound } from '../indices.js';
import type { DType, ResultType, Shape, TensorType } from '../shape.js';
import type { Applied, Bounds } from './interval.js';
import type { OnnxRule } from './onnx.js';
import type { Tensor } from './tensor.js';

/** Elements as the tape stores them: f32 as Float32Array or Float64Array, i32 and bool as Int32Array. */
export type Elements = Float32Array | Float64Array | Int32Array;

/** A graph inside of a node, as the ops see it: a function of its inputs without variables (a Graph of graph/graph.ts). */
export interface Body {
  readonly name: string;
  readonly inputs: readonly TensorType[];
  readonly nodes: readonly TensorType[];
  readonly outputs: readonly { readonly name: string; readonly node: TensorType }[];
  readonly updates: readonly unknown[];
}

export type Attr = number | string | boolean | readonly number[] | Body;

/** Static options of an op: plain data, so that a graph prints, parses and hashes. */
export type Attrs = Readonly<Record<string, Attr>>;

export function isBody(attr: Attr | undefined): attr is Body {
  return typeof attr === 'object' && 'outputs' in attr;
}

/** A tensor as the reference implementations see it: row-major elements with their type. */
export interface Value extends TensorType {
  readonly data: Elements;
  /** Of an op with several results: all of them; `data` is that of the first. */
  readonly results?: readonly Value[];
}

/** What a VJP may do with the graph of an attribute. */
export interface Bodies {
  /** Traces a function of tensors of these types into a graph. */
  trace(
    name: string,
    inputs: Readonly<Record<string, TensorType>>,
    f: (inputs: Readonly<Record<string, Tensor>>) => Record<string, Tensor>,
  ): Body;
  /** The results of a graph on these tensors, node by node. */
  replay(body: Body, inputs: readonly Tensor[]): Tensor[];
  /** The cotangents that flow from `outputs`, which have those of `from`, to `wrt`, on top of what each has `before`. */
  pull(
    outputs: readonly Tensor[],
    from: readonly Tensor[],
    wrt: readonly Tensor[],
    before: readonly (Tensor | null)[],
  ): (Tensor | null)[];
}

export interface VjpContext<A extends Attrs> {
  readonly inputs: readonly Tensor[];
  readonly output: Tensor;
  readonly cotangent: Tensor;
  readonly attrs: A;
}

/** Of an op with several results; a result that nothing depends on has no cotangent. */
export interface VjpOfSeveral<A extends Attrs> {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly cotangents: readonly (Tensor | null)[];
  readonly attrs: A;
  readonly bodies: Bodies;
}

/** How the compiler turns an op into code; the scheduler decides by `kind`. */
export type Lowering<A extends Attrs = Attrs> =
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
  /**
   * The same elements under another index map: no data moves. `view`: which one, for an input whose elements lie as
   * `strides` say; null if no strides can express it, so that the input has to be copied. `axes`: which axis of the input
   * each axis of the result moves along, two of them along one that windows are taken of, -1 where elements repeat; null if
   * axes are joined or cut. `reads`: how many of the input's elements there are, where sizes do not tell.
   */
  | {
      readonly kind: 'movement';
      view(strides: readonly number[], node: Applied<A>): View | null;
      axes(node: Applied<A>): readonly number[] | null;
      reads?(node: Applied<A>): number;
    }
  /** Each input becomes a block of the result: where it starts; `zeros`: whether something is left around, which is 0. */
  | { readonly kind: 'copy'; readonly zeros: boolean; starts(node: Applied<A>): number[][] }
  /** One of several results: no kernel. */
  | { readonly kind: 'result' }
  /** Written in other ops, which take its place before kernels are made: gives its results. */
  | {
      readonly kind: 'composite';
      expand(inputs: readonly Tensor[], attrs: Attrs, replay: Bodies['replay']): readonly Tensor[];
      /** Whether the scheduler can make a loop of it, so that it need not be written out. */
      isLoop?(attrs: Attrs): boolean;
    }
  /** A graph that is run in a loop: what the scheduler makes of such a node. */
  | { readonly kind: 'loop' }
  /** Kernels of their own, or leaves. */
  | { readonly kind: 'leaf' | 'iota' | 'gather' | 'scatter' | 'fold' | 'matmul' };

/** Where elements lie: index i at offset + sum(i * strides), in elements. */
export interface View {
  readonly strides: readonly number[];
  readonly offset: number;
}

/** Computes the outputs of a graph inside of a node. */
export type RunBody = (body: Body, inputs: readonly Value[]) => readonly Value[];

/**
 * One operation, declared in one place. Everything else (the tape, autodiff, the compiler, the tests)
 * works by walking these objects.
 */
export interface Op<A extends Attrs = Attrs> {
  readonly name: string;
  /** Shape and dtype rule; throws ShapeError or DTypeError in the user's terms. */
  type(inputs: readonly ResultType[], attrs: A): ResultType;
  /** Cotangents of the inputs (null: no gradient flows there), or null for an op without gradient. */
  readonly vjp: ((context: VjpContext<A>) => readonly (Tensor | null)[]) | null;
  /** As `vjp`, of an op with several results. */
  readonly vjpOfSeveral?: (context: VjpOfSeveral<A>) => readonly (Tensor | null)[];
  /** Eager implementation on row-major elements; fills `out`, which is zeroed. `run` computes a graph among the attributes. */
  reference(inputs: readonly Value[], attrs: A, out: Value, run: RunBody): void;
  readonly lower: Lowering<A>;
  /** The same bits with the two operands swapped. */
  readonly commutative?: true;
  /**
   * What a change of operands does to the result: a sum of the operands times these numbers; linear in `each` operand while
   * the others stay, or in the `first` alone; `shift`: what is added to all elements that it folds is added to the result.
   */
  readonly linear?: readonly number[] | 'each' | 'first' | 'shift';
  /** What the type of the result tells of the attributes, and their usual values: graphs as text leave both out. */
  readonly implied?: (type: TensorType) => Attrs;
  /** Bounds of the result; an op without them says nothing of it. */
  readonly interval?: Bounds<A>;
  /** Floats are chosen, moved or cut, never rounded: their bounds need no room for it. */
  readonly exact?: true;
  /** For an op that declares its input to be indices: what they must stay below, and what uses them so. */
  readonly bound?: (attrs: A) => IndexBound;
  /** The result has the input's elements in the same order, so the tape shares them instead of copying. */
  readonly sharesElements?: true;
  /** Each element of the result is one of the input's, in their order, once or repeated. */
  readonly repeats?: true;
  /** Changes no value: says something of it to differentiation, or to checks. */
  readonly marker?: true;
  /** How it is said in ONNX; a composite without is said in the ops that it is written in. */
  readonly onnx?: OnnxRule<A>;
}

/** What arithmetic takes. */
export const numbers: DType[] = ['f32', 'i32'];

const table = new Map<string, Op>();

export function defineOp<A extends Attrs>(op: Op<A>): Op<A> {
  if (table.has(op.name)) throw new Error(`op ${op.name} is defined twice`);
  table.set(op.name, op as unknown as Op);
  return op;
}

/**
 * Every op that has been defined, by name.
 * @example
 * ```ts
 * import { opTable } from '2headgrad';
 * console.log(opTable().get('matmul')?.name); // matmul
 * ```
 */
export function opTable(): ReadonlyMap<string, Op> {
  return table;
}

export type { DType, Shape, TensorType };

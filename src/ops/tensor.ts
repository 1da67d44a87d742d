import { shown } from '../check.js';
import { DTypeError, GraphError } from '../errors.js';
import { type DType, formatShape, holds, type ResultType, type Shape, type TensorType } from '../shape.js';
import { located, userLocation } from '../source.js';
import type { Attrs, Body, Op } from './op.js';

/** What a tensor was computed from; the thread that reverse mode follows back. */
export interface Creator {
  readonly op: Op;
  readonly inputs: readonly Tensor[];
  readonly attrs: Attrs;
}

/**
 * An array of numbers with a shape and a dtype. What stands behind it depends on who runs the model:
 * a node of a graph while tracing, typed arrays on the tape, or a variable waiting for either.
 * @example
 * ```ts
 * import { Tensor, tensor } from '2headgrad';
 * const x: Tensor = tensor([[1, 2], [3, 4]]);
 * console.log(x instanceof Tensor, x.shape, x.dtype); // true [ 2, 2 ] f32
 * ```
 */
export abstract class Tensor implements ResultType {
  abstract readonly shape: Shape;
  abstract readonly dtype: DType;
  /** Of what an op with several results gives, before one of them is named: never in a user's hands. */
  abstract readonly results: readonly TensorType[] | undefined;
  /** Null for leaves and for tensors that no gradient is asked of. */
  abstract readonly creator: Creator | null;

  get rank(): number {
    return this.shape.length;
  }

  /** `Tensor f32[32, 3]`: what console.log and JSON.stringify show. */
  toString(): string {
    return `Tensor ${this.dtype}${formatShape(this.shape)}`;
  }

  toJSON(): string {
    return this.toString();
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  /**
   * JavaScript's operators and texts know nothing of tensors: they would make NaN or '[object Object]' of them. (A
   * tensor in a condition, `if (a)`, cannot be seen from here: it is true, as any object is.)
   */
  [Symbol.toPrimitive](hint: 'string' | 'number' | 'default'): never {
    throw new GraphError(located(`${this.toString()} ${USES[hint]}`));
  }
}

const USES = {
  string: 'stands in a text: write t.toString() for its type; its values are known when it is computed',
  number:
    'is not a number of JavaScript: write a.sub(b), a.mul(2), a.less(b), a.exp(), not a - b, a * 2, a < b, Math.exp(a)',
  default: 'is not a number of JavaScript: write a.add(b) for a + b, a.equal(b) for a == b',
};

/** A function that was traced into a graph of its own. */
export interface Captured {
  /** Its inputs are what is carried, the variables that it assigns to, the elements, and what it reads from outside. */
  readonly body: Body;
  readonly assigned: readonly Variable[];
  /** What it reads from outside, and is the same in every step. */
  readonly same: readonly Tensor[];
}

/** Traces a step that is run again and again. */
export type Capture = (
  name: string,
  carry: readonly TensorType[],
  elements: readonly TensorType[],
  step: (
    carry: readonly Tensor[],
    elements: readonly Tensor[],
  ) => { carry: readonly Tensor[]; outputs: readonly Tensor[] },
  /** Where it reads variables. */
  outer?: Interpreter,
) => Captured;

/** Gives ops their meaning: the tracer appends nodes to a graph, the tape computes at once. */
export interface Interpreter {
  /** Whether layers that differ between training and use (batch norm, dropout) are to train. */
  readonly training: boolean;
  /** Whether gradients can be differentiated again unless asked for otherwise. */
  readonly keepsGraph?: boolean;
  /** `where`: the user's line, if it is not the one that runs. */
  apply(op: Op, inputs: readonly Tensor[], attrs: Attrs, where?: string): Tensor;
  /** `beside`: whose precision it has, where tensors differ in that. */
  constant(values: number | ArrayLike<number>, shape: Shape, dtype: DType, beside?: Tensor): Tensor;
  /** The value that a variable has now, in this trace or on this tape. */
  read(variable: Variable): Tensor;
  /** Gives a variable a new value, seen by later reads. */
  assign(variable: Variable, value: Tensor): void;
  /** The same value without its creator, where that saves work; else the tensor itself. */
  detach(tensor: Tensor): Tensor;
  /** Runs a layer of nn by `forward`, for whoever wants to see what each layer makes; without it layers just run. */
  observe?(layer: object, forward: () => Tensor): Tensor;
  /** What stands in this trace for a tensor of the one around it; any other is itself. */
  within?(tensor: Tensor): Tensor;
  /** Refuses a derivative of which this trace knows a part alone. */
  checkDerivative?(output: Tensor, by: readonly Tensor[]): void;
  /** Runs what is not to be seen by `observe`'s watcher. */
  quietly?<T>(f: () => T): T;
  /** Whether what it runs is one step of many. */
  readonly isStep?: boolean;
  /** Makes a graph of a step; missing where ops run at once. */
  readonly capture?: Capture | undefined;
  /** The same for a step that is never run, of which only the graph can tell what it would give: ops run at once, too. */
  readonly captureUnrun?: Capture | undefined;
}

/** Fills a new variable: element i of `shape`, from a stream of random numbers of its own. */
export type Initializer = (shape: Shape, random: RandomSource) => ArrayLike<number>;

/** Random access to the numbers of one stream; the same bits on every machine. */
export interface RandomSource {
  /** In (0, 1). */
  uniform(index: number): number;
  /** Mean 0, variance 1. */
  normal(index: number): number;
}

/**
 * A named tensor that outlives a step. The loss is differentiated with respect to parameters;
 * state (running statistics) changes by `assign` alone.
 * @example
 * ```ts
 * import { init, nn, Variable } from '2headgrad';
 * const step = nn.state([], init.zeros, 'i32');
 * console.log(step instanceof Variable, step.kind); // true state
 * ```
 */
export class Variable extends Tensor {
  override readonly creator = null;
  override readonly results = undefined;
  /** The user's file and line that made it, or ''. */
  readonly madeAt = userLocation();

  constructor(
    readonly kind: 'parameter' | 'state',
    override readonly shape: Shape,
    override readonly dtype: DType,
    readonly init: Initializer,
  ) {
    super();
  }

  override toString(): string {
    return `${super.toString()} (${this.kind})`;
  }

  /** Gives this variable a new value, seen by what reads it later in the step, and kept for the next step. */
  assign(value: Tensor): void {
    interpreter().assign(this, value);
  }
}

const stack: Interpreter[] = [];
let fallback: (() => Interpreter) | null = null;

/** The interpreter in charge: the innermost `withInterpreter`, or eager computation outside of any. */
export function interpreter(): Interpreter {
  const top = activeInterpreter() ?? fallback?.();
  if (!top)
    throw new GraphError('no trace or tape is active: run the model through trainStep, trace or the tape');
  return top;
}

/** The interpreter of the innermost `withInterpreter`, or undefined outside of any. */
export function activeInterpreter(): Interpreter | undefined {
  return stack.at(-1);
}

export function setDefaultInterpreter(create: () => Interpreter): void {
  fallback = create;
}

/** Runs `f` with ops meaning what `by` gives them. */
export function withInterpreter<T>(by: Interpreter, f: () => T): T {
  stack.push(by);
  try {
    return f();
  } finally {
    stack.pop();
  }
}

/**
 * A tensor, or a number that stands for a scalar of the other operand's dtype. A number that this dtype does not hold
 * (a fraction beside i32) is a DTypeError: nothing is converted without a cast.
 */
export type TensorLike = Tensor | number;

/** What a function gives of tensors of a kind: eager ones, with their numbers, where it is given those. */
export type ResultOf<T extends Tensor> = T extends Variable ? Tensor : T;

export function toTensor(x: TensorLike, dtype: DType = 'f32'): Tensor {
  if (x instanceof Variable) return interpreter().read(x);
  if (x instanceof Tensor) return x;
  if (typeof x !== 'number')
    throw new GraphError(located(`expected a tensor or a number, got ${describe(x)}`));
  if (!holds(dtype, x)) {
    throw new DTypeError(
      `${x} is no ${dtype}, and stands beside a tensor that is: convert that with cast(x, 'f32')`,
    );
  }
  return interpreter().constant(x, [], dtype);
}

/** Applies an op under the current interpreter. Every op function ends here. */
export function apply<A extends Attrs>(op: Op<A>, inputs: readonly Tensor[], attrs: A): Tensor {
  return interpreter().apply(op as unknown as Op, inputs, attrs);
}

function describe(x: unknown): string {
  if (Array.isArray(x) || ArrayBuffer.isView(x)) return 'an array (use tensor(...))';
  return typeof x === 'string' ? 'a string' : shown(x);
}

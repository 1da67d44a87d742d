import { gradients } from '../autodiff/gradients.js';
import { checkOptions, oneOf, shown } from '../check.js';
import { DTypeError, GraphError } from '../errors.js';
import { allocate, evaluateOp } from '../graph/evaluate.js';
import type { Methods } from '../ops/methods.js';
import type { Attrs, Elements, Op, Value } from '../ops/op.js';
import { hasGradient, sharedElements } from '../ops/results.js';
import { type Creator, type Interpreter, setDefaultInterpreter, Tensor, Variable } from '../ops/tensor.js';
import {
  DTYPES,
  type DType,
  formatType,
  holds,
  numel,
  overflows,
  type Shape,
  sameShape,
  type TensorType,
} from '../shape.js';
import { captureUnrun } from '../trace/tracer.js';

export const PRECISIONS = ['float32', 'float64'] as const;
export type Precision = (typeof PRECISIONS)[number];

/** Values of a tensor that are printed. */
const SHOWN = 8;

/** What a method gives of an eager tensor. */
type Computed<Y> = Y extends Tensor
  ? Eager
  : Y extends Tensor[]
    ? Eager[]
    : { [K in keyof Y]: Y[K] extends Tensor ? Eager : Y[K] };

type EagerMethods = {
  [K in keyof Methods]: Methods[K] extends (...rest: infer R) => infer Y
    ? (...rest: R) => Computed<Y>
    : never;
};

/** A tensor whose methods give such as have their numbers. */
interface EagerBase extends Omit<Tensor, keyof Methods | 'toString'>, EagerMethods {
  toString(): string;
}
const EagerBase = Tensor as unknown as abstract new () => EagerBase;

/** A tensor of the tape: its elements are there, row-major. Never written to after it is made. */
export class Eager extends EagerBase {
  /** Sum of the gradients that `backward` brought here; only leaves that track have one. */
  grad: Eager | null = null;

  constructor(
    readonly data: Elements,
    override readonly shape: Shape,
    override readonly dtype: DType,
    override readonly creator: Creator | null,
    /** Whether gradients flow through here. */
    readonly tracked: boolean,
    override readonly results: readonly Value[] | undefined = undefined,
  ) {
    super();
  }

  /** Type and the first values: `Tensor f32[2] [0.5, 1]`. */
  override toString(): string {
    const { data, shape } = this;
    const shown = Array.from(data.subarray(0, SHOWN), (x) => Number(x.toPrecision(6)));
    const more = data.length > SHOWN ? `, ... ${data.length - SHOWN} more` : '';
    const values = shown.join(', ') + more;
    return `${super.toString()} ${shape.length ? `[${values}]` : values}`;
  }

  /** The number in a tensor of one element. */
  item(): number {
    if (this.data.length !== 1) throw new GraphError(`item: needs one element, not ${formatType(this)}`);
    return this.data[0];
  }

  /** Adds the gradient of this scalar to `grad` of every tracked leaf that it was computed from. */
  backward(): void {
    const leaves = trackedLeaves(this);
    gradients(this, leaves, { createGraph: false }).forEach((gradient, i) => {
      const leaf = leaves[i];
      leaf.grad = leaf.grad && gradient ? leaf.grad.add(gradient) : (gradient as Eager | null);
    });
  }
}

/** The leaves that ask for a gradient and that this was computed from. */
export function trackedLeaves(output: Eager): Eager[] {
  const seen = new Set<Tensor>([output]);
  const leaves: Eager[] = [];
  for (const tensor of seen) {
    if (!tensor.creator && (tensor as Eager).tracked) leaves.push(tensor as Eager);
    for (const input of tensor.creator?.inputs ?? []) if ((input as Eager).tracked) seen.add(input);
  }
  return leaves;
}

/**
 * The interpreted engine: every op runs at once on typed arrays and remembers its inputs, so that reverse
 * mode can walk back. The reference for correctness (in float64) and the baseline for speed (in float32).
 */
export class Tape implements Interpreter {
  training = true;
  keepsGraph = false;
  /** Whether numbers know what they were computed from where no gradient is asked of them, too. */
  remembers = false;
  readonly captureUnrun = captureUnrun(this);
  private readonly variables = new Map<Variable, Eager>();
  private readonly create: (variable: Variable) => Elements;

  /** `create` makes a variable's first elements; it is called once per variable. */
  constructor(
    readonly precision: Precision = 'float32',
    create?: (variable: Variable) => ArrayLike<number>,
  ) {
    this.create = (variable) => this.elements(create ? create(variable) : refuse(variable), variable.dtype);
  }

  apply(op: Op, inputs: readonly Tensor[], attrs: Attrs): Tensor {
    return this.compute(op, inputs.map(eager), attrs, this.precision);
  }

  protected compute(op: Op, values: readonly Eager[], attrs: Attrs, precision: Precision): Eager {
    const tracked = hasGradient(op) && values.some((v) => v.tracked);
    const creator = tracked ? { op, inputs: values, attrs } : null;
    if (op.sharesElements) {
      const { shape, dtype } = op.type(values, attrs);
      const by = creator ?? this.remembered(shape, { op, inputs: values, attrs });
      return new Eager(sharedElements(op, values[0], attrs), shape, dtype, by, tracked);
    }
    const { data, shape, dtype, results } = evaluateOp(op, values, attrs, precision);
    const by = creator ?? this.remembered(shape, { op, inputs: values, attrs });
    return new Eager(data, shape, dtype, by, tracked, results);
  }

  private remembered(shape: Shape, creator: Creator): Creator | null {
    return this.remembers && numel(shape) === 1 ? creator : null;
  }

  constant(values: number | ArrayLike<number>, shape: Shape, dtype: DType, _beside?: Tensor): Eager {
    const data =
      typeof values === 'number'
        ? allocate(numel(shape), dtype, this.precision).fill(values)
        : this.elements(values, dtype);
    return new Eager(data, shape, dtype, null, false);
  }

  read(variable: Variable): Eager {
    let value = this.variables.get(variable);
    if (!value) {
      value = this.leaf(variable, this.create(variable));
      this.variables.set(variable, value);
    }
    return value;
  }

  /** Reads that follow can be differentiated through the value, until `settle`. */
  assign(variable: Variable, value: Tensor): void {
    const { shape, dtype } = value;
    if (dtype !== variable.dtype || !sameShape(shape, variable.shape))
      throw new GraphError(
        `assign: a ${variable.kind} is ${formatType(variable)}, the new value ${formatType(value)}`,
      );
    this.variables.set(variable, value instanceof Variable ? this.read(value) : eager(value));
  }

  /** Ends a step: variables keep their elements, and forget what those were computed from. */
  settle(): void {
    for (const [variable, { creator, data }] of this.variables)
      if (creator) this.variables.set(variable, this.leaf(variable, data));
  }

  /** Gives a variable these elements (copied only where the precision asks for it). */
  set(variable: Variable, data: ArrayLike<number>): void {
    if (data.length !== numel(variable.shape)) {
      throw new GraphError(`assign: ${data.length} elements for a variable of ${formatType(variable)}`);
    }
    this.variables.set(variable, this.leaf(variable, this.elements(data, variable.dtype)));
  }

  /** Runs `f`; if it throws, the variables are as they were before. */
  attempt<T>(f: () => T): T {
    const before = [...this.variables];
    try {
      return f();
    } catch (error) {
      for (const [variable, value] of before) this.variables.set(variable, value);
      throw error;
    }
  }

  detach(tensor: Tensor): Tensor {
    const t = eager(tensor);
    return t.tracked ? new Eager(t.data, t.shape, t.dtype, null, false, t.results) : t;
  }

  /** A tensor that gradients can be taken by. */
  input(values: ArrayLike<number>, { shape, dtype }: TensorType): Eager {
    return new Eager(this.elements(values, dtype), shape, dtype, null, dtype === 'f32');
  }

  private leaf(variable: Variable, data: Elements): Eager {
    // State too: a loss may ask for the gradient by it, as it may in a trace.
    return new Eager(data, variable.shape, variable.dtype, null, variable.dtype === 'f32');
  }

  private elements(values: ArrayLike<number>, dtype: DType): Elements {
    const Type = dtype !== 'f32' ? Int32Array : this.precision === 'float64' ? Float64Array : Float32Array;
    return values instanceof Type ? values : Type.from(values as ArrayLike<number>);
  }
}

function refuse(variable: Variable): never {
  throw new GraphError(`a ${variable.kind} of shape [${variable.shape}] has no value on this tape`);
}

function eager(tensor: Tensor): Eager {
  if (tensor instanceof Eager) return tensor;
  if (tensor instanceof Variable) return eager(current().read(tensor));
  throw new GraphError('a traced tensor has no numbers: it is used outside of the function that was traced');
}

/**
 * What computes outside of a trace and of a session: in float64 where one of the tensors is of float64. Numbers beside tensors have
 * the precision of what they meet.
 */
class Outside extends Tape {
  /** Such numbers, and what is made of them alone. */
  private readonly plain = new WeakSet<Eager>();

  override apply(op: Op, inputs: readonly Tensor[], attrs: Attrs): Tensor {
    const values = inputs.map(eager);
    const floats = values.filter(({ dtype }) => dtype === 'f32');
    const isPlain = floats.length > 0 && floats.every((value) => this.plain.has(value));
    if (isPlain || floats.some((value) => value.data instanceof Float64Array && !this.plain.has(value))) {
      const made = this.compute(op, values, attrs, 'float64');
      if (isPlain && made.dtype === 'f32') this.plain.add(made);
      return made;
    }
    const narrow = values.map((value) => (this.plain.has(value) ? inFloat32(value) : value));
    return this.compute(op, narrow, attrs, 'float32');
  }

  override constant(values: number | ArrayLike<number>, shape: Shape, dtype: DType, beside?: Tensor): Eager {
    if (dtype !== 'f32') return super.constant(values, shape, dtype);
    const wide = WIDE.constant(values, shape, dtype);
    if (beside) return eager(beside).data instanceof Float64Array ? wide : inFloat32(wide);
    this.plain.add(wide);
    return wide;
  }
}

const WIDE = new Tape('float64');
const inFloat32 = ({ data, shape, dtype }: Eager) =>
  new Eager(Float32Array.from(data), shape, dtype, null, false);

const outside = new Outside();
const current = () => outside;
setDefaultInterpreter(current);

export type Nested = number | readonly Nested[];

export interface TensorOptions {
  dtype?: DType | undefined;
  /** Let `backward` bring a gradient here. */
  requiresGrad?: boolean | undefined;
  precision?: Precision | undefined;
}

/**
 * A tensor from (nested) numbers: tensor([[1, 2], [3, 4]]) has shape [2, 2]. Computed with at once.
 * @example
 * ```ts
 * import { type Eager, tensor } from '2headgrad';
 * const x = tensor([[1, 2], [3, 4]], { requiresGrad: true });
 * (x.square().sum() as Eager).backward();
 * console.log(x.shape, x.grad); // [ 2, 2 ] Tensor f32[2, 2] [2, 4, 6, 8]
 * ```
 */
export function tensor(values: Nested, options: TensorOptions = {}): Eager {
  checkOptions('tensor', options, ['dtype', 'requiresGrad', 'precision']);
  const { dtype = 'f32', requiresGrad = false, precision = 'float32' } = options;
  oneOf('tensor: dtype', dtype, DTYPES);
  oneOf('tensor: precision', precision, PRECISIONS);
  const shape: number[] = [];
  for (let v: Nested = values; typeof v !== 'number'; v = v[0]) {
    shape.push(lengthOf(v));
    if (v.length === 0) break;
  }
  const flat: number[] = [];
  flatten(values, shape, 0, flat);
  const wrong = flat.find((x) => !holds(dtype, x));
  if (wrong !== undefined) throw new DTypeError(`tensor: ${wrong} is no ${dtype}: leave dtype out for f32`);
  const huge = dtype === 'f32' && precision === 'float32' ? flat.find(overflows) : undefined;
  if (huge !== undefined)
    throw new DTypeError(`tensor: ${huge} is beyond float32: ask for { precision: 'float64' }`);
  const { data } = new Tape(precision).constant(flat, shape, dtype);
  return new Eager(data, shape, dtype, null, requiresGrad);
}

function flatten(value: Nested, shape: Shape, depth: number, out: number[]): void {
  if (typeof value === 'number') {
    if (depth !== shape.length) throw new GraphError('tensor: the rows differ in depth');
    out.push(value);
    return;
  }
  if (depth === shape.length) {
    const isRow = typeof value === 'object' && value !== null;
    throw new GraphError(
      isRow ? 'tensor: the rows differ in depth' : `tensor: expected a number, got ${shown(value)}`,
    );
  }
  const length = lengthOf(value);
  if (length !== shape[depth])
    throw new GraphError(`tensor: a row has ${length} elements, not ${shape[depth]}`);
  for (const item of value) flatten(item, shape, depth + 1, out);
}

function lengthOf(list: readonly Nested[]): number {
  if (Array.isArray(list) || ArrayBuffer.isView(list)) return list.length;
  const got = list === null || typeof list === 'undefined' ? String(list) : `a ${typeof list}`;
  throw new GraphError(`tensor: expected a number or an array of numbers, got ${got}`);
}

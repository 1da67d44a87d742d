import { BRAND, type Kind } from '../brand.js';
import { shown } from '../check.js';
import { DTypeError, GraphError } from '../errors.js';
import { fromRoots, type Graph, makeInput, makeNode, type Node } from '../graph/graph.js';
import { NodeTensor } from '../graph/node-tensor.js';
import { constantOp } from '../ops/leaf.js';
import type { Attrs, Op } from '../ops/op.js';
import {
  type Capture,
  type Captured,
  type Creator,
  type Interpreter,
  Tensor,
  Variable,
  withInterpreter,
} from '../ops/tensor.js';
import { checkShape, DTYPES, type DType, overflows, type Shape, type TensorType } from '../shape.js';
import { userLocation } from '../source.js';

/** A tensor of a trace: it stands for a node, not for numbers. */
export class Traced extends NodeTensor {
  constructor(
    node: Node,
    readonly tracer: Tracer,
    override readonly creator: Creator | null,
  ) {
    super(node);
  }
}

/** Runs a model once on symbolic tensors and keeps every op as a node. */
export class Tracer implements Interpreter {
  private readonly data: Node[] = [];
  private readonly variables = new Map<Variable, { name: string; read: Traced; now: Tensor }>();

  /** `names` gives every variable that the model may use. */
  constructor(
    readonly name: string,
    readonly training: boolean,
    private readonly names: ReadonlyMap<Variable, string> = new Map(),
  ) {}

  input(name: string, { shape, dtype }: TensorType): Traced {
    const node = makeInput(name, 'input', shape, dtype);
    this.data.push(node);
    return new Traced(node, this, null);
  }

  apply(op: Op, inputs: readonly Tensor[], attrs: Attrs, where = userLocation()): Tensor {
    const traced = inputs.map((input) => this.lift(input));
    const node = makeNode(
      op,
      traced.map((t) => t.node),
      attrs,
      where,
    );
    return new Traced(node, this, { op, inputs: traced, attrs });
  }

  constant(values: number | ArrayLike<number>, shape: Shape, dtype: DType): Tensor {
    const list = typeof values === 'number' ? [values] : Array.from(values);
    const huge = dtype === 'f32' ? list.find(overflows) : undefined;
    if (huge !== undefined)
      throw new DTypeError(
        `${huge} is beyond float32, whose largest number is 3.4e38; write Infinity if that is meant`,
      );
    return new Traced(makeNode(constantOp as unknown as Op, [], { values: list, shape, dtype }), this, null);
  }

  read(variable: Variable): Tensor {
    return this.entry(variable).now;
  }

  /** The value that a variable has when the step begins: what gradients are taken with respect to. */
  initial(variable: Variable): Traced {
    return this.entry(variable).read;
  }

  assign(variable: Variable, value: Tensor): void {
    const entry = this.entry(variable);
    const node = this.lift(value);
    checkAssigned(entry.name, variable, node);
    entry.now = node;
  }

  detach(tensor: Tensor): Tensor {
    return tensor;
  }

  readonly captureUnrun: Capture = (name, carry, elements, step, outer = this) =>
    new BodyTracer(name, this, outer).capturing(carry, elements, step);
  readonly capture: Capture | undefined = this.captureUnrun;

  /** Variables in the order of their first use. */
  used(): Variable[] {
    return [...this.variables.keys()];
  }

  finish(outputs: Record<string, Tensor>): Graph {
    const entries = [...this.variables.values()];
    return fromRoots({
      name: this.name,
      inputs: [...this.data, ...entries.map((e) => e.read.node)],
      outputs: Object.entries(outputs).map(([name, t]) => ({ name, node: this.lift(t).node })),
      updates: entries
        .filter((e) => e.now !== e.read)
        .map((e) => ({ variable: e.read.node, value: this.lift(e.now).node })),
    });
  }

  private entry(variable: Variable) {
    let entry = this.variables.get(variable);
    if (!entry) {
      const name = this.names.get(variable);
      if (name === undefined) {
        throw new GraphError(
          `a ${variable.kind} of shape [${variable.shape}] is used but not part of the model${at(userLocation())}: put it into the object given as model`,
        );
      }
      const read = new Traced(makeInput(name, variable.kind, variable.shape, variable.dtype), this, null);
      entry = { name, read, now: read };
      this.variables.set(variable, entry);
    }
    return entry;
  }

  protected lift(tensor: Tensor): Traced {
    if (tensor instanceof Traced && tensor.tracer === this) return tensor;
    if (tensor instanceof Variable) return this.read(tensor) as Traced;
    if ('data' in tensor)
      return this.constant(tensor.data as ArrayLike<number>, tensor.shape, tensor.dtype) as Traced;
    throw new GraphError(
      `a tensor of another trace is used in ${this.name}${at(userLocation())}: compute it inside`,
    );
  }
}

/** Traces a step inside of another trace, or where ops run at once: what it reads from there becomes an input. */
class BodyTracer extends Tracer {
  /** What was read from outside, in order, and the input that stands for it. */
  private readonly captured = new Map<Tensor, { input: Traced; outer: Tensor }>();
  private readonly changed = new Map<Variable, Tensor>();
  private given: readonly Traced[] = [];
  readonly isStep = true;

  constructor(
    name: string,
    private readonly around: Tracer | null,
    private readonly outer: Interpreter,
  ) {
    super(name, outer.training);
  }

  capturing(
    carry: readonly TensorType[],
    elements: readonly TensorType[],
    step: Parameters<Capture>[3],
  ): Captured {
    const symbols = (prefix: string, types: readonly TensorType[]) =>
      types.map((type, i) => this.input(`${prefix}${i}`, type));
    const [given, walked] = [symbols('c', carry), symbols('x', elements)];
    this.given = given;
    const made = withInterpreter(this, () => step(given, walked));
    // A result may be a tensor of outside as it is: it is an input then, too.
    const [next, kept] = [made.carry, made.outputs].map((list) => list.map((tensor) => this.lift(tensor)));
    const assigned = [...this.changed.keys()];
    const carried = assigned.map((variable) => this.captured.get(variable)!.input);
    const outputs = [...next, ...this.changed.values(), ...kept].map((tensor, i) => ({
      name: `y${i}`,
      node: this.lift(tensor).node,
    }));
    // What no result needs is no input: it would have a gradient, of zeros.
    const needed = new Set(fromRoots({ name: this.name, inputs: [], outputs, updates: [] }).nodes);
    const same = [...this.captured]
      .filter(([of, { input }]) => !this.changed.has(of as Variable) && needed.has(input.node))
      .map(([, entry]) => entry);
    const body = fromRoots({
      name: this.name,
      inputs: [...given, ...carried, ...walked, ...same.map((entry) => entry.input)].map(({ node }) => node),
      outputs,
      updates: [],
    });
    return { body, assigned, same: same.map((entry) => entry.outer) };
  }

  override read(variable: Variable): Tensor {
    return this.changed.get(variable) ?? this.from(variable, () => this.outer.read(variable));
  }

  override initial(variable: Variable): Traced {
    return this.from(variable, () => this.outer.read(variable));
  }

  override assign(variable: Variable, value: Tensor): void {
    this.initial(variable);
    const node = this.lift(value);
    checkAssigned(variable.kind, variable, node);
    this.changed.set(variable, node);
  }

  within(tensor: Tensor): Tensor {
    return tensor instanceof Traced || this.isFromOutside(tensor) ? this.lift(tensor) : tensor;
  }

  /** Steps before this one are not in its graph: what depends on them and on a tensor of outside has no derivative here. */
  checkDerivative(output: Tensor, by: readonly Tensor[]): void {
    const outside = new Set<Tensor>([...this.captured.values()].map(({ input }) => input));
    if (!by.some((tensor) => outside.has(tensor))) return;
    const seen = new Set<Tensor>([output]);
    for (const { creator } of seen) for (const input of creator?.inputs ?? []) seen.add(input);
    if (this.given.some((carry) => seen.has(carry)))
      throw new GraphError(
        `gradients: inside of a scan what depends on the carry has no gradient by a tensor of outside${at(userLocation())}: how the steps before depend on it is not known there. Carry that tensor, or differentiate what scan gives`,
      );
  }

  protected override lift(tensor: Tensor): Traced {
    return this.isFromOutside(tensor) ? this.from(tensor, () => tensor) : super.lift(tensor);
  }

  private isFromOutside(tensor: Tensor): boolean {
    if (tensor instanceof Traced) return tensor.tracer !== this && this.isInside(tensor.tracer);
    // In another trace these numbers are constants; what computes at once may want a gradient by them.
    return 'data' in tensor && this.isOfTape();
  }

  private isOfTape(): boolean {
    return this.around === null || (this.around instanceof BodyTracer && this.around.isOfTape());
  }

  private from(of: Tensor, read: () => Tensor): Traced {
    let entry = this.captured.get(of);
    if (!entry) {
      const outer = read();
      entry = { input: this.input(`s${this.captured.size}`, outer), outer };
      this.captured.set(of, entry);
    }
    return entry.input;
  }

  /** Whether this step is traced inside of that trace. */
  private isInside(tracer: Tracer): boolean {
    return this.around === tracer || (this.around instanceof BodyTracer && this.around.isInside(tracer));
  }
}

/** How what computes at once traces a step that is never run: what it reads from there becomes an input. */
export function captureUnrun(by: Interpreter): Capture {
  return (name, carry, elements, step, outer = by) =>
    new BodyTracer(name, null, outer).capturing(carry, elements, step);
}

function checkAssigned(name: string, variable: Variable, value: TensorType): void {
  if (value.dtype !== variable.dtype || value.shape.join() !== variable.shape.join()) {
    throw new GraphError(
      `assign: ${name} is ${variable.dtype}[${variable.shape}], the new value is ${value.dtype}[${value.shape}]`,
    );
  }
}

function at(where: string): string {
  return where ? ` (${where})` : '';
}

/**
 * Traces a function of tensors into a graph.
 * @param inputs name and type of each argument, in order
 * @param f called once, with one symbolic tensor per input; returns named outputs
 *
 * @example
 * ```ts
 * import { f32, trace } from '2headgrad';
 * const graph = trace('f', { x: f32(2) }, ({ x }) => ({ y: x.exp().sum() }));
 * console.log(graph.name, graph.outputs.map(({ name }) => name)); // f [ 'y' ]
 * ```
 */
export function trace(
  name: string,
  inputs: Record<string, TensorType>,
  f: (inputs: Record<string, Tensor>) => Record<string, Tensor>,
): Graph {
  if (typeof f !== 'function')
    throw new GraphError(
      `trace: expected (name, { x: f32(2, 3) }, ({ x }) => ({ y })), got ${shown(f)} third`,
    );
  for (const [key, type] of Object.entries(inputs)) {
    if (key === '' || key === '__proto__')
      throw new GraphError(`trace: ${JSON.stringify(key)} cannot be the name of an input`);
    if (!Array.isArray(type?.shape) || !DTYPES.includes(type.dtype))
      throw new GraphError(`trace: ${key}: expected a type, as in f32(2, 3), got ${shown(type)}`);
    checkShape(`trace: ${key}`, type.shape);
  }
  const tracer = new Tracer(name, true);
  return withInterpreter(tracer, () => {
    const symbols = Object.fromEntries(
      Object.entries(inputs).map(([key, type]) => [key, tracer.input(key, type)]),
    );
    return markGraph(tracer.finish(checkOutputs(name, f(symbols))));
  });
}

function checkOutputs(name: string, outputs: Record<string, Tensor>): Record<string, Tensor> {
  const isObject = typeof outputs === 'object' && outputs !== null && !Array.isArray(outputs);
  if (!isObject || outputs instanceof Tensor || (outputs as unknown) instanceof Promise)
    throw new GraphError(
      `trace: ${name} must return its outputs by name, as in ({ y }), got ${outputs instanceof Tensor ? 'a tensor' : shown(outputs)}`,
    );
  const wrong = Object.entries(outputs).find(([, output]) => !(output instanceof Tensor));
  if (wrong)
    throw new GraphError(`trace: the output ${wrong[0]} of ${name} must be a tensor, got ${shown(wrong[1])}`);
  if (Object.keys(outputs).length === 0) throw new GraphError(`trace: ${name} returns no output`);
  return outputs;
}

/** A graph that a user holds, as something that a tool finds among the exports of a model file. */
function markGraph(graph: Graph): Graph {
  return Object.defineProperty(graph, BRAND, { value: 'graph' satisfies Kind });
}

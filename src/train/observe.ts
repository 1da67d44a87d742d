import { layerPaths } from '../nn/module.js';
import type { Attrs, Op } from '../ops/op.js';
import { hasGradient } from '../ops/results.js';
import { type Capture, type Interpreter, type Tensor, Variable } from '../ops/tensor.js';
import type { DType, Shape } from '../shape.js';

/** Ops that bend: what comes out of them says whether a layer still learns. */
export const ACTIVATIONS = ['tanh', 'relu', 'sigmoid'] as const;

/** What a layer of the model, or an activation function that stands in one, gave. */
export interface Observed {
  /** The layer's path in the model (`layers.3`, or `model` for the model itself); `layers.3.tanh` for a function in it. */
  readonly name: string;
  /** The op that made it, such as `tanh`. */
  readonly op: string;
  readonly tensor: Tensor;
  /** Whether it depends on a parameter, so that a gradient can flow through it. */
  readonly trained: boolean;
}

interface Seen {
  name: string;
  tensor: Tensor;
  /** Named after a layer, not after a function in one. */
  layer: boolean;
}

/**
 * Runs a model as the interpreter inside does, and keeps what its layers give: of every layer that `model` holds,
 * a user's own too, the f32 output, and of every activation function that is called by itself. What is there
 * already is not kept again: an output that is the layer's input, that of a layer inside, or either in another shape.
 */
export class Observer implements Interpreter {
  private readonly paths: ReadonlyMap<object, string>;
  private readonly running: string[] = [];
  private quiet = 0;
  private readonly made = new Map<Tensor, { op: Op; inputs: readonly Tensor[] }>();
  /** Tensors that depend on a parameter. */
  private readonly trained = new Set<Tensor>();
  private readonly seen = new Map<Tensor, Seen>();
  /** The value of each variable as it was first read. */
  private readonly first = new Map<Variable, Tensor>();

  constructor(
    private readonly by: Interpreter,
    model: unknown,
  ) {
    this.paths = layerPaths(model);
  }

  /** In the order in which they were computed; a layer that ran twice has a second one, `name#2`. */
  get observed(): Observed[] {
    const taken = new Set<string>();
    return [...this.seen.values()].map(({ name, tensor }) => {
      let own = name;
      for (let time = 2; taken.has(own); time++) own = `${name}#${time}`;
      taken.add(own);
      const op = this.made.get(tensor)!.op.name;
      return { name: own, op, tensor, trained: this.trained.has(tensor) };
    });
  }

  get training(): boolean {
    return this.by.training;
  }

  get keepsGraph(): boolean {
    return this.by.keepsGraph ?? false;
  }

  observe(layer: object, forward: () => Tensor): Tensor {
    const path = this.paths.get(layer);
    if (path === undefined) return forward();
    this.running.push(path);
    let output: Tensor;
    try {
      output = forward();
    } finally {
      this.running.pop();
    }
    this.keep(output, path || 'model', true);
    return output;
  }

  quietly<T>(f: () => T): T {
    this.quiet++;
    try {
      return f();
    } finally {
      this.quiet--;
    }
  }

  get capture(): Capture | undefined {
    return this.reading(this.by.capture);
  }

  get captureUnrun(): Capture | undefined {
    return this.reading(this.by.captureUnrun);
  }

  /** Variables are read from here. */
  private reading(capture: Capture | undefined): Capture | undefined {
    return (
      capture && ((name, carry, elements, step, outer = this) => capture(name, carry, elements, step, outer))
    );
  }

  apply(op: Op, inputs: readonly Tensor[], attrs: Attrs, where?: string): Tensor {
    const output = this.by.apply(op, inputs, attrs, where);
    this.made.set(output, { op, inputs });
    if (hasGradient(op) && inputs.some((input) => this.isTrained(input))) this.trained.add(output);
    if ((ACTIVATIONS as readonly string[]).includes(op.name)) {
      const path = this.running.at(-1);
      this.keep(output, path ? `${path}.${op.name}` : op.name, false);
    }
    return output;
  }

  constant(values: number | ArrayLike<number>, shape: Shape, dtype: DType, beside?: Tensor): Tensor {
    return this.by.constant(values, shape, dtype, beside);
  }

  read(variable: Variable): Tensor {
    const value = this.by.read(variable);
    if (variable.kind === 'parameter') this.trained.add(value);
    if (!this.first.has(variable)) this.first.set(variable, value);
    return value;
  }

  /** What a variable was before anything was assigned to it. */
  initial(variable: Variable): Tensor {
    return this.first.get(variable) ?? this.read(variable);
  }

  assign(variable: Variable, value: Tensor): void {
    this.initial(variable);
    this.by.assign(variable, value);
  }

  detach(tensor: Tensor): Tensor {
    return this.by.detach(tensor);
  }

  private isTrained(tensor: Tensor): boolean {
    return this.trained.has(tensor) || (tensor instanceof Variable && tensor.kind === 'parameter');
  }

  private keep(tensor: Tensor, name: string, layer: boolean): void {
    if (tensor.dtype !== 'f32' || this.quiet > 0) return;
    let source = tensor;
    for (let made = this.made.get(source); made?.op.name === 'reshape'; made = this.made.get(source)) {
      source = made.inputs[0];
      if (this.seen.has(source)) return;
    }
    if (!this.made.has(source)) return;
    const before = this.seen.get(tensor);
    if (!before) this.seen.set(tensor, { name, tensor, layer });
    else if (layer && !before.layer) Object.assign(before, { name, layer });
  }
}

import { gradients } from '../autodiff/gradients.js';
import { GraphError, OptionError } from '../errors.js';
import { fromRoots, type Graph } from '../graph/graph.js';
import { type NormObserver, withNormObserver } from '../nn/calibration.js';
import { inModel, namedVariables, parameters } from '../nn/module.js';
import { sub } from '../ops/elementwise.js';
import { mean, square } from '../ops/functions.js';
import { sum } from '../ops/reduce.js';
import { type Interpreter, type Tensor, type Variable, withInterpreter } from '../ops/tensor.js';
import type { BoundOptimizer, Optimizer } from '../optim/optimizer.js';
import { printableJson, shownName } from '../printable.js';
import { checkShape, formatType, numel, type TensorType } from '../shape.js';
import { userLocation } from '../source.js';
import { Tracer } from '../trace/tracer.js';
import { checkStep, outputsOf, returned } from './check-step.js';
import { type Calibration, gradientName, gradientsIn, LEARNING_RATE, layerOutput } from './description.js';
import { everyOf } from './diagnostics.js';
import { computeOf, describeMetric, type Metric } from './metrics.js';
import { Observer } from './observe.js';
import type { Program, ProgramVariable } from './program.js';
import type { FloatType, IntegerType } from './typed-columns.js';

export type Types = Record<string, TensorType>;
export type Tensors<T extends Types> = { [K in keyof T]: Tensor };

/** A use of the model: inputs of its own, and what it makes of them: one tensor, called `output`, or several by name. */
export interface Use<M, I extends Types> {
  inputs: I;
  output: (model: M, inputs: Tensors<I>) => Tensor | Record<string, Tensor>;
}

export interface StepOptions<
  M,
  B extends Types,
  P extends Types,
  E extends Record<string, Types> = Record<string, Types>,
  V = unknown,
> {
  /** What the program is called in prints and files. */
  name?: string;
  /** A layer, or any object or array that holds the layers and variables. */
  model: M;
  /** Name and type of each part of a batch, such as { x: i32(32, 3), y: i32(32) }. */
  batch: B;
  /** A scalar to minimise: the mean over the batch of something that each row has its own of. */
  loss: (model: M, batch: Tensors<B>) => Tensor;
  optimizer: Optimizer;
  /** What a trained model is used for, on inputs of its own. */
  predict?: { inputs: P; output: (model: M, inputs: Tensors<P>) => Tensor };
  /**
   * What `session.evaluate` gives beside the loss, by name, with the model in use mode: a function of a batch that gives one number,
   * of which f32 is averaged over all rows and i32, which counts, is summed; or `{ mean }` or `{ sum }` with a function that gives
   * as many numbers as it likes. Rows must not influence each other.
   */
  evaluate?: { [K in keyof V]: V[K] & Metric<M, Tensors<B>> };
  /** Other uses of the model by names of their own, for `session.invoke(name, inputs)`; in use mode, as `predict`. */
  entries?: { [K in keyof E]: Use<M, E[K]> };
  /** Accept parameters that the loss does not depend on; they stay as they are. */
  allowUnused?: boolean;
  /** Give out every parameter's gradient too; costs the fusion of gradients into updates. */
  keepGradients?: boolean;
  /**
   * Also make the step in two parts, for loops of one's own: `session.backward(batch)` gives the gradients, and
   * `session.update(gradients, { lr })` has the optimizer take a step with them. Costs code, and memory for the gradients.
   */
  separate?: boolean;
  /**
   * Look at every so many steps (100 unless told): activations and gradients of each layer, and how far the step moves
   * each parameter. `session.diagnostics()` has the numbers. Other steps cost nothing, and no bit of them changes.
   * With gradient accumulation these are steps in which the optimizer acts.
   */
  diagnostics?: boolean | { every?: number };
}

const RATE: Types = { [LEARNING_RATE]: { shape: [], dtype: 'f32' } };

/** A training step before an engine is chosen: its parts as functions that run under any interpreter. */
export class StepDefinition<M = unknown, B extends Types = Types, P extends Types = Types> {
  readonly name: string;
  readonly variables: readonly ProgramVariable[];
  /** `predict` and the user's own entries. */
  readonly uses: ReadonlyMap<string, Use<M, Types>>;
  private readonly parameters: ReadonlyMap<string, Variable>;
  private readonly optimizer: BoundOptimizer;
  /** Steps from one that diagnostics look at to the next; 0 without. */
  private readonly every: number;
  /** The user's file and line that made it, or ''. */
  readonly madeAt = userLocation();

  constructor(readonly options: StepOptions<M, B, P>) {
    checkStep(options as unknown as StepOptions<unknown, Types, Types>);
    this.name = options.name ?? 'step';
    this.every = everyOf(options.diagnostics);
    const { predict, entries = {} } = options as StepOptions<M, B, P>;
    this.uses = new Map(
      Object.entries({ ...(predict && { predict }), ...entries }) as [string, Use<M, Types>][],
    );
    const named = namedVariables(options.model);
    this.parameters = parameters(options.model);
    if (this.parameters.size === 0) {
      const isPlain = typeof options.model === 'function' && !('parts' in options.model);
      const mend = isPlain ? ': it is a function and no layer: call it, as in nn.linear(2, 1)' : '';
      throw new OptionError(`trainStep: the model has no parameters${mend}`);
    }
    // By these names saved weights leave the optimizer's out.
    const taken = [...named].find(([name, { kind }]) => kind === 'state' && name.startsWith('optimizer.'));
    if (taken)
      throw new OptionError(
        `trainStep: ${printableJson(taken[0])} is state of the model under a name of the optimizer's: call that part otherwise`,
      );
    this.optimizer = options.optimizer.bind(this.parameters);
    const state = [...this.optimizer.state].map(([name, v]) => [`optimizer.${name}`, v] as const);
    this.variables = [...named, ...state].map(([name, variable]) => {
      const { kind, shape, dtype } = variable;
      return { name, role: kind, shape, dtype, variable };
    });
    checkDistinct(this.variables);
    const inputs = [
      ...Object.keys(options.batch),
      ...[...this.uses.values()].flatMap((use) => Object.keys(use.inputs)),
      ...(options.separate ? [...this.parameters.keys()].map(gradientName) : []),
      LEARNING_RATE,
    ];
    const shared = this.variables.find(({ name }) => inputs.includes(name));
    if (shared)
      throw new OptionError(
        `trainStep: ${printableJson(shared.name)} is a ${shared.role} of the model and an input too: rename one of them`,
      );
  }

  /** Rows in one batch. */
  get batchSize(): number {
    return Object.values(this.options.batch)[0].shape[0] ?? 1;
  }

  /** Forward, backward and update under `by`; returns the loss, and the gradients if they are kept. */
  train(by: Interpreter, batch: Tensors<B>, learningRate: Tensor): Record<string, Tensor> {
    const { loss, ...flows } = this.gradients(by, batch);
    this.update(by, flows, learningRate);
    return this.options.keepGradients ? { loss, ...flows } : { loss };
  }

  /** Forward and backward: the loss, and the gradient of each parameter that it reaches. State of the model moves. */
  gradients(by: Interpreter, batch: Tensors<B>): Record<string, Tensor> {
    return withInterpreter(by, () => {
      const before = [...this.parameters].map(([name, variable]) => ({ name, value: by.read(variable) }));
      const loss = this.loss(by, batch);
      const flows = gradients(
        loss,
        before.map((p) => p.value),
        { createGraph: false },
      );
      const unused = before.filter((_, i) => !flows[i]).map((p) => p.name);
      if (unused.length && !this.options.allowUnused) {
        throw this.wrong(
          `the loss does not reach ${unused.map(shownName).join(', ')}: take ${unused.length > 1 ? 'them' : 'it'} out of the model, or set allowUnused`,
        );
      }
      const reached = before.flatMap(({ name }, i) => {
        const gradient = flows[i];
        return gradient ? [[gradientName(name), gradient] as const] : [];
      });
      return { loss, ...Object.fromEntries(reached) };
    });
  }

  /** A step of the optimizer with gradients that are given by name. */
  update(by: Interpreter, given: Readonly<Record<string, Tensor>>, learningRate: Tensor): void {
    const flows = Object.entries(gradientsIn(given));
    const gradients = new Map(flows.map(([name, flow]) => [this.parameters.get(name)!, flow] as const));
    withInterpreter(by, () => this.optimizer.update(gradients, learningRate));
  }

  /**
   * The loss of a batch in training, with what each layer gives, its gradient, and that of each parameter. Whoever
   * calls this drops what it assigns to variables.
   */
  diagnose(by: Interpreter, batch: Tensors<B>): Record<string, Tensor> {
    const observer = new Observer(by, this.options.model);
    return withInterpreter(by, () => {
      const loss = this.loss(observer, batch);
      const { observed } = observer;
      const outputs = new Map<string, Tensor>([['loss', loss]]);
      for (const { name, tensor } of observed) outputs.set(layerOutput(name).activation, tensor);
      const wanted = [
        ...observed.filter((o) => o.trained).map((o) => [layerOutput(o.name).gradient, o.tensor] as const),
        ...[...this.parameters].map(([name, v]) => [gradientName(name), observer.initial(v)] as const),
      ];
      const flows = gradients(
        loss,
        wanted.map(([, tensor]) => tensor),
        { createGraph: false },
      );
      wanted.forEach(([name], i) => {
        const flow = flows[i];
        if (flow) outputs.set(name, flow);
      });
      return Object.fromEntries(outputs);
    });
  }

  /** The loss alone. */
  loss(by: Interpreter, batch: Tensors<B>): Tensor {
    return withInterpreter(by, () => {
      const { loss: compute, model } = this.options;
      const loss = returned(
        'the loss',
        inModel(model, () => compute(model, batch)),
        this.madeAt,
      );
      if (loss.dtype !== 'f32' || loss.shape.some((n) => n !== 1)) {
        throw this.wrong(`the loss must be one f32 number, not ${formatType(loss)}: take its mean`);
      }
      return loss;
    });
  }

  /** The loss and the metrics of a batch. */
  evaluate(by: Interpreter, batch: Tensors<B>): Record<string, Tensor> {
    const { model, evaluate = {} } = this.options;
    const loss = this.loss(by, batch);
    const measured = Object.entries(evaluate as Record<string, Metric>).map(([name, metric]) => {
      const compute = computeOf(metric) as unknown as (model: M, batch: Tensors<B>) => Tensor;
      const what = `evaluate: ${shownName(name)}`;
      const f = () => inModel(model, () => compute(model, batch));
      return [name, withInterpreter(by, () => returned(what, f(), this.madeAt))];
    });
    return { loss, ...Object.fromEntries(measured) };
  }

  private wrong(what: string): GraphError {
    return new GraphError(this.madeAt ? `${what} (${this.madeAt})` : what);
  }

  /** Mean and sum of squared deviations of what goes into each batch norm in use, feature by feature. */
  statistics(by: Interpreter, batch: Tensors<B>) {
    const names = new Map(this.variables.map((v) => [v.variable, v.name]));
    const calibration: Calibration[] = [];
    const moments: Record<string, Tensor> = {};
    const observe: NormObserver = (running, x) => {
      const axes = x.shape.slice(0, -1).map((_, axis) => axis);
      const mu = mean(x, axes);
      moments[`mean.${calibration.length}`] = mu;
      moments[`squares.${calibration.length}`] = sum(square(sub(x, mu)), axes);
      calibration.push({
        mean: names.get(running.mean)!,
        variance: names.get(running.variance)!,
        perRow: numel(x.shape.slice(0, -1)) / this.batchSize,
      });
    };
    withNormObserver(observe, () => this.loss(by, batch));
    return { moments, calibration };
  }

  /** What `predict` or an entry of the user's makes, by name. */
  use(by: Interpreter, name: string, inputs: Tensors<Types>): Record<string, Tensor> {
    const { model } = this.options;
    const use = this.uses.get(name)!;
    return withInterpreter(by, () =>
      outputsOf(
        name === 'predict' ? 'predict.output' : `entries: ${shownName(name)}.output`,
        inModel(model, () => use.output(model, inputs)),
        this.madeAt,
        name !== 'predict',
      ),
    );
  }

  /** Traces every entry. */
  program(): Program {
    const { batch } = this.options;
    let hasNorms = false;
    const entries: Record<string, Graph> = {
      train: this.trace('train', { ...batch, ...RATE }, true, (by, inputs) =>
        this.train(by, inputs as Tensors<B>, inputs[LEARNING_RATE]),
      ),
      evaluate: this.trace('evaluate', batch, false, (by, inputs) =>
        withNormObserver(
          () => {
            hasNorms = true;
          },
          () => this.evaluate(by, inputs as Tensors<B>),
        ),
      ),
    };
    for (const [name, { inputs: types }] of this.uses)
      entries[name] = this.trace(name, types, false, (by, inputs) => this.use(by, name, inputs));
    if (this.options.separate) Object.assign(entries, this.parts());
    const calibration = hasNorms ? this.calibration(entries) : undefined;
    const program = { name: this.name, variables: this.variables, entries, calibration };
    const described = { ...program, ...this.metrics(entries.evaluate) };
    if (!this.every) return described;
    const diagnose = this.trace('diagnose', batch, true, (by, inputs) =>
      this.diagnose(by, inputs as Tensors<B>),
    );
    entries.diagnose = fromRoots({ ...diagnose, updates: [] });
    // Other steps would show parameters that stand still.
    const interval = this.options.optimizer.interval ?? 1;
    const diagnostics = { first: interval - 1, every: Math.ceil(this.every / interval) * interval };
    return { ...described, diagnostics };
  }

  /** How the metrics that a graph gives are put together. */
  private metrics({ outputs }: Graph): Pick<Program, 'metrics'> {
    const { evaluate } = this.options;
    if (!evaluate) return {};
    const metrics = Object.entries(evaluate as Record<string, Metric>).map(([name, metric]) => {
      const { node } = outputs.find((output) => output.name === name)!;
      return [name, describeMetric(name, metric, node, this.madeAt)];
    });
    return { metrics: Object.fromEntries(metrics) };
  }

  /** The step in two entries; what one gives the other takes. */
  private parts(): Record<'gradients' | 'update', Graph> {
    const gradients = this.trace('gradients', this.options.batch, true, (by, inputs) =>
      this.gradients(by, inputs as Tensors<B>),
    );
    const flows = gradients.outputs.filter((o) => o.name !== 'loss');
    const types = Object.fromEntries(
      flows.map(({ name, node: { shape, dtype } }) => [name, { shape, dtype }] as const),
    );
    const update = this.trace('update', { ...types, ...RATE }, true, (by, inputs) => {
      this.update(by, inputs, inputs[LEARNING_RATE]);
      return {};
    });
    return { gradients, update };
  }

  /** Adds the entry `calibrate`; returns which norm each of its outputs belongs to. */
  private calibration(entries: Record<string, Graph>): readonly Calibration[] {
    let calibration: readonly Calibration[] = [];
    entries.calibrate = this.trace('calibrate', this.options.batch, false, (by, inputs) => {
      const found = this.statistics(by, inputs as Tensors<B>);
      calibration = found.calibration;
      return found.moments;
    });
    return calibration;
  }

  private trace(
    entry: string,
    types: Types,
    training: boolean,
    body: (by: Interpreter, inputs: Record<string, Tensor>) => Record<string, Tensor>,
  ): Graph {
    const names = new Map(this.variables.map((v) => [v.variable, v.name]));
    const tracer = new Tracer(`${this.name}.${entry}`, training, names);
    const inputs = Object.fromEntries(
      Object.entries(types).map(([name, type]) => [name, tracer.input(name, type)]),
    );
    return tracer.finish(body(tracer, inputs));
  }
}

/** Variables are told apart by their names. */
function checkDistinct(variables: readonly ProgramVariable[]): void {
  const seen = new Set<string>();
  for (const { name } of variables) {
    if (seen.has(name))
      throw new OptionError(
        `trainStep: two variables are called ${printableJson(name)}, of the model or of the optimizer's state: rename that part of the model`,
      );
    seen.add(name);
  }
}

/**
 * The type of an input of floats: f32(32, 3) is a tensor of shape [32, 3].
 * @example
 * ```ts
 * import { f32 } from '2headgrad';
 * console.log(f32(32, 3)); // { shape: [ 32, 3 ], dtype: 'f32' }
 * ```
 */
export const f32 = (...shape: number[]): FloatType => typeOf('f32', shape);
/**
 * The type of an input of whole numbers: i32(32) are 32 of them.
 * @example
 * ```ts
 * import { i32 } from '2headgrad';
 * console.log(i32(32)); // { shape: [ 32 ], dtype: 'i32' }
 * ```
 */
export const i32 = (...shape: number[]): IntegerType => typeOf('i32', shape);

function typeOf<D extends 'f32' | 'i32'>(dtype: D, shape: number[]): TensorType & { readonly dtype: D } {
  if (shape.some((size) => Array.isArray(size)))
    throw new OptionError(`${dtype}: give sizes one by one, as in ${dtype}(32, 3)`);
  checkShape(dtype, shape);
  return { shape, dtype };
}

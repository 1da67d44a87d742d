import type { Tensor } from '../ops/tensor.js';
import { numel, type TensorType } from '../shape.js';
import { drawnRows } from '../train/columns.js';
import { gradientName, gradientsIn } from '../train/description.js';
import type { Engine, Numbers } from '../train/engine.js';
import { initialValues } from '../train/initial.js';
import type { StepDefinition, Tensors, Types } from '../train/step.js';
import { type Eager, type Precision, Tape } from './tape.js';

/** Runs a step on the tape: the model's own code, op by op, anew in every step. */
export class TapeEngine implements Engine {
  readonly kind = 'tape';
  readonly threads = 1;
  private readonly tape: Tape;
  private dataset: Record<string, Numbers> = {};
  private rows = 0;
  private inOrder = false;
  private lastGradients: Record<string, Numbers> = {};

  constructor(
    private readonly definition: StepDefinition,
    public seed: number,
    precision: Precision,
  ) {
    this.tape = new Tape(precision);
    // As in the trace that the compiler gets: a loss may hold the gradient of another.
    this.tape.keepsGraph = true;
    const initial = initialValues(definition.variables, seed);
    for (const { name, variable } of definition.variables) this.tape.set(variable, initial.get(name)!);
  }

  setData(columns: Record<string, Numbers>, rows: number, inOrder = false): void {
    // Copied, as the compiled engine does: what the user does with the arrays afterwards does not matter.
    this.dataset = Object.fromEntries(Object.entries(columns).map(([name, all]) => [name, all.slice()]));
    this.rows = rows;
    this.inOrder = inOrder;
  }

  advance(first: number, learningRates: Float32Array): Float64Array {
    return this.tape.attempt(() => {
      const losses = new Float64Array(learningRates.length);
      for (let i = 0; i < losses.length; i++) {
        losses[i] = this.trainOn(this.draw(first + i), learningRates[i]);
        if (!Number.isFinite(losses[i])) return losses.subarray(0, i + 1);
      }
      return losses;
    });
  }

  step(at: number, learningRate: number): number {
    // As the compiled engine gets it.
    return this.trainOn(this.draw(at), Math.fround(learningRate));
  }

  trainOn(batch: Record<string, Numbers>, learningRate: number): number {
    const rate = this.tape.constant(learningRate, [], 'f32');
    const inputs = this.tensors(batch, this.definition.options.batch);
    const { loss, ...rest } = this.run(true, () => this.definition.train(this.tape, inputs, rate));
    this.lastGradients = elementsOf(gradientsIn(rest));
    return (loss as Eager).item();
  }

  backward(batch: Record<string, Numbers>): Record<string, Numbers> {
    const inputs = this.tensors(batch, this.definition.options.batch);
    return elementsOf(this.run(true, () => this.definition.gradients(this.tape, inputs)));
  }

  update(gradients: Record<string, Numbers>, learningRate: number): void {
    const rate = this.tape.constant(Math.fround(learningRate), [], 'f32');
    const names = Object.keys(gradientsIn(gradients));
    const types = Object.fromEntries(names.map((name) => [gradientName(name), this.variable(name)]));
    this.run(true, () => this.definition.update(this.tape, this.tensors(gradients, types), rate));
  }

  evaluate(batch: Record<string, Numbers>): Record<string, Numbers> {
    const inputs = this.tensors(batch, this.definition.options.batch);
    // So that a mean over what counts is found again, as in a trace.
    this.tape.remembers = true;
    try {
      return elementsOf(this.run(false, () => this.definition.evaluate(this.tape, inputs)));
    } finally {
      this.tape.remembers = false;
    }
  }

  statistics(batch: Record<string, Numbers>): Record<string, Numbers> {
    const inputs = this.tensors(batch, this.definition.options.batch);
    const { moments } = this.run(false, () => this.definition.statistics(this.tape, inputs));
    return elementsOf(moments);
  }

  invoke(entry: string, inputs: Record<string, Numbers>): Record<string, Numbers> {
    const tensors = this.tensors(inputs, this.definition.uses.get(entry)!.inputs);
    return elementsOf(this.run(false, () => this.definition.use(this.tape, entry, tensors)));
  }

  diagnose(batch: Record<string, Numbers>): Record<string, Numbers> {
    // On a tape of its own, which takes the variables from this one: running statistics that move there do not here.
    const tape = new Tape(this.tape.precision, (variable) => this.tape.read(variable).data);
    tape.keepsGraph = true;
    const inputs = this.tensors(batch, this.definition.options.batch);
    return elementsOf(this.definition.diagnose(tape, inputs));
  }

  gradients(): Record<string, Numbers> {
    return this.lastGradients;
  }

  read(name: string): Numbers {
    return this.tape.read(this.variable(name)).data;
  }

  lying(name: string): Numbers {
    return this.read(name);
  }

  putBack(name: string, lying: Numbers): void {
    this.write(name, lying);
  }

  write(name: string, values: Numbers): void {
    this.tape.set(this.variable(name), values.slice());
  }

  async close(): Promise<void> {}

  private run<T>(training: boolean, f: () => T): T {
    this.tape.training = training;
    try {
      return this.tape.attempt(f);
    } finally {
      this.tape.settle();
    }
  }

  private variable(name: string) {
    return this.definition.variables.find((v) => v.name === name)!.variable;
  }

  private tensors(values: Record<string, Numbers>, types: Types): Tensors<Types> {
    return Object.fromEntries(
      Object.entries(types).map(([name, type]: [string, TensorType]) => [
        name,
        this.tape.input(values[name], type),
      ]),
    );
  }

  draw(step: number): Record<string, Numbers> {
    const picked = drawnRows(this.seed, step, this.definition.batchSize, this.rows, this.inOrder);
    return Object.fromEntries(
      Object.entries(this.definition.options.batch).map(([name, { shape, dtype }]) => {
        const width = numel(shape.slice(1));
        const out = dtype === 'f32' ? new Float64Array(numel(shape)) : new Int32Array(numel(shape));
        picked.forEach((row, i) => {
          for (let j = 0; j < width; j++) out[i * width + j] = this.dataset[name][row * width + j];
        });
        return [name, out];
      }),
    );
  }
}

/** Copies of the elements: a tensor may be one of the user's, or be given out under two names. */
function elementsOf(tensors: Readonly<Record<string, Tensor>>): Record<string, Numbers> {
  return Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, (t as Eager).data.slice()]));
}

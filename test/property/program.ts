import fc from 'fast-check';
import { gradients } from '../../src/autodiff/gradients.js';
import { DTypeError, ShapeError } from '../../src/errors.js';
import type { Graph } from '../../src/graph/graph.js';
import { add, mean, mul, square, sub, sum, type Tensor, transpose } from '../../src/ops/index.js';
import { type Interpreter, type Variable, withInterpreter } from '../../src/ops/tensor.js';
import { adam, adamW, type Optimizer, sgd } from '../../src/optim/index.js';
import { numel } from '../../src/shape.js';
import { Tracer } from '../../src/trace/tracer.js';
import { Builder, type Feed, type Step } from './builder.js';
import { edgeStep, stepKinds } from './steps.js';

/** A random training step, as the choices that make it: fast-check shrinks these. */
export interface Program {
  readonly sizes: readonly number[];
  /** Shapes of the tensors that it starts with, as numbers of axes. */
  readonly leaves: readonly number[];
  readonly steps: readonly Step[];
  /** Choices of the loss, the optimizer, the outputs. */
  readonly ending: readonly number[];
  /** Whether values may become infinite, or no numbers. */
  readonly edges: boolean;
  /** Of the numbers that it is run on. */
  readonly data: number;
}

/** Around the edges of vectors and tiles, primes, and rarely nothing at all. */
const SIZES = [2, 3, 4, 1, 5, 7, 8, 9, 13, 16, 17, 31, 33];

const picks = (n: number) => fc.array(fc.nat({ max: 2 ** 20 }), { minLength: n, maxLength: n, size: 'max' });

export function programs(): fc.Arbitrary<Program> {
  const size = fc.oneof(
    { arbitrary: fc.constantFrom(...SIZES), weight: 60 },
    { arbitrary: fc.constant(0), weight: 2 },
  );
  return fc.record({
    sizes: fc.array(size, { minLength: 2, maxLength: 4, size: 'max' }),
    leaves: fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 4, size: 'max' }),
    steps: fc.array(fc.record({ kind: fc.nat({ max: 2 ** 20 }), picks: picks(9) }), {
      minLength: 2,
      maxLength: 22,
      size: 'max',
    }),
    ending: picks(40),
    edges: fc.nat({ max: 24 }).map((n) => n === 24),
    data: fc.nat(),
  });
}

/** The most ops that the forward part may have. */
const MOST_OPS = 60;

/** Counts the ops, so that a program ends before it takes minutes to compile. */
class CountingTracer extends Tracer {
  ops = 0;
  override apply(...of: Parameters<Tracer['apply']>): Tensor {
    this.ops++;
    return super.apply(...of);
  }
}

/** Steps that a program took before it had enough ops, as it was traced last. */
export const stepsTaken = new WeakMap<Program, number>();

/** The program as a graph: traced, differentiated, its variables updated. `prefix` keeps names apart. */
export function traceProgram(program: Program, prefix = ''): Graph {
  const names = new Map<Variable, string>();
  const tracer = new CountingTracer('program', true, names);
  let steps = 0;
  const outputs = runProgram(
    program,
    tracer,
    (name, type) => tracer.input(name, type),
    (variable, name) => names.set(variable, prefix + name),
    () => tracer.ops < MOST_OPS && ++steps > 0,
  );
  stepsTaken.set(program, steps);
  return tracer.finish(outputs);
}

/** The program itself: a function of tensors, under whatever gives them meaning. */
export function runProgram(
  program: Program,
  by: Interpreter,
  feed: Feed,
  declare: (variable: Variable, name: string) => void,
  goOn: () => boolean = () => true,
): Record<string, Tensor> {
  return withInterpreter(by, () => {
    const b = new Builder(by, program.sizes, feed, declare);
    b.choose(program.ending);
    const trained = b.parameter(b.shape(1 + b.n(2)));
    b.keep(trained);
    for (const rank of program.leaves) b.keep(b.n(3) ? b.input(b.shape(rank)) : b.parameter(b.shape(rank)));
    const leaves = b.pool.length;
    for (const step of program.steps) {
      if (!goOn()) break;
      b.choose(step.picks);
      const kind =
        program.edges && step.kind % 16 === 15 ? edgeStep : stepKinds[step.kind % stepKinds.length];
      const made = attempt(() => kind(b));
      if (made) b.keep(made);
    }
    b.choose([...program.ending].reverse());
    return finish(b, leaves);
  });
}

/** Loss, gradients, updates, outputs. */
function finish(b: Builder, leaves: number): Record<string, Tensor> {
  const made = b.pool.slice(leaves);
  let loss = lossOf(b, made.length ? made : b.pool);
  const values = b.parameters.map((p) => p.value);
  let flows = gradients(loss, values);
  const first = flows.find((flow) => flow && numel(flow.shape) > 0);
  if (first && b.n(12) === 0) {
    // Gradients of gradients.
    loss = add(loss, mean(square(first)).mul(0.1));
    flows = gradients(loss, values);
  }
  const reached = b.parameters.flatMap(({ name, variable, value }, i) => {
    const flow = flows[i];
    return flow ? [{ name, variable, value, flow }] : [];
  });
  const optimizer = b
    .one(optimizers)()
    .bind(new Map(b.parameters.map((p) => [p.name, p.variable])));
  for (const [name, variable] of optimizer.state) b.declare(variable, name);
  const rate = b.n(2) ? b.input([]) : 0.05;
  const tamed = (flow: Tensor) => (b.n(6) === 0 ? flow.tanh() : flow);
  optimizer.update(
    new Map(reached.map((r) => [r.variable, tamed(r.flow)])),
    typeof rate === 'number' ? b.by.constant(rate, [], 'f32') : rate.abs().mul(0.1),
  );
  const odd = oddUpdates(b);
  const outputs: Record<string, Tensor> = { loss };
  for (let i = 1 + b.n(3); i > 0; i--) outputs[`y${i}`] = b.float()!;
  b.shown.forEach((x, i) => {
    outputs[`shown${i}`] = x;
  });
  if (b.n(3) === 0) for (const { name, flow } of reached) outputs[`gradient.${name}`] = flow;
  if (reached.length && b.n(4) === 0) outputs.after = b.by.read(b.one(reached).variable).mul(2);
  return { ...outputs, ...odd };
}

/** Mean of something over each of the last tensors, added up. */
function lossOf(b: Builder, tensors: readonly Tensor[]): Tensor {
  const terms = tensors.slice(-1 - b.n(4)).map((x) => {
    if (numel(x.shape) === 0) return sum(x);
    switch (b.n(4)) {
      case 0:
        return mean(square(x));
      case 1:
        return sum(mul(x, b.input(x.shape))).mul(1 / numel(x.shape));
      case 2:
        return mean(square(sub(x, b.input(x.shape))));
      default:
        return mean(x);
    }
  });
  return terms.reduce((a, t) => add(a, t));
}

const optimizers: (() => Optimizer)[] = [
  () => sgd(),
  () => sgd(),
  () => sgd({ momentum: 0.9 }),
  () => sgd({ momentum: 0.5, nesterov: true, weightDecay: 0.1 }),
  () => adam({ eps: 0.01 }),
  () => adamW({ eps: 0.01, weightDecay: 0.1 }),
];

/** Assignments that no optimizer makes: of views of the variable itself, and of each other's old values. */
function oddUpdates(b: Builder): Record<string, Tensor> {
  const { by } = b;
  if (b.n(3)) return {};
  const x = b.float()!;
  const [one, two] = [b.state(x.shape), b.state(x.shape)];
  const old = by.read(one);
  switch (b.n(6)) {
    case 0:
      two.assign(mul(old, 0.5));
      one.assign(x);
      return { old };
    case 1:
      one.assign(by.read(two));
      two.assign(old);
      return {};
    case 2:
      one.assign(add(mul(old, 0.9), x));
      two.assign(sub(by.read(one), by.read(two)).mul(0.5));
      return {};
    case 3: {
      const back = transpose(transpose(x).add(transpose(old).mul(0.5)));
      one.assign(back);
      return { view: transpose(old) };
    }
    case 4: {
      // Every element depends on others of the variable that it replaces.
      const square = x.rank >= 2 && x.shape[x.rank - 1] === x.shape[x.rank - 2];
      const axes = [...Array(x.rank).keys()];
      const turned = square ? transpose(old, [...axes.slice(0, -2), x.rank - 1, x.rank - 2]) : old;
      one.assign(turned.mul(0.5).add(x));
      return {};
    }
    default: {
      one.assign(sub(x, (x.rank ? sum(old, 0, { keepDims: true }) : old).mul(0.25)));
      return { old };
    }
  }
}

/** Nothing, where the picked operands do not go together. */
function attempt<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof ShapeError || error instanceof DTypeError) return undefined;
    throw error;
  }
}

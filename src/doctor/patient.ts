import { gradients } from '../autodiff/gradients.js';
import { ShapeError } from '../errors.js';
import { evaluateNodes } from '../graph/evaluate.js';
import { fromRoots, type Graph, type Node } from '../graph/graph.js';
import type { Attrs, Elements, Op, Value } from '../ops/op.js';
import { type Tensor, type Variable, withInterpreter } from '../ops/tensor.js';
import type { AnyTrainStep } from '../run/train-step.js';
import type { Shape } from '../shape.js';
import { type Traced, Tracer } from '../trace/tracer.js';
import type { Columns } from '../train/engine.js';
import { initialValues } from '../train/initial.js';
import type { StepDefinition, Types } from '../train/step.js';
import { type Batch, batchOf, type Dataset, datasetOf, randomBatch } from './data.js';
import { batchMeans } from './match.js';

/** A parameter of the model: its node, its first elements, and the gradient of the loss, if there is any. */
export interface Parameter {
  readonly name: string;
  readonly variable: Variable;
  readonly node: Node;
  readonly gradient: Node | null;
  readonly initial: Elements;
}

export interface PatientOptions {
  data?: Columns;
  lr?: number;
  seed: number;
}

type Values = ReadonlyMap<Node, Value>;

/** Rows that say how often something happens in training. */
const SAMPLED = 32;

/** A training step on the table: its graph, and the numbers that one batch makes of it in float64. */
export interface Patient {
  readonly step: AnyTrainStep;
  readonly definition: StepDefinition;
  /** Rows in the batch that was traced. */
  readonly rows: number;
  /** Forward and backward, in training mode. */
  readonly graph: Graph;
  readonly loss: Node;
  /** What the loss is computed from, inputs first; a rule that reads these needs no gradient. */
  readonly forward: readonly Node[];
  readonly parameters: readonly Parameter[];
  /** The derivative of the loss with respect to a node of `forward`. */
  cotangent(node: Node): Node | undefined;
  /** The dataset, checked, or null if none was given. */
  readonly dataset: Dataset | null;
  /** The first batch that training would draw, or made-up tokens; null where there is neither. */
  readonly batch: Batch | null;
  /** Of every node of `graph`, on `batch` with the first parameters; null without one. */
  readonly values: Values | null;
  /** `values`, and if the batch is small those of further ones, with other masks where there is dropout. */
  samples(): readonly Values[];
  /** Like `values`, but random inputs and parameters: what holds here holds by structure, not by chance. */
  randomValues(draw: number): Values;
  readonly lr: number | undefined;
  readonly seed: number;
}

/** Traces a step and runs one batch. Throws what the model throws while it is traced. */
export function admit(step: AnyTrainStep, { data, lr, seed }: PatientOptions): Patient {
  const definition = step.definition as unknown as StepDefinition;
  const traced = traceStep(definition);
  const { graph, rows } = traced;
  const dataset = data ? datasetOf(graph, data, definition.batchSize) : null;
  const initial = initialValues(definition.variables, seed);
  const batch: Batch | null = dataset ? batchOf(graph, dataset, rows, seed) : randomBatch(graph, seed, false);
  const values = batch && evaluateNodes(graph, batch, Object.fromEntries(initial), 'float64');
  const sample = (step: number): Values => {
    const inputs = dataset
      ? batchOf(graph, dataset, rows, seed, step)
      : randomBatch(graph, seed + step, false)!;
    // Of another seed are the keys of random masks.
    const states = definition.variables.filter((v) => v.role === 'state');
    const all = [...initial, ...initialValues(states, seed + step)];
    return evaluateNodes(traced.alone, inputs, Object.fromEntries(all), 'float64');
  };
  let samples: Values[] | null = null;
  const randoms = new Map<number, Values>();
  return {
    step,
    definition,
    rows,
    graph,
    loss: traced.loss,
    forward: traced.forward,
    parameters: traced.parameters.map((p) => ({ ...p, initial: initial.get(p.name)! })),
    cotangent: (node) => traced.cotangents.get(node),
    dataset,
    batch,
    values,
    samples() {
      const further = Math.ceil(SAMPLED / Math.max(1, rows)) - 1;
      samples ??= values ? [values, ...Array.from({ length: further }, (_, i) => sample(i + 1))] : [];
      return samples;
    },
    randomValues(draw) {
      let values = randoms.get(draw);
      if (!values) {
        const inputs = randomBatch(graph, seed + 1 + draw, true)!;
        values = evaluateNodes(graph, inputs, shaken(initial, definition, seed + 1 + draw), 'float64');
        randoms.set(draw, values);
      }
      return values;
    },
    lr,
    seed,
  };
}

/** Parameters moved away from where they start, so that no sum is zero because of a special first value. */
function shaken(initial: Map<string, Elements>, definition: StepDefinition, seed: number) {
  const noise = initialValues(
    definition.variables.map((v) => ({
      ...v,
      variable: Object.assign(Object.create(v.variable) as Variable, {
        init: (shape: Shape, random: { normal(i: number): number }) =>
          Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => random.normal(i)),
      }),
    })),
    seed,
  );
  return Object.fromEntries(
    definition.variables.map(({ name, role }) => {
      const [first, by] = [initial.get(name)!, noise.get(name)!];
      return [name, role === 'parameter' ? Float64Array.from(first, (x, i) => x + by[i] / 4) : first];
    }),
  );
}

interface TracedStep {
  rows: number;
  graph: Graph;
  /** The part of it that the loss is computed from. */
  alone: Graph;
  loss: Node;
  forward: readonly Node[];
  parameters: readonly Omit<Parameter, 'initial'>[];
  cotangents: ReadonlyMap<Node, Node>;
}

/** Keeps every tensor of a trace, so that the loss can be differentiated with respect to each. */
class Recorder extends Tracer {
  readonly made: Traced[] = [];
  /** A step of a scan is looked at each time that it runs. */
  override readonly capture = undefined;
  override apply(op: Op, inputs: readonly Tensor[], attrs: Attrs, where?: string): Tensor {
    const tensor = super.apply(op, inputs, attrs, where) as Traced;
    if (!tensor.results) this.made.push(tensor);
    return tensor;
  }
}

/**
 * The trace of a step. A batch of one row that layers refuse is traced as two if it then turns out that the model
 * takes means over the batch, which is a finding and no reason to give up.
 */
function traceStep(definition: StepDefinition): TracedStep {
  try {
    return traceRows(definition, definition.batchSize);
  } catch (error) {
    if (definition.batchSize !== 1 || !(error instanceof ShapeError)) throw error;
    const twin = attempt(() => traceRows(definition, 2));
    if (!twin || batchMeans(twin.forward, 2).length === 0) throw error;
    return twin;
  }
}

function attempt<T>(f: () => T): T | undefined {
  try {
    return f();
  } catch {
    return undefined;
  }
}

function traceRows(definition: StepDefinition, rows: number): TracedStep {
  const types: Types = Object.fromEntries(
    Object.entries(definition.options.batch).map(([name, { shape, dtype }]) => [
      name,
      { dtype, shape: shape.length ? [rows, ...shape.slice(1)] : shape },
    ]),
  );
  const names = new Map(definition.variables.map((v) => [v.variable, v.name]));
  const tracer = new Recorder(`${definition.name}.doctor`, true, names);
  const own = definition.variables.filter((v) => v.role === 'parameter' && !v.frozen);
  const read = own.map(({ variable }) => tracer.read(variable) as Traced);
  const inputs = Object.fromEntries(Object.entries(types).map(([name, t]) => [name, tracer.input(name, t)]));
  const loss = definition.loss(tracer, inputs) as Traced;
  const within = [...read, ...tracer.made.filter((t) => t.dtype === 'f32')];
  const flows = withInterpreter(tracer, () => gradients(loss, within));
  const cotangents = new Map<Node, Node>();
  within.forEach((tensor, i) => {
    const flow = flows[i] as Traced | null;
    if (flow) cotangents.set(tensor.node, flow.node);
  });
  const outputs = [loss, ...flows.filter((flow) => flow !== null)];
  const graph = tracer.finish(Object.fromEntries(outputs.map((t, i) => [i === 0 ? 'loss' : `flow${i}`, t])));
  const alone = fromRoots({ ...graph, outputs: [{ name: 'loss', node: loss.node }], updates: [] });
  return {
    rows,
    graph,
    alone,
    loss: loss.node,
    forward: alone.nodes,
    cotangents,
    parameters: own.map(({ name, variable }, i) => ({
      name,
      variable,
      node: read[i].node,
      gradient: cotangents.get(read[i].node) ?? null,
    })),
  };
}

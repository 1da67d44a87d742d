import { GradError, OptionError } from '../errors.js';
import { constantValue, fromRoots, type Node } from '../graph/graph.js';
import type { NodeTensor } from '../graph/node-tensor.js';
import { isSparse } from '../graph/scatter.js';
import { add, mul } from '../ops/elementwise.js';
import { concat, reshape, slice } from '../ops/movement.js';
import { type Tensor, withInterpreter } from '../ops/tensor.js';
import { shownName } from '../printable.js';
import { numel, type Shape, type TensorType } from '../shape.js';
import { Tracer } from '../trace/tracer.js';
import { LEARNING_RATE } from './description.js';
import type { Program, ProgramVariable } from './program.js';
import type { StepDefinition, Types } from './step.js';

// A step whose batch is cut into shards. Two entries: `shard` makes of some rows one list of numbers, which are the loss, all gradients,
// and what the state of the model becomes; `update` takes the sum of such lists over all shards. The list is one region of memory, into
// which kernels write. What the model counts (how often dropout has drawn) goes on from shard to shard, as if one came after the other.

/** The output of `shard` and the input of `update`. */
export const SUMS = 'shard.sums';

/** A whole number among the state of the model that each shard makes larger by so much. */
export interface Counter {
  readonly name: string;
  readonly step: number;
}

/** The gradient of a table of which a batch names few rows: most are zeros. */
export interface Table {
  readonly from: number;
  readonly rows: number;
  readonly width: number;
}

export interface ShardedProgram {
  readonly program: Program;
  readonly shards: number;
  /** Floats in the list of a shard. */
  readonly length: number;
  /** How many of them come before the tables, which are last. */
  readonly whole: number;
  readonly tables: readonly Table[];
  readonly counters: readonly Counter[];
}

/** A place in the list of a shard. */
interface Part {
  readonly shape: Shape;
  readonly from: number;
}

/** The program of a step whose batch is cut into so many shards. Throws OptionError where that cannot be. */
export function shardedProgram(definition: StepDefinition, whole: Program, shards: number): ShardedProgram {
  const { batchSize } = definition;
  if (batchSize % shards !== 0)
    throw new OptionError(
      `shards: a batch of ${batchSize} rows cannot be cut into ${shards} equal shards: give a number that divides it`,
    );
  if (whole.variables.some(({ name }) => name === SUMS))
    throw new OptionError(
      `shards: a variable of the model is called ${SUMS}, as an input of ours: rename it`,
    );
  const names = new Map(whole.variables.map((v) => [v.variable, v.name]));
  const shard = traceShard(definition, names, shards);
  const { train: _, gradients: __, ...entries } = whole.entries;
  const update = traceUpdate(definition, names, shard, shards);
  return {
    program: { ...whole, entries: { shard: shard.graph, ...entries, update } },
    shards,
    length: shard.length,
    whole: shard.tables[0]?.from ?? shard.length,
    tables: shard.tables,
    counters: shard.counters.map(({ variable: { name }, step }) => ({ name, step })),
  };
}

type Names = ReadonlyMap<ProgramVariable['variable'], string>;

function traceShard(definition: StepDefinition, names: Names, shards: number) {
  const { name, options, batchSize } = definition;
  const tracer = new Tracer(`${name}.shard`, true, names);
  const inputs = inputsOf(tracer, options.batch, ({ shape: [rows, ...row], dtype }) => ({
    shape: [rows / shards, ...row],
    dtype,
  }));
  const { loss, ...flows } = inShard(batchSize, shards, () => definition.gradients(tracer, inputs));
  const moved = definition.variables.filter(
    ({ variable }) => tracer.used().includes(variable) && tracer.read(variable) !== tracer.initial(variable),
  );
  const counters = moved.flatMap((variable) => {
    const { dtype } = variable;
    return dtype === 'f32' ? [] : [{ variable, step: stepOf(tracer, variable) }];
  });
  const floats = moved.filter(({ dtype }) => dtype === 'f32');
  const isTable = ([, flow]: [string, Tensor]) => touchesFew((flow as NodeTensor).node, shards);
  const all = Object.entries(flows);
  const listed: [string, Tensor][] = [
    ['loss', loss],
    ...all.filter((flow) => !isTable(flow)),
    ...floats.map(({ name, variable }): [string, Tensor] => [stateName(name), tracer.read(variable)]),
    ...all.filter(isTable),
  ];
  let length = 0;
  const parts = new Map<string, Part>();
  for (const [name, { shape }] of listed) {
    parts.set(name, { shape, from: length });
    length += numel(shape);
  }
  const sums = withInterpreter(tracer, () =>
    concat(listed.map(([, tensor]) => reshape(tensor, [numel(tensor.shape)]))),
  );
  // State moves with the sum over all shards; here it stays, so that each of them begins with the same.
  const graph = fromRoots({ ...tracer.finish({ [SUMS]: sums }), updates: [] });
  const tables = all.filter(isTable).map(([name, { shape }]): Table => {
    const [rows, ...row] = shape;
    return { from: parts.get(name)!.from, rows, width: numel(row) };
  });
  return { graph, parts, length, tables, counters, floats, flows: Object.keys(flows) };
}

function traceUpdate(
  definition: StepDefinition,
  names: Names,
  { parts, length, counters, floats, flows }: ReturnType<typeof traceShard>,
  shards: number,
) {
  const tracer = new Tracer(`${definition.name}.update`, true, names);
  const sums = tracer.input(SUMS, { shape: [length], dtype: 'f32' });
  const rate = tracer.input(LEARNING_RATE, { shape: [], dtype: 'f32' });
  const mean = (name: string) => {
    const { shape, from } = parts.get(name)!;
    return mul(reshape(slice(sums, [from], [numel(shape)]), shape), 1 / shards);
  };
  const gradients = withInterpreter(tracer, () =>
    Object.fromEntries(flows.map((name) => [name, mean(name)])),
  );
  definition.update(tracer, gradients, rate);
  return withInterpreter(tracer, () => {
    for (const { name, variable } of floats) variable.assign(mean(stateName(name)));
    for (const { variable, step } of counters)
      variable.variable.assign(add(variable.variable, shards * step));
    return tracer.finish({ loss: reshape(mean('loss'), []) });
  });
}

/** What the state of a model becomes, in the list; no parameter's gradient has the name. */
const stateName = (name: string) => `state.${name}`;

function inputsOf(
  tracer: Tracer,
  types: Types,
  shardOf: (type: TensorType) => TensorType,
): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(types).map(([name, type]) => [name, tracer.input(name, shardOf(type))]),
  );
}

/** By how much a variable is made larger in a step. */
function stepOf(tracer: Tracer, { name, variable }: ProgramVariable): number {
  const [before, now] = [tracer.initial(variable).node, (tracer.read(variable) as NodeTensor).node];
  const step = now.op.name === 'add' && now.inputs[0] === before ? constantValue(now.inputs[1]) : undefined;
  if (step !== undefined && variable.dtype === 'i32') return step;
  throw new OptionError(
    `shards: ${shownName(name)} is state of the model that is no f32, and that a step changes otherwise than by counting: what shards make of it cannot be put together`,
  );
}

/** Whether a gradient is rows that are added to a table, so few that all shards together leave most of it as it is. */
const touchesFew = (node: Node, shards: number): boolean =>
  node.op.name === 'scatter_add' && isSparse(node, shards);

/** Errors of a model that is written for the whole batch tell so. */
function inShard<T>(rows: number, shards: number, trace: () => T): T {
  try {
    return trace();
  } catch (error) {
    if (error instanceof GradError)
      error.message += `; in a shard of ${rows / shards} of the ${rows} rows of a batch, which the model has to take, too`;
    throw error;
  }
}

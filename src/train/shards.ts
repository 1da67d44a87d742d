import { GradError, OptionError } from '../errors.js';
import { constantValue, fromRoots, type Node } from '../graph/graph.js';
import type { NodeTensor } from '../graph/node-tensor.js';
import { isSparse } from '../graph/scatter.js';
import { add, mul } from '../ops/elementwise.js';
import { scatterAdd } from '../ops/gather.js';
import { concat, reshape, slice, zeros } from '../ops/movement.js';
import { type Tensor, withInterpreter } from '../ops/tensor.js';
import { shownName } from '../printable.js';
import { numel, type Shape, type TensorType } from '../shape.js';
import { Traced, Tracer } from '../trace/tracer.js';
import { LEARNING_RATE } from './description.js';
import type { Program, ProgramVariable } from './program.js';
import type { StepDefinition, Types } from './step.js';

// A step whose batch is cut into shards. Two entries: `shard` makes of some rows one list of numbers, which are all gradients, what the
// state of the model becomes, and the loss; `update` takes the sum of such lists over all shards. The list is one region of memory, into
// which kernels write, and from which `update` reads. Gradients lie in it from the last parameter to the first, about as a backward pass
// makes them. Of a large table, of which a batch names few rows, these rows come beside the list, and `update` takes those of all shards.
// What the model counts (how often dropout has drawn) goes on from shard to shard, as if one came after the other.

/** The output of `shard` and an input of `update`. */
export const SUMS = 'shard.sums';
/** The input of `update` that it adds to it: what the last addition would add. */
export const OTHERS = 'shard.others';
/** The input of `shard` with which a list ends: a number of whoever runs it, which is added up as all others are. */
export const NOTE = 'shard.note';
const OWN_NAME = /^shard\.(sums|others|note|(ids|rows)\.\d+)$/;

/** A whole number among the state of the model that each shard makes larger by so much. */
export interface Counter {
  readonly name: string;
  readonly step: number;
}

/** A table of which a batch names few rows: outputs of `shard`, and inputs of `update`, which has those of all shards one after the other. */
export interface Table {
  /** Which rows, i32[count]; a row may be named more than once. */
  readonly ids: string;
  /** What is added to their gradients, f32[count, width]. */
  readonly rows: string;
  /** Of one shard. */
  readonly count: number;
  readonly width: number;
}

export interface ShardedProgram {
  readonly program: Program;
  readonly shards: number;
  /** Floats in the list of a shard. */
  readonly length: number;
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
  const taken = whole.variables.map(({ name }) => name).find((name) => OWN_NAME.test(name));
  if (taken !== undefined)
    throw new OptionError(`shards: a variable of the model is called ${taken}, as one of ours: rename it`);
  const column = Object.keys(definition.options.batch).find((name) => OWN_NAME.test(name));
  if (column !== undefined)
    throw new OptionError(`shards: a part of the batch is called ${column}, as one of ours: rename it`);
  const names = new Map(whole.variables.map((v) => [v.variable, v.name]));
  const shard = traceShard(definition, names, shards);
  const { train: _, gradients: __, ...entries } = whole.entries;
  const update = traceUpdate(definition, names, shard, shards);
  return {
    program: { ...whole, entries: { shard: shard.graph, ...entries, update } },
    shards,
    length: shard.length,
    tables: shard.tables.map(({ ids, rows, count, width }) => ({ ids, rows, count, width })),
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
  const all = Object.entries(flows);
  const tables = all
    .filter(([, flow]) => touchesFew((flow as NodeTensor).node, shards))
    .map(([name, flow], i) => tableOf(name, flow as Traced, i));
  const inList = all.filter(([name]) => !tables.some((table) => table.name === name));
  const listed: [string, Tensor][] = [
    ...inList.reverse(),
    ...floats.map(({ name, variable }): [string, Tensor] => [stateName(name), tracer.read(variable)]),
    ['loss', loss],
    [NOTE, tracer.input(NOTE, { shape: [1], dtype: 'f32' })],
  ];
  let length = 0;
  const parts = new Map<string, Part>();
  for (const [name, { shape }] of listed) {
    parts.set(name, { shape, from: length });
    length += numel(shape);
  }
  const outputs = withInterpreter(tracer, () => ({
    [SUMS]: concat(listed.map(([, tensor]) => reshape(tensor, [numel(tensor.shape)]))),
    ...Object.fromEntries(
      tables.flatMap(({ ids, rows, count, width, added }) => [
        [ids, reshape(added.ids, [count])],
        [rows, reshape(added.rows, [count, width])],
      ]),
    ),
  }));
  // State moves with the sum over all shards; here it stays, so that each of them begins with the same.
  const graph = fromRoots({ ...tracer.finish(outputs), updates: [] });
  return { graph, parts, length, tables, counters, floats, flows: Object.keys(flows) };
}

/** The gradient of a table as what is added to which of its rows. */
function tableOf(name: string, { tracer, node }: Traced, i: number) {
  const [ids, rows] = node.inputs.slice(1).map((input) => new Traced(input, tracer, null));
  const count = numel(ids.shape);
  const own = { ids: `shard.ids.${i}`, rows: `shard.rows.${i}`, count, width: numel(node.shape.slice(1)) };
  return { name, shape: node.shape, ...own, added: { ids, rows } };
}

function traceUpdate(
  definition: StepDefinition,
  names: Names,
  { parts, length, tables, counters, floats, flows }: ReturnType<typeof traceShard>,
  shards: number,
) {
  const tracer = new Tracer(`${definition.name}.update`, true, names);
  const sums = tracer.input(SUMS, { shape: [length], dtype: 'f32' });
  const others = tracer.input(OTHERS, { shape: [length], dtype: 'f32' });
  const added = new Map(
    tables.map(({ name, shape, ids, rows, count, width }) => {
      const index = tracer.input(ids, { shape: [shards * count], dtype: 'i32' });
      const values = tracer.input(rows, { shape: [shards * count, width], dtype: 'f32' });
      return [name, { shape, index, values }] as const;
    }),
  );
  const rate = tracer.input(LEARNING_RATE, { shape: [], dtype: 'f32' });
  const mean = (name: string) => {
    const { shape, from } = parts.get(name)!;
    const [sum, other] = [sums, others].map((list) => slice(list, [from], [numel(shape)]));
    return mul(reshape(add(sum, other), shape), 1 / shards);
  };
  const ofTable = (name: string) => {
    const { shape, index, values } = added.get(name)!;
    const rows = reshape(values, [index.shape[0], ...shape.slice(1)]);
    return mul(scatterAdd(zeros({ shape, dtype: 'f32' }), index, rows), 1 / shards);
  };
  const gradients = withInterpreter(tracer, () =>
    Object.fromEntries(flows.map((name) => [name, added.has(name) ? ofTable(name) : mean(name)])),
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
  const before = tracer.initial(variable).node;
  let [now, step] = [(tracer.read(variable) as NodeTensor).node, 0];
  // A layer that a step uses twice counts twice.
  while (now !== before && now.op.name === 'add') {
    step += constantValue(now.inputs[1]) ?? Number.NaN;
    now = now.inputs[0];
  }
  if (now === before && variable.dtype === 'i32' && Number.isInteger(step)) return step;
  throw new OptionError(
    `shards: ${shownName(name)} is state of the model that is no f32, and that a step changes otherwise than by counting: what shards make of it cannot be put together`,
  );
}

/** Whether a gradient is rows that are added to a table, so few that all shards together leave most of it as it is. */
function touchesFew(node: Node, shards: number): boolean {
  if (node.op.name !== 'scatter_add' || !isSparse(node, shards)) return false;
  const [base] = node.inputs;
  return constantValue(base.op.name === 'broadcast' ? base.inputs[0] : base) === 0;
}

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

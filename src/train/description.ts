import { unknown } from '../check.js';
import { OptionError } from '../errors.js';
import { type Graph, inputAttrs } from '../graph/graph.js';
import { indexBounds } from '../graph/indices.js';
import type { IndexBound } from '../indices.js';
import { type Fill, fillOf } from '../init/fill.js';
import { printable, shownName } from '../printable.js';
import { numel, type TensorType } from '../shape.js';
import { streamOf } from './initial.js';
import type { MetricDescription } from './metrics.js';
import type { Program } from './program.js';

// What a session has to know of a program, as plain data: a session needs no graph, and so no compiler.

/** The input of a training entry that no batch holds. */
export const LEARNING_RATE = 'learning_rate';

export interface InputDescription extends TensorType {
  readonly name: string;
  /** For indices: what they must stay below, and what uses them. */
  readonly bound?: IndexBound;
}

export interface EntryDescription {
  /** What the user gives, in order; the learning rate of a training entry is the last. Variables are not among them. */
  readonly inputs: readonly InputDescription[];
  readonly outputs: readonly (TensorType & { readonly name: string })[];
  /** Whether variables are other ones afterwards. */
  readonly assigns?: boolean;
}

export interface VariableDescription extends TensorType {
  readonly name: string;
  readonly role: 'parameter' | 'state';
  /** The stream of random numbers that its first elements are drawn from. */
  readonly stream: number;
  /** How it begins; missing if a function of the user's says so. */
  readonly fill?: Fill;
  /** A parameter that training leaves as it is. */
  readonly frozen?: boolean;
}

/** The running statistics of a batch norm by name, and how many values of a feature each row of a batch has. */
export interface Calibration {
  readonly mean: string;
  readonly variance: string;
  readonly perRow: number;
}

export interface ProgramDescription {
  readonly name: string;
  readonly variables: readonly VariableDescription[];
  readonly entries: Readonly<Record<string, EntryDescription>>;
  /** What is looked at during training, where the step asks for it. */
  readonly diagnostics?: {
    readonly first: number;
    readonly every: number;
    readonly layers: readonly { readonly name: string; readonly op: string }[];
  };
  /** How what the entry `evaluate` gives beside the loss is put together over batches. */
  readonly metrics?: Readonly<Record<string, MetricDescription>>;
  /** Batch norms in the order in which the model runs them; the entry `calibrate` gives the moments of each. */
  readonly calibration?: readonly Calibration[];
}

/** What the gradient of a parameter is called among inputs and outputs. */
export const gradientName = (parameter: string) => `gradient.${parameter}`;

/** Of outputs by name the gradients, by their parameters. */
export function gradientsIn<T>(outputs: Readonly<Record<string, T>>): Record<string, T> {
  const prefix = gradientName('');
  const found = Object.entries(outputs).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(found.map(([name, value]) => [name.slice(prefix.length), value]));
}

/** What the outputs of the entry `diagnose` are called for a layer. */
export const layerOutput = (name: string) => ({
  activation: `activation.${name}`,
  gradient: `activation_gradient.${name}`,
});

/** Describes a program for its sessions. */
export function describeProgram({
  name,
  variables,
  entries,
  diagnostics,
  calibration,
  metrics,
}: Program): ProgramDescription {
  const prefix = layerOutput('').activation;
  const layers = entries.diagnose?.outputs
    .filter((output) => output.name.startsWith(prefix))
    .map((output) => ({ name: output.name.slice(prefix.length), op: output.node.op.name }));
  return {
    ...(diagnostics && { diagnostics: { ...diagnostics, layers: layers ?? [] } }),
    name,
    variables: variables.map(({ name, role, shape, dtype, variable, frozen }, index) => ({
      ...{ name, role, shape, dtype },
      stream: streamOf(index),
      fill: fillOf(variable.init, shape),
      ...(frozen && { frozen }),
    })),
    entries: Object.fromEntries(
      Object.entries(entries).map(([entry, graph]) => [entry, describeEntry(graph)]),
    ),
    calibration,
    ...(metrics && { metrics }),
  };
}

/** What a program can do under a name, or an OptionError that says why it cannot. */
export function entryOf({ entries, name }: ProgramDescription, wanted: string): EntryDescription {
  if (Object.hasOwn(entries, wanted)) return entries[wanted];
  const isPart = wanted === 'gradients' || wanted === 'update';
  const mend = isPart
    ? 'set separate: true in trainStep, and '
    : METHODS.has(wanted)
      ? ''
      : 'define it in trainStep, and ';
  throw new OptionError(
    `${name} has no ${printable(String(wanted))}, only ${Object.keys(entries).map(shownName).join(' and ')}: ${mend}name it in --entry where it is compiled ahead of time`,
  );
}

/** Entries that a session's own methods run, and not `invoke`. */
export const METHODS: ReadonlyMap<string, string> = new Map([
  ['train', 'session.step or session.run'],
  ['evaluate', 'session.evaluate'],
  ['calibrate', 'session.calibrate'],
  ['diagnose', 'session.diagnostics'],
  ['gradients', 'session.backward'],
  ['update', 'session.update'],
  ['shard', 'session.step or session.run'],
]);

/** `predict`, or an entry of the user's; an OptionError for another name. */
export function useOf(program: ProgramDescription, name: string): EntryDescription {
  const method = METHODS.get(name);
  if (method) throw new OptionError(`invoke: ${name} has a method of its own: call ${method}`);
  return entryOf(program, name);
}

export function variableOf({ variables }: ProgramDescription, name: string): VariableDescription {
  const found = variables.find((v) => v.name === name);
  if (found) return found;
  const known = variables.map((v) => v.name);
  throw new OptionError(`there is no variable ${unknown(String(name), known)}`);
}

/** Number of trained elements. */
export function parameterCount({ variables }: ProgramDescription): number {
  const trained = variables.filter((v) => v.role === 'parameter' && !v.frozen);
  return trained.reduce((n, v) => n + numel(v.shape), 0);
}

/** A session in a line: its state, and nothing of its memory. */
export function sessionText(
  { program, kind, threads, at }: { program: ProgramDescription; kind: string; threads: number; at: number },
  closed: boolean,
): string {
  const state = [`${parameterCount(program)} parameters`, kind, `at step ${at}`];
  if (threads > 1) state.push(`${threads} threads`);
  if (closed) state.push('closed');
  return `Session(${shownName(program.name)}: ${state.join(', ')})`;
}

/** Describes one graph of a program. */
export function describeEntry(graph: Graph): EntryDescription {
  const bounds = indexBounds(graph);
  const inputs = graph.inputs.map(inputAttrs).filter((a) => a.role === 'input');
  return {
    inputs: inputs.map(({ name, shape, dtype }) => ({ name, shape, dtype, bound: bounds.get(name) })),
    outputs: graph.outputs.map(({ name, node: { shape, dtype } }) => ({ name, shape, dtype })),
    ...(graph.updates.length > 0 && { assigns: true }),
  };
}

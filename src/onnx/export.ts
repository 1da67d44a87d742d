import { checkOptions, shown } from '../check.js';
import { OptionError, ShapeError } from '../errors.js';
import { expand, isComposite } from '../graph/expand.js';
import { type Graph, inputAttrs, type Node } from '../graph/graph.js';
import { shownName } from '../printable.js';
import { TrainStep } from '../run/train-step.js';
import { type DType, numel } from '../shape.js';
import type { OnnxGraph, OnnxValue } from './model.js';
import { recognise } from './patterns.js';
import { anyRows, withRows } from './rows.js';
import { type Written, writeGraph } from './writer.js';

export interface OnnxOptions {
  /** What is written: `predict` unless given, an entry of the user's, or `train`, a whole training step. */
  entry?: string | undefined;
}

/** What an export needs of a session: the elements of variables. */
export interface Weights {
  read(name: string): ArrayLike<number>;
}

/**
 * An entry of a training step as an ONNX file: the bytes of a model in standard ops of operator set 23. Inputs and
 * outputs have the names, shapes and dtypes (float, int32, bool) of the entry; `predict` and the user's own take any
 * number of rows where nothing in them is made for one number. Variables that the entry leaves as they are, weights of
 * `predict`, are in the file, with the elements that the session has now. Those that it assigns to, in `train` all that
 * is trained and the optimizer's state, are inputs by their names, and what they become are outputs with `.out` behind
 * the name: the next step takes what the last one gave. Its rate is the input `learning_rate`.
 *
 * `step`: what `trainStep` returned; `session`: one of it, compiled or on the tape. Needs the packages `onnx-buf` and
 * `@bufbuild/protobuf`: DataError where they are not installed.
 * @example
 * ```ts
 * import { f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
 * import { toOnnx } from '2headgrad/onnx';
 * const step = trainStep({
 *   model: nn.linear(2, 1),
 *   batch: { x: f32(4, 2), y: f32(4, 1) },
 *   loss: (model, { x, y }) => meanSquaredError(model(x), y),
 *   optimizer: optim.sgd(),
 *   predict: { inputs: { x: f32(1, 2) }, output: (model, { x }) => model(x) },
 * });
 * const bytes = await toOnnx(step, step.interpret());
 * console.log(bytes instanceof Uint8Array); // true
 * ```
 */
export async function toOnnx(
  // biome-ignore lint/suspicious/noExplicitAny: a step of any model.
  step: TrainStep<any, any, any, any, any, any>,
  session: Weights,
  options: OnnxOptions = {},
): Promise<Uint8Array> {
  return (await onnxFile(step, session, options)).bytes;
}

/** An ONNX file, and what is in it. */
export interface OnnxFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly nodes: number;
  /** A size that may be any is a name. */
  readonly inputs: readonly {
    readonly name: string;
    readonly dtype: DType;
    readonly shape: readonly (number | string)[];
  }[];
  readonly outputs: OnnxFile['inputs'];
  /** Inputs that are variables, which outputs say what they become. */
  readonly state: readonly string[];
}

/** The same with what there is to know of it. */
export async function onnxFile(
  step: unknown,
  session: Weights,
  options: OnnxOptions = {},
): Promise<OnnxFile> {
  const graph = onnxGraph(step, session, options);
  const { encodeOnnx } = await import('./encode.js');
  const described = ({ name, type, shape }: OnnxValue) => ({ name, dtype: type as DType, shape });
  const entry = entryGraph(step as TrainStep, options.entry);
  return {
    name: graph.name,
    bytes: await encodeOnnx(graph),
    nodes: graph.nodes.length,
    inputs: graph.inputs.map(described),
    outputs: graph.outputs.map(described),
    state: entry.updates.map(({ variable }) => inputAttrs(variable).name),
  };
}

/** The same before it is encoded. */
export function onnxGraph(step: unknown, session: Weights, options: OnnxOptions = {}): OnnxGraph {
  checkOptions('toOnnx', options, ['entry']);
  if (!(step instanceof TrainStep))
    throw new OptionError(`toOnnx: expected what trainStep returns first, got ${shown(step)}`);
  if (typeof session?.read !== 'function')
    throw new OptionError(
      `toOnnx: expected a session second, as what step.compile() or step.interpret() gives, got ${shown(session)}`,
    );
  const { entry = 'predict' } = options;
  const graph = entryGraph(step, entry);
  return (graph.updates.length === 0 && forAnyRows(step, entry, session)) || onnxOf(graph, session);
}

/** Numbers of rows that an entry is traced for, to tell what depends on them. */
const TRIED = [2, 3] as const;

/** An entry for any number of rows; null where it is made for one. */
function forAnyRows(step: TrainStep, entry: string, session: Weights): OnnxGraph | null {
  try {
    const [a, b] = TRIED.map((rows) => {
      const traced = withRows(step, entry, rows);
      return traced && onnxOf(entryGraph(traced, entry), session);
    });
    return a && b && anyRows(a, b, TRIED);
  } catch (error) {
    // The model takes no other number of rows.
    if (error instanceof ShapeError) return null;
    throw error;
  }
}

function entryGraph({ program }: TrainStep, entry = 'predict'): Graph {
  const graph = Object.hasOwn(program.entries, entry) ? program.entries[entry] : undefined;
  if (!graph) {
    const mend =
      entry === 'predict' ? 'define predict in trainStep, or choose one as entry' : 'choose one of them';
    throw new OptionError(
      `toOnnx: ${shownName(program.name)} has no ${shownName(String(entry))}, only ${Object.keys(program.entries).map(shownName).join(', ')}: ${mend}`,
    );
  }
  return graph;
}

/** A graph in ops of ONNX; `weights` has the elements of variables that it does not assign to. */
export function onnxOf(graph: Graph, weights: Weights): OnnxGraph {
  const written = prepared(graph);
  const assigned = new Set(written.updates.map(({ variable }) => variable));
  const inputs = written.inputs.map((node) => {
    const { name, role } = inputAttrs(node);
    const isFixed = role !== 'input' && !assigned.has(node);
    return { name, node, ...(isFixed && { data: elementsOf(node, name, weights) }) };
  });
  return writeGraph(written, { inputs, outputs: outputsOf(written) }, prepared);
}

function elementsOf({ shape }: Node, name: string, weights: Weights): number[] {
  const elements = Array.from(weights.read(name));
  if (elements.length === numel(shape)) return elements;
  throw new OptionError(
    `toOnnx: ${shownName(name)} has ${numel(shape)} elements in the step and ${elements.length} in the session: give a session of this step`,
  );
}

/** A graph in ops that can be written. */
function prepared(graph: Graph): Graph {
  return recognise(expand(graph, (node) => isComposite(node) && node.op.onnx === undefined));
}

/** Outputs by names that neither inputs nor others have. */
function outputsOf({ inputs, outputs, updates }: Graph): Written['outputs'] {
  const taken = new Set(inputs.map((node) => inputAttrs(node).name));
  const named = (name: string, node: Node) => {
    let free = name;
    while (taken.has(free)) free = `${free}.out`;
    taken.add(free);
    return { name: free, node };
  };
  return [
    ...outputs.map(({ name, node }) => named(name, node)),
    ...updates.map(({ variable, value }) => named(inputAttrs(variable).name, value)),
  ];
}

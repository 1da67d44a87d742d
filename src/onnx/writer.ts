import { GraphError } from '../errors.js';
import { constantAttrs, type Graph, isConstant, isInput, type Node } from '../graph/graph.js';
import type { OnnxAttributes, OnnxBody, OnnxRule, OnnxType, OnnxWriter } from '../ops/onnx.js';
import type { Body } from '../ops/op.js';
import { isResult } from '../ops/results.js';
import { numel, type Shape } from '../shape.js';
import type { OnnxGraph, OnnxNode, OnnxTensor } from './model.js';

/** Numbers of TensorProto.DataType. */
export const DATA_TYPES: Readonly<Record<OnnxType, number>> = { f32: 1, i32: 6, i64: 7, bool: 9, u64: 13 };

/** A constant of one number and more elements than this is written as that number, and repeated. */
const MOST_REPEATED = 64;

/** What all graphs of a model share: names, each of which is used once, and constants. */
class Shared {
  readonly tensors: OnnxTensor[] = [];
  private readonly names = new Set<string>();
  private readonly known = new Map<string, string>();
  private readonly counts = new Map<string, number>();

  constructor(
    reserved: Iterable<string>,
    /** The graph of a body in ops that can be written. */
    readonly prepare: (graph: Graph) => Graph,
  ) {
    for (const name of reserved) this.names.add(name);
  }

  fresh(base: string): string {
    for (;;) {
      const n = (this.counts.get(base) ?? 0) + 1;
      this.counts.set(base, n);
      const name = `${base}_${n}`;
      if (this.names.has(name)) continue;
      this.names.add(name);
      return name;
    }
  }

  constant(values: readonly number[], type: OnnxType, shape: Shape): string {
    const text = values.map((value) => (Object.is(value, -0) ? '-0' : value)).join();
    const key = `${type} ${shape.join()} ${text}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const name = this.fresh('constant');
    this.tensors.push({ name, type, shape, data: values });
    this.known.set(key, name);
    return name;
  }
}

/** Writes the nodes of one graph. */
class GraphWriter implements OnnxWriter {
  readonly nodesMade: OnnxNode[] = [];
  private readonly values = new Map<Node, readonly string[]>();
  private where = '';

  constructor(private readonly shared: Shared) {}

  node(op: string, inputs: readonly string[], attributes: OnnxAttributes = {}): string {
    return this.nodes(op, inputs, 1, attributes)[0];
  }

  nodes(op: string, inputs: readonly string[], results: number, attributes: OnnxAttributes = {}): string[] {
    const outputs = Array.from({ length: results }, () => this.shared.fresh(op));
    this.nodesMade.push({ op, inputs: [...inputs], outputs, attributes, where: this.where });
    return outputs;
  }

  constant(values: number | readonly number[], type: OnnxType, shape: Shape = []): string {
    return this.shared.constant(typeof values === 'number' ? [values] : values, type, shape);
  }

  ints(values: readonly number[]): string {
    return this.constant(values, 'i64', [values.length]);
  }

  cast(x: string, type: OnnxType): string {
    return this.node('Cast', [x], { to: DATA_TYPES[type] });
  }

  body(body: Body, outside: readonly string[], repeated: number): OnnxBody {
    const graph = this.shared.prepare(body as Graph);
    const own = graph.inputs.length - outside.length;
    const formal = graph.inputs.map((_, i) => (i < own ? this.shared.fresh('element') : outside[i - own]));
    const inner = new GraphWriter(this.shared);
    graph.inputs.forEach((node, i) => {
      inner.name(node, formal[i]);
    });
    inner.write(graph);
    const results = [...graph.outputs.map(({ node }) => node), ...graph.inputs.slice(0, repeated)];
    const outputs = results.map((node) => ({
      ...typeOf(node),
      name: inner.node('Identity', [inner.of(node)]),
    }));
    const inputs = graph.inputs.slice(0, own).map((node, i) => ({ ...typeOf(node), name: formal[i] }));
    return {
      body: { name: graph.name, inputs, outputs, tensors: [], nodes: inner.nodesMade } satisfies OnnxGraph,
    };
  }

  name(node: Node, ...names: string[]): void {
    this.values.set(node, names);
  }

  of(node: Node): string {
    return this.values.get(node)![0];
  }

  write(graph: Graph): void {
    for (const node of graph.nodes) {
      this.where = node.where;
      if (!isInput(node)) this.name(node, ...this.said(node));
    }
  }

  /** The names of what stands for a node. */
  private said(node: Node): readonly string[] {
    if (isConstant(node)) return [this.constantOf(node)];
    if (isResult(node.op)) return [this.values.get(node.inputs[0])![node.attrs.index as number]];
    // Engines fail on some of what has no elements.
    const results = node.results ?? [node];
    if (results.every(({ shape }) => numel(shape) === 0))
      return results.map(({ shape, dtype }) => this.constant([], dtype, shape));
    const rule = node.op.onnx as OnnxRule | undefined;
    if (rule === undefined)
      throw new GraphError(
        `ONNX: there is no way to write ${node.op.name}${node.where && ` (${node.where})`}: leave it out of what is exported`,
      );
    const inputs = node.inputs.map((input) => this.of(input));
    if (typeof rule === 'string') return [this.node(rule, inputs)];
    const made = rule(this, inputs, node);
    return typeof made === 'string' ? [made] : made;
  }

  private constantOf(node: Node): string {
    const { values, shape, dtype } = constantAttrs(node);
    const n = numel(shape);
    if (values.length === n) return this.constant(values, dtype, shape);
    if (n <= MOST_REPEATED) return this.constant(new Array<number>(n).fill(values[0]), dtype, shape);
    return this.node('Expand', [this.constant(values[0], dtype), this.ints(shape)]);
  }
}

export interface Written {
  /** What outputs are called, and the nodes that they are. */
  readonly outputs: readonly { readonly name: string; readonly node: Node }[];
  /** What inputs are called, in the file: those with elements are written into it. */
  readonly inputs: readonly {
    readonly name: string;
    readonly node: Node;
    readonly data?: ArrayLike<number>;
  }[];
}

/** A graph in ops of ONNX. `prepare` makes a graph one of ops that can be written; `graph` has been through it. */
export function writeGraph(
  graph: Graph,
  { inputs, outputs }: Written,
  prepare: (graph: Graph) => Graph,
): OnnxGraph {
  const shared = new Shared(
    [...inputs, ...outputs].map(({ name }) => name),
    prepare,
  );
  const writer = new GraphWriter(shared);
  for (const { node, name } of inputs) writer.name(node, name);
  writer.write(graph);
  const renamed = new Map<string, string>();
  const made = new Set(writer.nodesMade.flatMap((node) => node.outputs));
  for (const { name, node } of outputs) {
    const value = writer.of(node);
    // What is an input, or an output already, is given out by a node of its own.
    if (made.has(value) && !renamed.has(value)) renamed.set(value, name);
    else renamed.set(writer.node('Identity', [value]), name);
  }
  const typed = ({ name, node }: { name: string; node: Node }) => ({ ...typeOf(node), name });
  const weights = inputs.flatMap((input) => (input.data ? [{ ...typed(input), data: input.data }] : []));
  return {
    name: graph.name,
    inputs: inputs.filter(({ data }) => !data).map(typed),
    outputs: outputs.map(typed),
    tensors: [...weights, ...shared.tensors],
    nodes: used(
      withNames(writer.nodesMade, renamed),
      outputs.map(({ name }) => name),
    ),
  };
}

const typeOf = ({ shape, dtype }: Node) => ({ shape, type: dtype });

/** Nodes that outputs are made of. An op may write results that nobody reads, such as where the largest element stands. */
function used(nodes: readonly OnnxNode[], outputs: readonly string[]): OnnxNode[] {
  const wanted = new Set(outputs);
  const kept = [...nodes].reverse().filter((node) => {
    if (!node.outputs.some((name) => wanted.has(name))) return false;
    for (const name of readBy(node)) wanted.add(name);
    return true;
  });
  return kept.reverse();
}

/** What a node reads, in its bodies too. */
export function readBy({ inputs, attributes }: OnnxNode): string[] {
  const bodies = Object.values(attributes).filter(isGraph);
  return [...inputs, ...bodies.flatMap(({ body }) => (body as OnnxGraph).nodes.flatMap(readBy))];
}

/** Nodes, those of bodies too, with other names for some values. */
function withNames(nodes: readonly OnnxNode[], names: ReadonlyMap<string, string>): OnnxNode[] {
  const now = (name: string) => names.get(name) ?? name;
  return nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map(now),
    outputs: node.outputs.map(now),
    attributes: Object.fromEntries(
      Object.entries(node.attributes).map(([name, value]) => {
        if (!isGraph(value)) return [name, value];
        const graph = value.body as OnnxGraph;
        return [name, { body: { ...graph, nodes: withNames(graph.nodes, names) } }];
      }),
    ),
  }));
}

export function isGraph(attribute: OnnxAttributes[string]): attribute is OnnxBody {
  return typeof attribute === 'object' && 'body' in attribute;
}

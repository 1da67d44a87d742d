import { allocated, GraphError } from '../errors.js';
import { checkIndices } from '../indices.js';
import type { Body, Elements, Op, RunBody, Value } from '../ops/op.js';
import { type DType, formatType, numel, type ResultType, type TensorType } from '../shape.js';
import { type Graph, inputAttrs, isInput, type Node } from './graph.js';

export type Precision = 'float32' | 'float64';

export interface Evaluated {
  readonly outputs: Readonly<Record<string, Value>>;
  /** The new values of the variables that the graph updates. */
  readonly updates: Readonly<Record<string, Value>>;
}

type Numbers = Readonly<Record<string, ArrayLike<number>>>;

/** Runs a graph node by node through the ops' reference implementations: slow, and easy to trust. */
export function evaluateGraph(
  graph: Graph,
  inputs: Numbers,
  variables: Numbers,
  precision: Precision = 'float32',
): Evaluated {
  const values = evaluateNodes(graph, inputs, variables, precision);
  return {
    outputs: Object.fromEntries(graph.outputs.map(({ name, node }) => [name, values.get(node)!])),
    updates: Object.fromEntries(
      graph.updates.map((u) => [inputAttrs(u.variable).name, values.get(u.value)!]),
    ),
  };
}

/** The value of every node of a graph. */
export function evaluateNodes(
  graph: Graph,
  inputs: Numbers,
  variables: Numbers,
  precision: Precision,
): Map<Node, Value> {
  const values = new Map<Node, Value>();
  for (const node of graph.nodes) {
    const value = isInput(node)
      ? given(node, inputAttrs(node).role === 'input' ? inputs : variables, precision)
      : evaluateNode(
          node,
          node.inputs.map((input) => values.get(input)!),
          precision,
        );
    values.set(node, value);
  }
  return values;
}

/** The value of one node, of the values of its inputs. */
export function evaluateNode(node: Node, inputs: readonly Value[], precision: Precision): Value {
  if (node.op.bound) checkIndices(inputs[0].data, node.op.bound(node.attrs), () => node.where);
  return evaluateOp(node.op, inputs, node.attrs, precision);
}

/** What an op makes of these values. */
export function evaluateOp(
  op: Op,
  inputs: readonly Value[],
  attrs: Node['attrs'],
  precision: Precision,
): Value {
  const out = emptyValue(op.name, op.type(inputs, attrs), precision);
  op.reference(inputs, attrs, out, runBody(precision));
  return out;
}

function emptyValue(op: string, { results, ...type }: ResultType, precision: Precision): Value {
  const zeros = ({ shape, dtype }: TensorType): Value => ({
    shape,
    dtype,
    data: allocate(numel(shape), dtype, precision, `${op}: `),
  });
  if (!results) return zeros(type);
  const all = results.map(zeros);
  return { ...all[0], results: all };
}

/** Graphs inside of nodes, run as they are. */
function runBody(precision: Precision): RunBody {
  return (body: Body, inputs) => {
    const graph = body as Graph;
    const values = new Map<Node, Value>(graph.inputs.map((node, i) => [node, inputs[i]]));
    for (const node of graph.nodes) {
      if (isInput(node)) continue;
      const of = node.inputs.map((input) => values.get(input)!);
      values.set(node, evaluateNode(node, of, precision));
    }
    return graph.outputs.map(({ node }) => values.get(node)!);
  };
}

/** Zeros: f32 is a Float64Array where float64 is asked for, i32 and bool an Int32Array. `what` begins an error. */
export function allocate(n: number, dtype: DType, precision: Precision, what = ''): Elements {
  const Type = dtype !== 'f32' ? Int32Array : precision === 'float64' ? Float64Array : Float32Array;
  return allocated(n, `${what}a tensor of ${n} elements`, () => new Type(n));
}

function given(node: Node, values: Numbers, precision: Precision): Value {
  const { name, role } = inputAttrs(node);
  const numbers = values[name];
  if (numbers === undefined) throw new GraphError(`evaluate: no value is given for ${role} ${name}`);
  if (numbers.length !== numel(node.shape)) {
    throw new GraphError(
      `evaluate: ${role} ${name} is ${formatType(node)}, but ${numbers.length} elements are given`,
    );
  }
  const data = allocate(numbers.length, node.dtype, precision);
  data.set(numbers);
  return { shape: node.shape, dtype: node.dtype, data };
}

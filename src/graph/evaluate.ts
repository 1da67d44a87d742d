import { GraphError } from '../errors.js';
import { checkIndices } from '../indices.js';
import type { Elements, Value } from '../ops/op.js';
import { type DType, formatType, numel } from '../shape.js';
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
  const { shape, dtype } = node.op.type(inputs, node.attrs);
  if (node.op.bound) checkIndices(inputs[0].data, node.op.bound(node.attrs), () => node.where);
  const out: Value = { shape, dtype, data: allocate(numel(shape), dtype, precision) };
  node.op.reference(inputs, node.attrs, out);
  return out;
}

/** Zeros: f32 is a Float64Array where float64 is asked for, i32 and bool an Int32Array. */
export function allocate(n: number, dtype: DType, precision: Precision): Elements {
  if (dtype !== 'f32') return new Int32Array(n);
  return precision === 'float64' ? new Float64Array(n) : new Float32Array(n);
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

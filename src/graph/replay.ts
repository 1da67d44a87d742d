import { type Interpreter, interpreter, type Tensor } from '../ops/tensor.js';
import { type Graph, isInput, type Node } from './graph.js';

/** The outputs of a graph without variables on these tensors, one for each of its inputs: node by node, wherever ops run. */
export function replay(graph: Graph, inputs: readonly Tensor[], by: Interpreter = interpreter()): Tensor[] {
  const tensors = new Map<Node, Tensor>(graph.inputs.map((node, i) => [node, inputs[i]]));
  for (const node of graph.nodes) {
    if (isInput(node)) continue;
    const of = node.inputs.map((input) => tensors.get(input)!);
    tensors.set(node, by.apply(node.op, of, node.attrs, node.where));
  }
  return graph.outputs.map(({ node }) => tensors.get(node)!);
}

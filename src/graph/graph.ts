import { type InputAttrs, inputOp } from '../ops/leaf.js';
import type { Attrs, Op } from '../ops/op.js';
import type { DType, Shape, TensorType } from '../shape.js';

/** One value of the graph (SSA): computed once, never changed. */
export interface Node extends TensorType {
  readonly op: Op;
  readonly inputs: readonly Node[];
  readonly attrs: Attrs;
  /** The user's file and line, or ''. */
  readonly where: string;
}

/** At the end of the step `variable` takes on `value`. */
export interface Update {
  readonly variable: Node;
  readonly value: Node;
}

/** A static program: what goes in, what is computed in order, what comes out, and what is kept. */
export interface Graph {
  readonly name: string;
  /** Input nodes: the data in order of declaration, then the variables. */
  readonly inputs: readonly Node[];
  /** Every node after its inputs. */
  readonly nodes: readonly Node[];
  readonly outputs: readonly { readonly name: string; readonly node: Node }[];
  readonly updates: readonly Update[];
}

/** Makes a node; its type follows from the op's rule. */
export function makeNode(op: Op, inputs: readonly Node[], attrs: Attrs, where = ''): Node {
  const { shape, dtype } = op.type(inputs, attrs);
  return { op, inputs, attrs, shape, dtype, where };
}

export function makeInput(name: string, role: InputAttrs['role'], shape: Shape, dtype: DType): Node {
  return makeNode(inputOp as unknown as Op, [], { name, role, shape, dtype } satisfies InputAttrs);
}

export function isInput(node: Node): boolean {
  return node.op.name === 'input';
}

export function inputAttrs(node: Node): InputAttrs {
  return node.attrs as InputAttrs;
}

/** The one number that fills a constant node, or undefined for any other node. */
export function constantValue(node: Node): number | undefined {
  const values = node.attrs.values as readonly number[];
  return node.op.name === 'constant' && values.length === 1 ? values[0] : undefined;
}

/** Nodes that a graph must compute: its outputs and the new values of its variables. */
export function roots(graph: Pick<Graph, 'outputs' | 'updates'>): Node[] {
  return [...graph.outputs.map((o) => o.node), ...graph.updates.map((u) => u.value)];
}

/** How often each node is read, by nodes, outputs and updates. */
export function readerCounts(graph: Graph): Map<Node, number> {
  const counts = new Map<Node, number>(graph.nodes.map((node) => [node, 0]));
  const count = (node: Node) => counts.set(node, (counts.get(node) ?? 0) + 1);
  for (const node of graph.nodes) node.inputs.forEach(count);
  roots(graph).forEach(count);
  return counts;
}

/** Who reads each node, once per use. */
export function consumers(graph: Graph): Map<Node, Node[]> {
  const map = new Map<Node, Node[]>(graph.nodes.map((node) => [node, []]));
  for (const node of graph.nodes) for (const input of node.inputs) map.get(input)!.push(node);
  return map;
}

/**
 * Rebuilds a graph node by node: `rule` sees each node with its inputs already rebuilt and returns what
 * stands for it (`before` is the node as it was, for questions about the old graph); dead nodes go, and
 * nodes that no rule changed stay the same objects.
 */
export function rewrite(graph: Graph, rule: (node: Node, before: Node) => Node): Graph {
  const images = new Map<Node, Node>();
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((input) => images.get(input)!);
    const same = inputs.every((input, i) => input === node.inputs[i]);
    images.set(node, rule(same ? node : { ...node, inputs }, node));
  }
  return fromRoots({
    ...graph,
    outputs: graph.outputs.map(({ name, node }) => ({ name, node: images.get(node)! })),
    updates: graph.updates.map(({ variable, value }) => ({ variable, value: images.get(value)! })),
  });
}

/** Orders the nodes that the roots need, inputs first; nothing else stays. */
export function fromRoots(graph: Omit<Graph, 'nodes'>): Graph {
  const nodes: Node[] = [...graph.inputs];
  const seen = new Set<Node>(nodes);
  const stack: { node: Node; next: number }[] = [];
  for (const root of roots(graph)) {
    if (!seen.has(root)) stack.push({ node: root, next: 0 });
    seen.add(root);
    while (stack.length) {
      const top = stack[stack.length - 1];
      const input = top.node.inputs[top.next++];
      if (input === undefined) {
        nodes.push(top.node);
        stack.pop();
      } else if (!seen.has(input)) {
        seen.add(input);
        stack.push({ node: input, next: 0 });
      }
    }
  }
  return { ...graph, nodes };
}

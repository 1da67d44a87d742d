import { type ConstantAttrs, constantOp, type InputAttrs, inputOp } from '../ops/leaf.js';
import { type Attrs, isBody, type Op } from '../ops/op.js';
import type { DType, ResultType, Shape } from '../shape.js';

/** One value of the graph (SSA), or several that nodes `result` name: computed once, never changed. */
export interface Node extends ResultType {
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
  const { shape, dtype, results } = op.type(inputs, attrs);
  const node = { op, inputs, attrs, shape, dtype, where };
  return results ? { ...node, results } : node;
}

export function makeInput(name: string, role: InputAttrs['role'], shape: Shape, dtype: DType): Node {
  return makeNode(inputOp as unknown as Op, [], { name, role, shape, dtype } satisfies InputAttrs);
}

/** The graphs among a node's attributes, by name. */
export function bodiesOf(node: Pick<Node, 'attrs'>): [string, Graph][] {
  return Object.entries(node.attrs).flatMap(([name, attr]) => (isBody(attr) ? [[name, attr as Graph]] : []));
}

export function isInput(node: Node): boolean {
  return node.op === (inputOp as unknown as Op);
}

export function inputAttrs(node: Node): InputAttrs {
  return node.attrs as InputAttrs;
}

export function isConstant(node: Node): boolean {
  return node.op === (constantOp as unknown as Op);
}

export function constantAttrs(node: Node): ConstantAttrs {
  return node.attrs as ConstantAttrs;
}

/** The one number that fills a constant node, or undefined for any other node. */
export function constantValue(node: Node): number | undefined {
  if (!isConstant(node)) return undefined;
  const { values } = constantAttrs(node);
  return values.length === 1 ? values[0] : undefined;
}

/** Nodes that a graph must compute: its outputs and the new values of its variables. */
export function roots(graph: Pick<Graph, 'outputs' | 'updates'>): Node[] {
  return [...graph.outputs.map((o) => o.node), ...graph.updates.map((u) => u.value)];
}

const countsOf = new WeakMap<Graph, ReadonlyMap<Node, number>>();
/** How often each node is read, by nodes, outputs and updates. */
export function readerCounts(graph: Graph): ReadonlyMap<Node, number> {
  const known = countsOf.get(graph);
  if (known) return known;
  const counts = new Map<Node, number>();
  for (const node of graph.nodes) counts.set(node, 0);
  for (const node of graph.nodes) for (const input of node.inputs) counts.set(input, counts.get(input)! + 1);
  for (const root of roots(graph)) counts.set(root, counts.get(root)! + 1);
  countsOf.set(graph, counts);
  return counts;
}

const consumersOf = new WeakMap<Graph, ReadonlyMap<Node, readonly Node[]>>();
/** Who reads each node, once per use. */
export function consumers(graph: Graph): ReadonlyMap<Node, readonly Node[]> {
  const known = consumersOf.get(graph);
  if (known) return known;
  const map = new Map<Node, Node[]>();
  for (const node of graph.nodes) {
    map.set(node, []);
    for (const input of node.inputs) map.get(input)!.push(node);
  }
  consumersOf.set(graph, map);
  return map;
}

/**
 * Rebuilds a graph node by node: `rule` sees each node with its inputs already rebuilt and returns what
 * stands for it (`before` is the node as it was, for questions about the old graph); dead nodes go, and
 * nodes that no rule changed stay the same objects, as does a graph in which nothing changed.
 */
export function rewrite(graph: Graph, rule: (node: Node, before: Node) => Node): Graph {
  /** What stands for the nodes that changed. */
  const images = new Map<Node, Node>();
  const image = (node: Node) => images.get(node) ?? node;
  for (const node of graph.nodes) {
    const changed = images.size > 0 && node.inputs.some((input) => images.has(input));
    const result = rule(changed ? { ...node, inputs: node.inputs.map(image) } : node, node);
    if (result !== node) images.set(node, result);
  }
  if (images.size === 0 && ordered.has(graph)) return graph;
  return fromRoots({
    ...graph,
    outputs: graph.outputs.map(({ name, node }) => ({ name, node: image(node) })),
    updates: graph.updates.map(({ variable, value }) => ({ variable, value: image(value) })),
  });
}

/** Graphs that hold the nodes their roots need and no others, in the order in which fromRoots finds them. */
const ordered = new WeakSet<Graph>();

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
  const found = { ...graph, nodes };
  ordered.add(found);
  return found;
}

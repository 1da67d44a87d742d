import { GraphError } from '../errors.js';
import { constantOp } from '../ops/leaf.js';
import type { Attrs, Bodies, Lowering, Op } from '../ops/op.js';
import { isResult } from '../ops/results.js';
import { type Interpreter, type Tensor, withInterpreter } from '../ops/tensor.js';
import { type Graph, makeNode, type Node, rewrite } from './graph.js';
import { NodeTensor } from './node-tensor.js';
import { replay } from './replay.js';

/** A node in the hands of ops. */
class Built extends NodeTensor {
  override readonly creator = null;
}

const nodeOf = (tensor: Tensor): Node => (tensor as Built).node;

/** Makes nodes of what ops do, for this line of the user's. */
function builder(line: string): Interpreter {
  const none = (): never => {
    throw new GraphError('an op is written in other ops without variables');
  };
  return {
    training: true,
    apply: (op, inputs, attrs, where = line) => new Built(makeNode(op, inputs.map(nodeOf), attrs, where)),
    constant(values, shape, dtype) {
      const list = typeof values === 'number' ? [values] : Array.from(values);
      return new Built(makeNode(constantOp as unknown as Op, [], { values: list, shape, dtype }, line));
    },
    detach: (tensor) => tensor,
    read: none,
    assign: none,
  };
}

type Composite = Extract<Lowering, { kind: 'composite' }>;

export function isComposite({ op }: { readonly op: Op }): boolean {
  return op.lower.kind === 'composite';
}

/** Whether a node is a graph run more than once, of which the scheduler makes a loop. */
export function isLoop({ op, attrs }: { readonly op: Op; readonly attrs: Attrs }): boolean {
  return op.lower.kind === 'composite' && op.lower.isLoop?.(attrs) === true;
}

const inline: Bodies['replay'] = (body, inputs) => replay(body as Graph, inputs);

/** What stands for each result of a composite node: the ops that it is written in. */
function expandNode({ op, inputs, attrs, where }: Node): Node[] {
  const { expand } = op.lower as Composite;
  return withInterpreter(builder(where), () =>
    expand(
      inputs.map((input) => new Built(input)),
      attrs as Attrs,
      inline,
    ).map(nodeOf),
  );
}

/** The graph with composite nodes, all or some, written out in the ops that they are made of; the graph itself without any. */
export function expand(graph: Graph, which: (node: Node) => boolean = isComposite): Graph {
  const chosen = (node: Node) => isComposite(node) && which(node);
  let now = graph;
  while (now.nodes.some(chosen)) {
    const parts = new Map<Node, readonly Node[]>();
    now = rewrite(now, (node) => {
      if (isResult(node.op)) return parts.get(node.inputs[0])?.[node.attrs.index as number] ?? node;
      if (!chosen(node)) return node;
      const made = expandNode(node);
      if (!node.results) return made[0];
      parts.set(node, made);
      return node;
    });
  }
  return now;
}

const expanded = new WeakMap<Graph, Graph>();

/** The graph as kernels will see it: all composite nodes written out. */
export function expandAll(graph: Graph): Graph {
  let all = expanded.get(graph);
  if (!all) {
    all = expand(graph);
    expanded.set(graph, all);
  }
  return all;
}

const partly = new WeakMap<Graph, Graph>();

/** The graph with all composite nodes written out but those that are run in a loop, and the same of the graphs in those. */
export function expandButLoops(graph: Graph): Graph {
  let made = partly.get(graph);
  if (!made) {
    made = rewrite(
      expand(graph, (node) => !isLoop(node)),
      (node) => {
        if (!isLoop(node)) return node;
        const body = expandButLoops(node.attrs.body as Graph);
        return body === node.attrs.body ? node : { ...node, attrs: { ...node.attrs, body } };
      },
    );
    partly.set(graph, made);
  }
  return made;
}

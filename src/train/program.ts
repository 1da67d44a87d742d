import { GraphError } from '../errors.js';
import { type Graph, inputAttrs, isInput, type Node } from '../graph/graph.js';
import type { Variable } from '../ops/tensor.js';
import type { DType, Shape } from '../shape.js';

/** A variable of a program by its name; parameters, running statistics and optimizer state alike. */
export interface ProgramVariable {
  readonly name: string;
  readonly role: 'parameter' | 'state';
  readonly shape: Shape;
  readonly dtype: DType;
  readonly variable: Variable;
}

/** What the engines run: graphs that share variables. */
export interface Program {
  readonly name: string;
  readonly variables: readonly ProgramVariable[];
  /** `train` always; `evaluate` with the model in use mode; `predict` where the step defines it. */
  readonly entries: Readonly<Record<string, Graph>>;
}

/** The largest index (exclusive) that each integer input of a graph may hold, and what sets the limit. */
export function indexBounds(graph: Graph): Map<string, { size: number; what: string }> {
  const bounds = new Map<string, { size: number; what: string }>();
  for (const node of graph.nodes) {
    if (node.op.name !== 'index') continue;
    const source = sourceOf(node);
    if (!isInput(source)) continue;
    const { name } = inputAttrs(source);
    const { size, what } = node.attrs as { size: number; what: string };
    if (size < (bounds.get(name)?.size ?? Number.POSITIVE_INFINITY)) bounds.set(name, { size, what });
  }
  return bounds;
}

/** Follows movement back to where the elements come from. */
function sourceOf(node: Node): Node {
  let at = node;
  while (at.op.lower.kind === 'movement') at = at.inputs[0];
  return at;
}

/** The graph of an entry, or an error that lists those there are. */
export function entry(program: Program, name: string): Graph {
  const graph = program.entries[name];
  if (!graph)
    throw new GraphError(
      `${program.name} has no entry ${name}: it has ${Object.keys(program.entries).join(', ')}`,
    );
  return graph;
}

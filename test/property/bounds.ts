import { allocate, evaluateNode } from '../../src/graph/evaluate.js';
import { expandAll } from '../../src/graph/expand.js';
import { type Graph, inputAttrs, isInput, type Node } from '../../src/graph/graph.js';
import type { Elements, Value } from '../../src/ops/op.js';
import { numel, type Shape } from '../../src/shape.js';
import { LARGEST, type Rule, rules } from './rules.js';

/**
 * What float32 makes of a graph, operation by operation in the user's order, with a bound of how far a compiled step may
 * be from it, element by element (running error analysis: Higham, Accuracy and Stability of Numerical Algorithms, 3.3).
 * Only sums, which may run in any order, and functions begin an error; from there it grows as the operations let it. So a
 * result must be finite where that of the user's order is, unless its errors reach to where float32 ends.
 */
export interface Bounded extends Value {
  /** 0 where the step must give the very value, infinite where nothing can be said. */
  readonly error: Float64Array;
}

type Numbers = Readonly<Record<string, ArrayLike<number>>>;

export interface BoundedResults {
  readonly outputs: Readonly<Record<string, Bounded>>;
  readonly updates: Readonly<Record<string, Bounded>>;
}

/**
 * Runs a graph through the ops' reference implementations, rounding each result to float32, with bounds. What is written
 * in other ops is taken as those.
 */
export function evaluateBounded(traced: Graph, inputs: Numbers, variables: Numbers): BoundedResults {
  const graph = expandAll(traced);
  const values = new Map<Node, Bounded>();
  for (const node of graph.nodes) {
    if (isInput(node)) {
      const { name, role } = inputAttrs(node);
      const data = allocate(numel(node.shape), node.dtype, 'float64');
      data.set((role === 'input' ? inputs : variables)[name]);
      values.set(node, exact(node, data));
    } else {
      values.set(
        node,
        bounded(
          node,
          node.inputs.map((input) => values.get(input)!),
          values,
        ),
      );
    }
  }
  return {
    outputs: Object.fromEntries(graph.outputs.map(({ name, node }) => [name, values.get(node)!])),
    updates: Object.fromEntries(
      graph.updates.map((u) => [inputAttrs(u.variable).name, values.get(u.value)!]),
    ),
  };
}

function exact({ shape, dtype }: { shape: Shape; dtype: Value['dtype'] }, data: Elements): Bounded {
  return { shape, dtype, data, error: new Float64Array(data.length) };
}

function bounded(node: Node, inputs: readonly Bounded[], values: ReadonlyMap<Node, Bounded>): Bounded {
  const { data: unrounded, ...type } = evaluateNode(node, inputs, 'float64');
  const data = node.dtype === 'f32' ? Float64Array.from(unrounded, Math.fround) : unrounded;
  const value = { ...type, data };
  if (node.op.name === 'constant') return exact(node, data);
  const rule: Rule | undefined = rules[node.op.name];
  if (!rule) throw new Error(`test/property/rules.ts has no rule for ${node.op.name}`);
  const { error } = rule({ node, inputs, value, unrounded, values });
  const safe = error.map((e, i) => {
    if (e === 0) return 0;
    return Number.isFinite(data[i]) && Math.abs(data[i]) + e < LARGEST ? e : Number.POSITIVE_INFINITY;
  });
  return { ...value, error: safe };
}

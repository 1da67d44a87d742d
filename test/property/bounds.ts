import { allocate, evaluateNode } from '../../src/graph/evaluate.js';
import { type Graph, inputAttrs, isInput, type Node } from '../../src/graph/graph.js';
import type { Elements, Value } from '../../src/ops/op.js';
import { numel, type Shape } from '../../src/shape.js';
import { type Rule, rules } from './rules.js';

/**
 * A value in float64 with a bound of how far float32 can be from it, element by element (running error
 * analysis: Higham, Accuracy and Stability of Numerical Algorithms, 3.3).
 */
export interface Bounded extends Value {
  /** 0 where float32 must give the very value, infinite where nothing can be said. */
  readonly error: Float64Array;
  /**
   * Sum of the absolute values of the terms, if the sums and products that made the value were multiplied out:
   * their rounding errors are bounded by it in whatever order they are computed.
   */
  readonly mass: Float64Array;
  /** Terms of the longest sum that went into it. */
  readonly length: number;
}

type Numbers = Readonly<Record<string, ArrayLike<number>>>;

export interface BoundedResults {
  readonly outputs: Readonly<Record<string, Bounded>>;
  readonly updates: Readonly<Record<string, Bounded>>;
}

/** Runs a graph in float64 through the ops' reference implementations, with bounds. */
export function evaluateBounded(graph: Graph, inputs: Numbers, variables: Numbers): BoundedResults {
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
  return {
    ...{ shape, dtype, data, length: 1 },
    error: new Float64Array(data.length),
    mass: Float64Array.from(data, Math.abs),
  };
}

/** What float32 can hold at all. */
const LARGEST = 3.4e38;

function bounded(node: Node, inputs: readonly Bounded[], values: ReadonlyMap<Node, Bounded>): Bounded {
  const value = evaluateNode(node, inputs, 'float64');
  if (node.op.name === 'constant') {
    // Constants are float32 numbers once they are compiled.
    const rounded = node.dtype === 'f32' ? Float64Array.from(value.data, Math.fround) : value.data;
    return exact(node, rounded);
  }
  const rule: Rule | undefined = rules[node.op.name];
  if (!rule) throw new Error(`test/property/rules.ts has no rule for ${node.op.name}`);
  const out = rule({ node, inputs, value, values });
  const { error } = out;
  for (let i = 0; i < error.length; i++) {
    const v = value.data[i];
    if (Number.isFinite(v) && !(Math.abs(v) + error[i] < LARGEST)) error[i] = Number.POSITIVE_INFINITY;
    else if (!Number.isFinite(v) && error[i] !== 0) error[i] = Number.POSITIVE_INFINITY;
  }
  return { ...value, ...out };
}

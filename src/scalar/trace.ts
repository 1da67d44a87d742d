import { gradients } from '../autodiff/gradients.js';
import { OptionError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { type Tensor, type TensorLike, toTensor } from '../ops/tensor.js';
import { trace } from '../trace/tracer.js';
import { topological, Value } from './value.js';

/** A graph of values as the compiler takes it. */
export interface TracedValue {
  /**
   * Inputs are the leaves, each f32[]; outputs are `value` and, for each leaf, `gradient.NAME`: all scalars.
   * For `compileFunction`.
   */
  readonly graph: Graph;
  /** The leaves by the name that they have in the graph: their label, or x0, x1, ... where they have none. */
  readonly leaves: ReadonlyMap<string, Value>;
  /** What the leaves are now, as the compiled function takes it. */
  inputs(): Record<string, number[]>;
}

/**
 * Turns what `root` was computed from into a graph for the compiler, with the gradient of `root` by every leaf.
 * Every op becomes its namesake on tensors, so the compiler's reverse mode differentiates, not `backward`;
 * numbers that stand on the right of an op become constants.
 *
 * @example
 * ```ts
 * import { compileFunction, traceValue, Value } from '2headgrad';
 * const x = new Value(3, 'x');
 * const { graph, inputs } = traceValue(x.mul(x));
 * const square = await compileFunction(graph);
 * console.log(square.call(inputs())['gradient.x'][0]); // 6
 * await square.close();
 * ```
 */
export function traceValue(root: Value, { name = 'scalar' }: { name?: string } = {}): TracedValue {
  if (!(root instanceof Value)) throw new OptionError('traceValue: the first argument must be a Value');
  const order = topological(root);
  const leaves = new Map(nameLeaves(order.filter((value) => !value.creator)));
  const types = Object.fromEntries(
    [...leaves.keys()].map((leaf) => [leaf, { shape: [], dtype: 'f32' }] as const),
  );
  const graph = trace(name, types, (symbols) => {
    const tensors = new Map<Value, TensorLike>([...leaves].map(([leaf, value]) => [value, symbols[leaf]]));
    for (const value of order) {
      if (!value.creator) continue;
      const { op, inputs } = value.creator;
      const operands = inputs.map((input) => (input instanceof Value ? tensors.get(input)! : input));
      tensors.set(value, op.lower(...operands));
    }
    const value = toTensor(tensors.get(root)!);
    const slopes = gradients(value, Object.values(symbols));
    const named = Object.keys(symbols).map((leaf, i): [string, Tensor] => [
      `gradient.${leaf}`,
      slopes[i] ?? toTensor(0),
    ]);
    return { value, ...Object.fromEntries(named) };
  });
  return {
    graph,
    leaves,
    inputs: () => Object.fromEntries([...leaves].map(([leaf, { data }]) => [leaf, [data]])),
  };
}

function nameLeaves(leaves: readonly Value[]): [string, Value][] {
  const taken = new Set<string>();
  return leaves.map((value, i) => {
    // Names stand in the comments of compiled code, so they are of one line.
    const wanted = value.label.replace(/[^\p{L}\p{N}_.]+/gu, '_') || `x${i}`;
    let name = wanted;
    for (let n = 2; taken.has(name); n++) name = `${wanted}_${n}`;
    taken.add(name);
    return [name, value];
  });
}

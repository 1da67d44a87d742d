import { expandAll } from '../graph/expand.js';
import { fromRoots, type Graph, type Node } from '../graph/graph.js';
import { openIndices } from '../graph/indices.js';
import type { IndexBound } from '../indices.js';
import { numel } from '../shape.js';
import { broadcast, build, fill, reshape } from './build.js';

/** An index that is looked at in every step. Its two outputs say which element is outside of the table, if one is. */
export interface Guarded extends IndexBound {
  readonly where: string;
  /** Number of indices. */
  readonly count: number;
  /** Name of an output: 0, or `count` less the position of the first index that is outside. */
  readonly fault: string;
  /** Name of an output: that index. */
  readonly value: string;
}

/**
 * The graph with two more outputs for each index that could leave its table; where all are proven or checked as data, the
 * graph itself. The clamp of the kernels keeps memory safe meanwhile.
 */
export function guardIndices(traced: Graph): { graph: Graph; guards: readonly Guarded[] } {
  const open = openIndices(traced);
  if (open.length === 0) return { graph: traced, guards: [] };
  const graph = expandAll(traced);
  const taken = new Set(graph.outputs.map((output) => output.name));
  let prefix = 'guard';
  while ([...taken].some((name) => name.startsWith(`${prefix}.`))) prefix += '_';
  const guards = open.map((node, i): Guarded => {
    const names = { fault: `${prefix}.${i}.fault`, value: `${prefix}.${i}.index` };
    return { ...node.op.bound!(node.attrs), ...names, where: node.where, count: numel(node.shape) };
  });
  const outputs = open.flatMap((node, i) => {
    const { fault, value } = watch(node, guards[i]);
    return [
      { name: guards[i].fault, node: fault },
      { name: guards[i].value, node: value },
    ];
  });
  return { graph: fromRoots({ ...graph, outputs: [...graph.outputs, ...outputs] }), guards };
}

function watch(index: Node, { size, count }: Guarded): { fault: Node; value: Node } {
  const where = index.where;
  const make = (op: string, ...inputs: Node[]) => build(op, inputs, {}, where);
  const number = (value: number) =>
    broadcast(fill(value, { shape: [], dtype: 'i32' }, where), [count], where);
  const largest = (x: Node) => build('max', [x], { axes: [0] }, where);
  const ids = reshape(index.inputs[0], [count], where);
  const left = make('sub', number(count), build('iota', [], { size: count }, where));
  const wrong = (test: Node, otherwise: Node) => make('where', test, left, otherwise);
  const below = make('less', ids, number(0));
  const above = make('less', number(size - 1), ids);
  const fault = largest(wrong(below, wrong(above, number(0))));
  const first = make('equal', left, broadcast(fault, [count], where));
  return { fault, value: largest(make('where', first, ids, number(-(2 ** 31)))) };
}

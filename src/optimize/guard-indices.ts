import { expandButLoops } from '../graph/expand.js';
import { fromRoots, type Graph, makeNode, type Node, rewrite } from '../graph/graph.js';
import { type OpenIndex, openPlaces } from '../graph/indices.js';
import { resultNode } from '../graph/results.js';
import type { IndexBound } from '../indices.js';
import { isResult } from '../ops/results.js';
import type { ScanAttrs } from '../ops/scan-op.js';
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
 * graph itself. The clamp of the kernels keeps memory safe meanwhile. What is an index in a loop is looked at when the loop
 * has ended: all that its steps had, as they follow each other in what they walk along.
 */
export function guardIndices(traced: Graph): { graph: Graph; guards: readonly Guarded[] } {
  const open = openPlaces(traced);
  if (open.length === 0) return { graph: traced, guards: [] };
  const { graph, ids } = exposed(expandButLoops(traced), open);
  const taken = new Set(graph.outputs.map((output) => output.name));
  let prefix = 'guard';
  while ([...taken].some((name) => name.startsWith(`${prefix}.`))) prefix += '_';
  const guards = open.map(({ node }, i): Guarded => {
    const names = { fault: `${prefix}.${i}.fault`, value: `${prefix}.${i}.index` };
    return { ...node.op.bound!(node.attrs), ...names, where: node.where, count: numel(ids[i].shape) };
  });
  const outputs = guards.flatMap((guard, i) => {
    const { fault, value } = watch(ids[i], guard);
    return [
      { name: guard.fault, node: fault },
      { name: guard.value, node: value },
    ];
  });
  return { graph: fromRoots({ ...graph, outputs: [...graph.outputs, ...outputs] }), guards };
}

/** The graph, and in it all that each of the indices ever is: loops give what they have of them. */
function exposed(graph: Graph, open: readonly OpenIndex[]): { graph: Graph; ids: Node[] } {
  const ids: Node[] = [];
  const results = new Map<Node, (index: number) => number>();
  const places = new Map<Node, number[]>();
  open.forEach(({ node, loops }, i) => {
    const at = loops.length > 0 ? loops[0] : node;
    places.set(at, [...(places.get(at) ?? []), i]);
  });
  const changed = rewrite(graph, (node, before) => {
    if (isResult(node.op)) {
      const renumbered = results.get(node.inputs[0]);
      return renumbered
        ? resultNode(node.inputs[0], renumbered(node.attrs.index as number), node.where)
        : node;
    }
    const own = places.get(before);
    if (!own) return node;
    if (open[own[0]].loops.length === 0) {
      for (const i of own) ids[i] = node.inputs[0];
      return node;
    }
    const inside = own.map((i) => ({ ...open[i], loops: open[i].loops.slice(1) }));
    const { attrs } = node;
    const { body } = attrs as ScanAttrs;
    const inner = exposed(body as Graph, inside);
    const made = body.outputs.length;
    const outputs = inner.ids.map((id, k) => ({ name: `index${k} of ${made}`, node: id }));
    const all = fromRoots({ ...inner.graph, outputs: [...inner.graph.outputs, ...outputs] });
    const more = makeNode(node.op, node.inputs, { ...attrs, body: all }, node.where);
    own.forEach((i, k) => {
      ids[i] = resultNode(more, made + k, open[i].node.where);
    });
    // Behind the outputs come the values that each step found.
    results.set(more, (index) => (index < made ? index : index + own.length));
    return more;
  });
  return { graph: changed, ids };
}

function watch(all: Node, { size, count, where }: Guarded): { fault: Node; value: Node } {
  const make = (op: string, ...inputs: Node[]) => build(op, inputs, {}, where);
  const number = (value: number) =>
    broadcast(fill(value, { shape: [], dtype: 'i32' }, where), [count], where);
  const largest = (x: Node) => build('max', [x], { axes: [0] }, where);
  const ids = reshape(all, [count], where);
  const left = make('sub', number(count), build('iota', [], { size: count }, where));
  const wrong = (test: Node, otherwise: Node) => make('where', test, left, otherwise);
  const below = make('less', ids, number(0));
  const above = make('less', number(size - 1), ids);
  const fault = largest(wrong(below, wrong(above, number(0))));
  const first = make('equal', left, broadcast(fault, [count], where));
  return { fault, value: largest(make('where', first, ids, number(-(2 ** 31)))) };
}

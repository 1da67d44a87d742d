import {
  fromRoots,
  type Graph,
  inputAttrs,
  isInput,
  makeInput,
  type Node,
  rewrite,
} from '../../src/graph/graph.js';
import { isResult } from '../../src/ops/results.js';
import { sameType } from '../../src/shape.js';

/**
 * The smallest graph on the way down for which `fails` still holds: outputs and updates are left out, nodes give
 * way to one of their inputs or to data, for as long as something of this works and there is time.
 */
export async function reduceGraph(
  graph: Graph,
  fails: (graph: Graph) => Promise<boolean>,
  milliseconds: number,
): Promise<Graph> {
  const end = performance.now() + milliseconds;
  let now = graph;
  for (let progress = true; progress; ) {
    progress = false;
    // Each smaller graph names its own nodes, so the place among the candidates is kept, not the candidate.
    for (let at = 0, list = smaller(now); at < list.length; at++) {
      if (performance.now() > end) return now;
      const next = list[at]();
      if (!next || !(await fails(next))) continue;
      now = next;
      list = smaller(now);
      at--;
      progress = true;
    }
  }
  return now;
}

/** Graphs with a little less in them than this one, the boldest cuts first. */
function smaller(graph: Graph): (() => Graph | undefined)[] {
  const { outputs, updates, nodes } = graph;
  return [
    ...outputs.map((output) => () => tidy({ ...graph, outputs: outputs.filter((o) => o !== output) })),
    ...updates.map((update) => () => tidy({ ...graph, updates: updates.filter((u) => u !== update) })),
    ...updates.map((update) => () => {
      const output = { name: `new.${inputAttrs(update.variable).name}`, node: update.value };
      return tidy({ ...graph, outputs: [...outputs, output], updates: updates.filter((u) => u !== update) });
    }),
    ...outputs.flatMap(({ name, node }) =>
      sourcesOf(node)
        .flatMap((input) => (input.dtype === 'bool' ? sourcesOf(input) : [input]))
        .filter((input) => input.dtype !== 'bool')
        .map((input) => () => {
          const shorter = outputs.map((o) => (o.name === name ? { name, node: input } : o));
          return tidy({ ...graph, outputs: shorter });
        }),
    ),
    ...nodes
      .filter((node) => !isInput(node) && node.dtype === 'f32' && !node.results)
      .map((node) => () => toData(graph, node)),
    ...nodes.flatMap((node) =>
      sourcesOf(node)
        .filter((input) => !node.results && sameType(input, node))
        .map((input) => () => replaced(graph, node, input)),
    ),
  ];
}

/** Tensors that a node is made of; those of one of several results are what all are made of. */
function sourcesOf({ op, inputs }: Node): readonly Node[] {
  return isResult(op) ? inputs[0].inputs : inputs;
}

/** The node as an input of its own, so that nothing before it is needed. */
function toData(graph: Graph, node: Node): Graph | undefined {
  if (node.op.name === 'constant') return undefined;
  const taken = new Set(graph.inputs.map((input) => inputAttrs(input).name));
  let n = 0;
  while (taken.has(`t${n}`)) n++;
  const data = makeInput(`t${n}`, 'input', node.shape, 'f32');
  const first = graph.inputs.findIndex((input) => inputAttrs(input).role !== 'input');
  const at = first < 0 ? graph.inputs.length : first;
  const inputs = [...graph.inputs.slice(0, at), data, ...graph.inputs.slice(at)];
  return replaced({ ...graph, inputs, nodes: [data, ...graph.nodes] }, node, data);
}

function replaced(graph: Graph, node: Node, by: Node): Graph | undefined {
  return tidy(rewrite(graph, (image, before) => (before === node ? by : image)));
}

/** Without what nothing needs; nothing, if nothing is left. */
function tidy(graph: Graph): Graph | undefined {
  if (graph.outputs.length + graph.updates.length === 0) return undefined;
  const { nodes } = fromRoots({ ...graph, inputs: [] });
  const variables = new Set(graph.updates.map((u) => u.variable));
  const inputs = graph.inputs.filter((input) => nodes.includes(input) || variables.has(input));
  return fromRoots({ ...graph, inputs });
}

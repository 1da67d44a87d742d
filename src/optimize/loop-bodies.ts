import { bodyOf, reached, substituted } from '../graph/bodies.js';
import { isLoop } from '../graph/expand.js';
import { constantValue, consumers, type Graph, makeNode, type Node, rewrite } from '../graph/graph.js';
import { resultNode } from '../graph/results.js';
import { isResult } from '../ops/results.js';
import type { ScanAttrs } from '../ops/scan-op.js';
import { broadcast, fill, reshape } from './build.js';
import type { Pass } from './pass.js';

// Graphs that are run in a loop. What nobody needs of them goes: outputs, carried values, inputs. What is the same in every
// step is read from outside, numbers stand in the graph itself, and its nodes go through all passes.

export const loopBodies: Pass = {
  name: 'loop-bodies',
  contract: {
    changes: 'nothing',
    because:
      'what goes nobody reads; nodes of a step go through the other passes, each with a contract of its own',
  },
  run(graph, inner = (body) => body) {
    const users = consumers(graph);
    const results = new Map<Node, ReadonlyMap<number, Node>>();
    return rewrite(graph, (node, before) => {
      if (isResult(node.op)) return results.get(node.inputs[0])?.get(node.attrs.index as number) ?? node;
      if (!isLoop(node)) return node;
      const used = new Set(users.get(before)!.map((result) => result.attrs.index as number));
      const { made, of, isGone } = pruned(node, used);
      const body = inner(made.attrs.body as Graph);
      const next = body === made.attrs.body ? made : { ...made, attrs: { ...made.attrs, body } };
      if (next !== node || isGone)
        results.set(next, new Map([...used].map((index) => [index, of(index, next)])));
      return next;
    });
  },
};

interface Pruned {
  readonly made: Node;
  /** Whether it has no results left that are used. */
  readonly isGone: boolean;
  /** What stands for a result that is used; `now`: the node as it is in the end. */
  of(index: number, now: Node): Node;
}

/** A loop without what nobody needs. */
function pruned(node: Node, used: ReadonlySet<number>): Pruned {
  const attrs = node.attrs as ScanAttrs;
  const { carries, scanned, length } = attrs;
  const body = attrs.body as Graph;
  const made = body.outputs.length - carries;
  const [values, inputs] = [body.outputs.map((output) => output.node), body.inputs];
  const isSame = (i: number) => i < carries && values[i] === inputs[i];
  const live = liveOf(values, inputs, carries, used, made);

  // Which of the old inputs and outputs stay, by what they are now.
  const places = inputs.map((_, i) => i).filter((i) => live.has(inputs[i]));
  const images = new Map<Node, Node>();
  const firstOf = new Map<Node, number>();
  const stays = (i: number) => {
    const value = i >= carries ? constantValue(node.inputs[i]) : undefined;
    if (value !== undefined) {
      images.set(inputs[i], fill(value, inputs[i], node.where));
      return false;
    }
    if (i < carries + scanned) return true;
    const first = firstOf.get(node.inputs[i]);
    if (first !== undefined) images.set(inputs[i], inputs[first]);
    else firstOf.set(node.inputs[i], i);
    return first === undefined;
  };
  const carried = places.filter((i) => i < carries && !isSame(i));
  const walked = places.filter((i) => i >= carries && i < carries + scanned && stays(i));
  const same = places.filter((i) => (i >= carries + scanned || isSame(i)) && stays(i));
  const given = new Map(inputs.map((input, i) => [input, i]));
  // Outputs that are themselves given need not be made.
  const wanted = values.map((_, j) => j).filter((j) => j >= carries && used.has(j) && !given.has(values[j]));
  /** The first of the outputs that are wanted with the same value. */
  const alike = (j: number) => wanted.find((other) => values[other] === values[j])!;
  const outputs = wanted.filter((j) => alike(j) === j);
  const kept = [...carried, ...walked, ...same];
  const stack = (x: Node) =>
    broadcast(reshape(x, [1, ...x.shape], node.where), [length, ...x.shape], node.where);

  const unchanged =
    images.size === 0 &&
    kept.length === inputs.length &&
    carried.length === carries &&
    outputs.length === made;
  const isGone = carried.length + outputs.length === 0;
  const next = unchanged || isGone ? node : remade();
  const numbers = new Map([...carried, ...outputs].map((old, i) => [old, i]));
  const result = (now: Node, index: number) => resultNode(now, index, node.where);
  const foundOf = (now: Node, carry: number): Node =>
    isSame(carry)
      ? stack(node.inputs[carry])
      : result(now, carried.length + outputs.length + carried.indexOf(carry));
  return {
    made: next,
    isGone,
    of(index, now) {
      if (index < carries) return isSame(index) ? node.inputs[index] : result(now, numbers.get(index)!);
      if (index >= carries + made) return foundOf(now, index - carries - made);
      const input = given.get(values[index]);
      if (input === undefined) return result(now, numbers.get(alike(index))!);
      if (input < carries) return foundOf(now, input);
      return input < carries + scanned ? node.inputs[input] : stack(node.inputs[input]);
    },
  };

  function remade(): Node {
    const image = substituted(body, images);
    const graph = bodyOf(
      body.name,
      kept.map((i) => inputs[i]),
      [...carried, ...outputs].map((j) => ({ name: body.outputs[j].name, node: image(values[j]) })),
    );
    return makeNode(
      node.op,
      kept.map((i) => node.inputs[i]),
      { ...attrs, body: graph, carries: carried.length, scanned: walked.length },
      node.where,
    );
  }
}

/** Inputs of a body that the used results need, be it in a later step. */
function liveOf(
  values: readonly Node[],
  inputs: readonly Node[],
  carries: number,
  used: ReadonlySet<number>,
  made: number,
): Set<Node> {
  const needed = values.filter((_, j) => used.has(j));
  inputs.slice(0, carries).forEach((input, i) => {
    if (used.has(i) || used.has(carries + made + i)) needed.push(input);
  });
  const live = new Set<Node>();
  for (let from = needed; from.length > 0; ) {
    const fresh = reached(from);
    from = [];
    for (const node of fresh) {
      if (live.has(node)) continue;
      live.add(node);
      const carry = inputs.indexOf(node);
      if (carry >= 0 && carry < carries) from.push(values[carry]);
    }
  }
  return live;
}

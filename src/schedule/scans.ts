import { bodyOf, reached, substituted } from '../graph/bodies.js';
import { isLoop } from '../graph/expand.js';
import {
  consumers,
  type Graph,
  inputAttrs,
  makeInput,
  makeNode,
  type Node,
  rewrite,
} from '../graph/graph.js';
import { resultNode } from '../graph/results.js';
import { identityStrides, viewOf } from '../kernels/view.js';
import { opTable } from '../ops/index.js';
import type { Op } from '../ops/op.js';
import { isResult } from '../ops/results.js';
import type { ScanAttrs } from '../ops/scan-op.js';
import type { Shape, TensorType } from '../shape.js';

// Scans as loops. What a step carries on lies in one place, where the next step overwrites it, or, where somebody needs all
// of it, in a history: a stack of one element more than there are steps, of which each step reads one element and writes the
// next. The stacks that a scan has as results are then parts of histories, and nothing is copied.

/** How a loop is given one of the inputs of its node: what the first step finds, all elements one by one, or the same always. */
export type Given = 'first' | 'walked' | 'same';

/** What a loop makes. `carry`: the number of its input. */
export type Made =
  | { readonly kind: 'state'; readonly carry: number }
  | { readonly kind: 'history'; readonly carry: number; readonly output: string }
  | { readonly kind: 'stack'; readonly output: string };

export interface LoopNode extends Node {
  readonly loop: {
    readonly body: Graph;
    readonly length: number;
    readonly reverse: boolean;
    /** By input of the node and of the body. */
    readonly given: readonly Given[];
    /** By result of the node. */
    readonly made: readonly Made[];
  };
}

export function isLoopNode(node: Node): node is LoopNode {
  return 'loop' in node;
}

const LOOP = {
  name: 'loop',
  type: () => {
    throw new Error('a loop is made by the scheduler');
  },
  vjp: null,
  reference() {
    throw new Error('a loop is run by kernels');
  },
  lower: { kind: 'loop' },
} as unknown as Op;

/** A node that stands for so many bytes of memory in which steps of a loop keep what they need. */
export function workNode({ where }: Node, bytes: number): Node {
  return { op: LOOP, inputs: [], attrs: {}, shape: [Math.ceil(bytes / 4)], dtype: 'f32', where };
}

/** The graph with loops in place of scans. */
export function loopsOfScans(graph: Graph): Graph {
  const users = consumers(graph);
  const parts = new Map<Node, ReadonlyMap<number, Node>>();
  return rewrite(graph, (node, before) => {
    if (isResult(node.op)) return parts.get(node.inputs[0])?.get(node.attrs.index as number) ?? node;
    if (!isLoop(node)) return node;
    const used = new Set(users.get(before)!.map((result) => result.attrs.index as number));
    const { loop, results } = loopOf(node, used);
    parts.set(loop, results);
    return loop;
  });
}

/** The loop of a scan, and what stands for the results that are used. */
function loopOf(scan: Node, used: ReadonlySet<number>): { loop: Node; results: Map<number, Node> } {
  const { body, length, carries, scanned, reverse } = scan.attrs as ScanAttrs;
  const graph = body as Graph;
  const values = graph.outputs.map(({ node }) => node);
  const stacks = values.length - carries;
  const outputs = values.map((_, j) => j).filter((j) => j >= carries && used.has(j));
  /** The carried value that an output is, in the next step or in this one. */
  const asNext = (j: number) => values.slice(0, carries).indexOf(values[j]);
  const asFound = (j: number) => graph.inputs.slice(0, carries).indexOf(values[j]);
  const isKept = (i: number) =>
    used.has(carries + stacks + i) || outputs.some((j) => asNext(j) === i || asFound(j) === i);
  const alike = (j: number) => outputs.find((other) => values[other] === values[j])!;
  const own = outputs.filter((j) => asNext(j) < 0 && asFound(j) < 0 && alike(j) === j);

  const made: Made[] = [
    ...graph.inputs.slice(0, carries).map((_, i): Made => {
      const output = graph.outputs[i].name;
      return isKept(i) ? { kind: 'history', carry: i, output } : { kind: 'state', carry: i };
    }),
    ...own.map((j): Made => ({ kind: 'stack', output: graph.outputs[j].name })),
  ];
  const types = [
    ...made
      .slice(0, carries)
      .map((m, i) => (m.kind === 'state' ? typeOf(values[i]) : stackOf(values[i], length + 1))),
    ...own.map((j) => stackOf(values[j], length)),
  ];
  const given = scan.inputs.map(
    (_, i): Given => (i < carries ? 'first' : i < carries + scanned ? 'walked' : 'same'),
  );
  const loop: LoopNode = {
    ...{ op: LOOP, inputs: scan.inputs, attrs: {}, where: scan.where },
    ...{ ...types[0], results: types },
    loop: { body: stepOf(graph, made), length, reverse, given, made },
  };
  const all = types.map((_, i) => resultNode(loop, i));
  const history = (i: number, from: number, count: number) => slice(all[i], from, count);
  // Step t reads element t and writes the one behind it; from the last to the first it is the other way round.
  const found = (i: number) => history(i, reverse ? 1 : 0, length);
  const next = (i: number) => history(i, reverse ? 0 : 1, length);
  const last = (i: number): Node => {
    if (made[i].kind === 'state') return all[i];
    return build('reshape', [history(i, reverse ? 0 : length, 1)], { shape: values[i].shape }, scan.where);
  };
  const result = (index: number): Node => {
    if (index < carries) return last(index);
    if (index >= carries + stacks) return found(index - carries - stacks);
    if (asNext(index) >= 0) return next(asNext(index));
    if (asFound(index) >= 0) return found(asFound(index));
    return all[carries + own.indexOf(alike(index))];
  };
  return { loop, results: new Map([...used].map((index) => [index, result(index)])) };
}

/** A step as the scheduler takes it: states are variables that it updates, all else goes in and comes out. */
function stepOf(body: Graph, made: readonly Made[]): Graph {
  const images = new Map<Node, Node>();
  for (const m of made) {
    if (m.kind !== 'state') continue;
    const { name, shape, dtype } = inputAttrs(body.inputs[m.carry]);
    images.set(body.inputs[m.carry], makeInput(name, 'state', shape, dtype));
  }
  const image = substituted(body, images);
  const wanted = new Set(made.flatMap((m) => (m.kind === 'state' ? [] : [m.output])));
  const graph = bodyOf(
    body.name,
    body.inputs.map(image),
    body.outputs
      .filter(({ name }) => wanted.has(name))
      .map(({ name, node }) => ({ name, node: image(node) })),
  );
  const updates = made.flatMap((m) =>
    m.kind === 'state'
      ? [{ variable: image(body.inputs[m.carry]), value: image(body.outputs[m.carry].node) }]
      : [],
  );
  const all = reached([...graph.nodes, ...updates.map(({ value }) => value)]);
  return { ...graph, updates, nodes: body.nodes.map(image).filter((node) => all.has(node)) };
}

/** Whether an input lies as a loop takes it: elements of one step, or all, one behind the other. */
export function liesForLoop(input: Node, given: Given): boolean {
  const { strides } = viewOf(input);
  if (given === 'first') return true;
  const own = identityStrides(input.shape);
  const from = given === 'walked' ? 1 : 0;
  const inOrder = strides.every((s, i) => i < from || input.shape[i] === 1 || s === own[i]);
  return inOrder;
}

const typeOf = ({ shape, dtype }: TensorType): TensorType => ({ shape, dtype });
const stackOf = ({ shape, dtype }: TensorType, length: number): TensorType => ({
  shape: [length, ...shape],
  dtype,
});

function build(op: string, inputs: readonly Node[], attrs: Node['attrs'], where: string): Node {
  return makeNode(opTable().get(op)!, inputs, attrs, where);
}

function slice(x: Node, from: number, count: number): Node {
  const rest: Shape = x.shape.slice(1);
  return build('slice', [x], { starts: [from, ...rest.map(() => 0)], sizes: [count, ...rest] }, x.where);
}

import { constantValue, type Graph, inputAttrs, type Node } from '../graph/graph.js';
import { resultNode } from '../graph/results.js';
import {
  type Box,
  type CopyKernel,
  type LoopBody,
  type PlainKernel,
  placeKey,
  type Schedule,
  type StepPlace,
} from '../kernels/kernel.js';
import { viewOf } from '../kernels/view.js';
import { isResult } from '../ops/results.js';
import { numel } from '../shape.js';
import { kernelName } from './name.js';
import { type LoopNode, type Made, workNode } from './scans.js';

/** The kernel of a loop, whose steps are scheduled once; `members`: the node and those of its results that others read. */
export function loopKernel(
  node: LoopNode,
  members: readonly Node[],
  scheduled: (step: Graph) => Schedule,
): LoopBody {
  const { loop } = node;
  const read = new Map(members.filter(({ op }) => isResult(op)).map((r) => [r.attrs.index as number, r]));
  const results = loop.made.map((_, i) => read.get(i) ?? resultNode(node, i));
  const body = scheduled(loop.body);
  const before = loop.made.flatMap((made, i) =>
    made.kind === 'stack' ? [] : [first(node, made, results[i])],
  );
  return {
    kind: 'loop',
    ...{ node, results, body, before, length: loop.length },
    reads: node.inputs
      .map((input) => viewOf(input))
      .filter(({ source }) => constantValue(source) === undefined),
    places: placesOf(node, results),
    work: workNode(node, liveBytes(body)),
  };
}

/** Where a step that goes through a stack with so many elements between finds its own, whichever way it goes. */
function along({ loop }: LoopNode, source: Node, offset: number, step: number): StepPlace {
  const { length, reverse } = loop;
  return reverse ? { source, offset: offset + (length - 1) * step, step: -step } : { source, offset, step };
}

function placesOf(node: LoopNode, results: readonly Node[]): Map<string, StepPlace> {
  const { body, given, made, reverse } = node.loop;
  const places = new Map<string, StepPlace>();
  const set = (kind: string, name: string, place: StepPlace) => places.set(placeKey({ kind, name }), place);
  body.inputs.forEach((input, i) => {
    if (given[i] === 'first') return;
    const { source, offset, strides } = viewOf(node.inputs[i]);
    set('input', inputAttrs(input).name, along(node, source, offset, given[i] === 'walked' ? strides[0] : 0));
  });
  for (const [i, m] of made.entries()) {
    const source = results[i];
    const n = numel(source.shape.slice(1));
    if (m.kind === 'stack') {
      set('output', m.output, along(node, source, 0, n));
      continue;
    }
    const { name } = inputAttrs(body.inputs[m.carry]);
    if (m.kind === 'state') set('variable', name, along(node, source, 0, 0));
    else {
      set('input', name, along(node, source, reverse ? n : 0, n));
      set('output', m.output, along(node, source, reverse ? 0 : n, n));
    }
  }
  return places;
}

/** Copies what the first step is given to where it looks for it. */
function first(node: LoopNode, made: Exclude<Made, { kind: 'stack' }>, to: Node): PlainKernel {
  const input = node.inputs[made.carry];
  const { source, offset, strides } = viewOf(input);
  const inner = input.shape.map(() => 0);
  const { length, reverse } = node.loop;
  const box: Box =
    made.kind === 'state'
      ? { starts: inner, shape: input.shape }
      : { starts: [reverse ? length : 0, ...inner], shape: [1, ...input.shape] };
  const value = constantValue(source);
  const read = { source, offset, strides: made.kind === 'state' ? strides : [0, ...strides] };
  const kernel: CopyKernel = {
    kind: 'copy',
    node: to,
    parts: value === undefined ? [{ ...box, read }] : [],
    fills: value === undefined ? [] : [{ ...box, value }],
  };
  return { ...kernel, name: kernelName(kernel), stores: [to], loads: value === undefined ? [source] : [] };
}

/** The most bytes of the arena that a schedule needs at one time: what it needs if they can be placed without gaps. */
function liveBytes({ lives }: Schedule): number {
  const change = new Map<number, number>();
  const add = (kernel: number, bytes: number) => change.set(kernel, (change.get(kernel) ?? 0) + bytes);
  for (const { node, over, from, to } of lives) {
    const bytes = 4 * Math.max(1, numel(node.shape));
    // What takes over the memory of another lies there while both live.
    add(over ? from + 1 : from, bytes);
    add(to + 1, -bytes);
  }
  let [live, most] = [0, 0];
  for (const [, bytes] of [...change].sort(([a], [b]) => a - b)) {
    live += bytes;
    most = Math.max(most, live);
  }
  return most;
}

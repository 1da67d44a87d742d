import type { IndexBound } from '../indices.js';
import type { Interval } from '../ops/interval.js';
import type { ScanAttrs } from '../ops/scan-op.js';
import { numel } from '../shape.js';
import { expandButLoops, isLoop } from './expand.js';
import { type Graph, inputAttrs, isInput, type Node } from './graph.js';
import { integerBounds } from './integers.js';

// Where a graph uses integers as indices. Those that come from the user's data are checked before a step; those that are
// computed may be proven to stay in their table; the others are looked at in every step.

/** A graph, or one inside of a node that is run in a loop there. */
interface Level {
  readonly graph: Graph;
  readonly loop: { readonly node: Node; readonly around: Level } | null;
  /** Loops by node. */
  readonly inner: ReadonlyMap<Node, Level>;
}

/** An index that is looked at in every step, and the loops around it, from the outside in. */
export interface OpenIndex {
  readonly node: Node;
  readonly loops: readonly Node[];
}

/** The largest index (exclusive) that each integer input of a graph may hold, and what sets the limit. */
export function indexBounds(graph: Graph): Map<string, IndexBound> {
  return boundsOf(usesOfData(levelOf(graph)));
}

function boundsOf(uses: readonly Use[]): Map<string, IndexBound> {
  const bounds = new Map<string, IndexBound>();
  for (const { name, bound } of uses) {
    if (bound.size < (bounds.get(name)?.size ?? Number.POSITIVE_INFINITY)) bounds.set(name, bound);
  }
  return bounds;
}

/** Indices that are neither checked as data nor proven, in the order in which they are used. */
export function openIndices(of: Graph): Node[] {
  return openPlaces(of).map(({ node }) => node);
}

/** The same, with the loops around them: nodes of `expandButLoops(graph)` and of the graphs inside of it. */
export function openPlaces(of: Graph): OpenIndex[] {
  const level = levelOf(of);
  if (!usesIndices(level)) return [];
  const uses = usesOfData(level);
  const data = [...boundsOf(uses)].map(([name, { size }]) => [name, { lo: 0, hi: size - 1 }] as const);
  const checked = (at: Level, node: Node) => uses.some((use) => use.level === at && use.node === node);
  return openIn(level, new Map(data), checked);
}

function levelOf(graph: Graph): Level {
  return makeLevel(expandButLoops(graph), null);
}

function makeLevel(graph: Graph, loop: Level['loop']): Level {
  const inner = new Map<Node, Level>();
  const level = { graph, loop, inner };
  for (const node of graph.nodes)
    if (isLoop(node)) inner.set(node, makeLevel(node.attrs.body as Graph, { node, around: level }));
  return level;
}

function usesIndices({ graph, inner }: Level): boolean {
  return graph.nodes.some((node) => node.op.bound) || [...inner.values()].some(usesIndices);
}

function openIn(
  level: Level,
  given: ReadonlyMap<string, Interval>,
  isChecked: (level: Level, node: Node) => boolean,
): OpenIndex[] {
  const bounds = integerBounds(level.graph.nodes, given);
  const own: Node[] = [];
  const open: OpenIndex[] = [];
  for (const node of level.graph.nodes) {
    const inner = level.inner.get(node);
    if (inner) {
      const inside = openIn(inner, givenTo(node, inner.graph, bounds), isChecked);
      open.push(...inside.map((index) => ({ ...index, loops: [node, ...index.loops] })));
    }
    if (!node.op.bound || isChecked(level, node) || node.shape.includes(0)) continue;
    const { size } = node.op.bound(node.attrs);
    const { lo, hi } = bounds.get(node.inputs[0])!;
    const covered = own.some((o) => o.inputs[0] === node.inputs[0] && o.op.bound!(o.attrs).size <= size);
    if ((lo >= 0 && hi < size) || covered) continue;
    own.push(node);
    open.push({ node, loops: [] });
  }
  return open;
}

/** Bounds of what a body is given: what is carried keeps those of the first values if a step that has them keeps them. */
function givenTo(
  node: Node,
  body: Graph,
  outside: ReadonlyMap<Node, Interval>,
): ReadonlyMap<string, Interval> {
  const { carries } = node.attrs as ScanAttrs;
  const of = body.inputs.map((input, i) => [inputAttrs(input).name, outside.get(node.inputs[i])!] as const);
  const assumed = new Map(of);
  const made = integerBounds(body.nodes, assumed);
  const keeps = of.slice(0, carries).every(([, { lo, hi }], i) => {
    const next = made.get(body.outputs[i].node)!;
    return next.lo >= lo && next.hi <= hi;
  });
  return keeps ? assumed : new Map(of.slice(carries));
}

interface Use {
  readonly level: Level;
  readonly node: Node;
  readonly name: string;
  readonly bound: IndexBound;
}

/** Uses of data as indices, be it turned, repeated or walked through, and the bounds that they set. */
function usesOfData(level: Level): Use[] {
  const all = usesIn(level);
  // Parts of an input that are indices of different tables have no common bound, and what is in no part may be anything.
  return all.filter(({ name, source, part, bound }) => {
    if (!part) return true;
    const uses = all.filter((other) => other.name === name);
    const parts = new Map(uses.map((use) => [use.part?.key ?? '', use.part?.count ?? numel(source.shape)]));
    const covered = [...parts.values()].reduce((sum, count) => sum + count, 0);
    return covered >= numel(source.shape) && uses.every((use) => use.bound.size === bound.size);
  });
}

interface PartUse extends Use, Source {}

function usesIn(level: Level): PartUse[] {
  return level.graph.nodes.flatMap((node) => {
    const inner = level.inner.get(node);
    if (inner) return usesIn(inner);
    if (!node.op.bound) return [];
    const { source, part } = sourceOf(node, level);
    if (!isInput(source) || inputAttrs(source).role !== 'input') return [];
    return [{ level, node, source, name: inputAttrs(source).name, bound: node.op.bound(node.attrs), part }];
  });
}

/** `part`: which of its elements, and how many, if slices choose. */
interface Source {
  readonly source: Node;
  readonly part?: { readonly key: string; readonly count: number };
}

/** Follows movement back to where the elements come from, out of loops that are given all of them, one by one. */
function sourceOf(node: Node, level: Level): Source {
  let [source, at] = [node, level];
  const slices: Node[] = [];
  let turns = 1;
  while (true) {
    if (source.op.lower.kind === 'movement') {
      if (numel(source.shape) < numel(source.inputs[0].shape)) slices.push(source);
      source = source.inputs[0];
      continue;
    }
    const place = at.loop ? at.graph.inputs.indexOf(source) : -1;
    if (!at.loop || place < 0) break;
    const { node: loop, around } = at.loop;
    const { carries, scanned, length } = loop.attrs as ScanAttrs;
    // What is carried is made by the loop; its input is not the data.
    if (place < carries) return { source: loop };
    if (place < carries + scanned && slices.length > 0) turns *= length;
    [source, at] = [loop.inputs[place], around];
  }
  if (slices.length === 0) return { source };
  const key = slices.map(({ attrs, shape }) => `${attrs.starts} ${shape}`).join();
  return { source, part: { key, count: turns * numel(slices[0].shape) } };
}

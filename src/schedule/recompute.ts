import { type Graph, inputAttrs, isInput, type Node, roots } from '../graph/graph.js';
import { numel } from '../shape.js';
import { type Cluster, fitInto, ownReads } from './cluster.js';
import { type Fusion, isInline, sourcesOf } from './fuse.js';
import { viewOf } from './view.js';

/** Arithmetic that may be done twice, in multiply-adds per vector, rather than pass a value through memory. */
const BUDGET = 3;

/**
 * Lets kernels make cheap values again from what is in memory anyway, where that spares writing them: the
 * derivative 1 - tanh(x)^2 from the tanh, a mask from the activation. A value made twice keeps its home, which
 * stores it if some other kernel still reads it.
 */
export function recompute(graph: Graph, fusion: Fusion): Fusion {
  const kept = new Set(roots(graph).map((root) => viewOf(root).source));
  // Last first, so that a value is spared before the values that it is made of are looked at.
  for (const node of [...graph.nodes].reverse()) {
    const home = fusion.home.get(node);
    if (!home || kept.has(node) || node.op.lower.kind !== 'elementwise') continue;
    const readers = fusion.clusters.filter((c) => c !== home && readsFromMemory(c, node));
    if (readers.length === 0) continue;
    const inMemory = (source: Node) =>
      isInput(source) || kept.has(source) || fusion.clusters.some((c) => readsFromMemory(c, source, node));
    const chain = chainOf(node, home, inMemory);
    if (!chain || !readers.every((reader) => canMake(reader, chain, node, inMemory))) continue;
    for (const reader of readers) insert(reader, chain, node);
  }
  for (const cluster of fusion.clusters) dropDead(cluster, fusion, kept);
  return { ...fusion, clusters: fusion.clusters.filter((c) => c.members.size > 0) };
}

/** Whether a kernel loads a node, other than through `except`, which it would make itself. */
function readsFromMemory(cluster: Cluster, node: Node, except?: Node): boolean {
  if (cluster.members.has(node)) return false;
  return [...cluster.members.keys()].some((member) => member !== except && sourcesOf(member).includes(node));
}

/** The node behind those of its cluster that have to be made again with it, or undefined if that is too much. */
function chainOf(
  node: Node,
  home: Cluster,
  inMemory: (source: Node) => boolean,
): ReadonlySet<Node> | undefined {
  const chain = new Set<Node>();
  let budget = BUDGET;
  const visit = (at: Node): boolean => {
    if (chain.has(at)) return true;
    const { lower } = at.op;
    if (lower.kind !== 'elementwise' || home.members.get(at)?.level !== 'element') return false;
    budget -= Math.max(1, lower.cost);
    if (budget < 0) return false;
    for (const source of sourcesOf(at)) if (!inMemory(source) && !visit(source)) return false;
    chain.add(at);
    return true;
  };
  return visit(node) ? chain : undefined;
}

/** Whether the chain fits the reader's loops, without loading more than it spares. */
function canMake(
  reader: Cluster,
  chain: ReadonlySet<Node>,
  node: Node,
  inMemory: (source: Node) => boolean,
): boolean {
  if (reader.kind === 'closed') return false;
  const loaded = [...reader.members.keys()].flatMap(sourcesOf);
  const added = new Set(
    [...chain].flatMap(sourcesOf).filter((s) => inMemory(s) && !isInline(s) && !loaded.includes(s)),
  );
  if ([...added].some((source) => reader.members.has(source))) return false;
  // A variable that one more kernel reads could no longer be updated where it lies.
  if ([...added].some((source) => isInput(source) && inputAttrs(source).role !== 'input')) return false;
  const elements = [...added].reduce((sum, source) => sum + numel(source.shape), 0);
  if (elements > numel(node.shape)) return false;
  const grown = { ...reader, members: new Map(reader.members) };
  for (const link of chain) {
    const fitted = fitInto(grown, link);
    if (typeof fitted === 'string' || fitted.member.level !== 'element') return false;
    grown.members.set(link, fitted.member);
  }
  // What the chain reads of the kernel itself has to be made before.
  const order = [...reader.members.keys()];
  const first = order.findIndex((member) => sourcesOf(member).includes(node));
  if ([...chain].flatMap(sourcesOf).some((source) => order.indexOf(source) >= first)) return false;
  // Those who read the node from memory must be able to read it where it is made.
  return [...reader.members.keys()]
    .filter((member) => sourcesOf(member).includes(node))
    .every((member) => {
      const { kind } = member.op.lower;
      if (kind !== 'elementwise' && kind !== 'reduce') return false;
      const without = { ...grown, members: new Map([...grown.members].filter(([key]) => key !== member)) };
      return ownReads(member).length > 0 && typeof fitInto(without, member) !== 'string';
    });
}

/** Puts the chain in front of its readers; a product stays the first member of its kernel. */
function insert(reader: Cluster, chain: ReadonlySet<Node>, node: Node): void {
  const old = [...reader.members];
  const first = old.findIndex(([member]) => sourcesOf(member).includes(node));
  reader.members.clear();
  for (const [key, member] of old.slice(0, first)) reader.members.set(key, member);
  for (const link of chain) {
    const fitted = fitInto(reader, link);
    if (typeof fitted !== 'string') reader.members.set(link, fitted.member);
  }
  for (const [key, member] of old.slice(first)) reader.members.set(key, member);
}

/** Members that neither memory nor another member needs any more. */
function dropDead(cluster: Cluster, fusion: Fusion, kept: ReadonlySet<Node>): void {
  if (cluster.kind === 'closed') return;
  const needed = new Set<Node>();
  const members = [...cluster.members.keys()];
  for (const node of members.reverse()) {
    const stored =
      fusion.home.get(node) === cluster &&
      (kept.has(node) || fusion.clusters.some((c) => c !== cluster && readsFromMemory(c, node)));
    if (stored || needed.has(node)) {
      needed.add(node);
      for (const source of sourcesOf(node)) needed.add(source);
    } else if (node.op.lower.kind === 'elementwise') cluster.members.delete(node);
  }
}

import { type Graph, inputAttrs, isInput, type Node, roots } from '../graph/graph.js';
import { isInline, sourcesOf } from '../kernels/inline.js';
import type { Member } from '../kernels/kernel.js';
import { viewOf } from '../kernels/view.js';
import { numel } from '../shape.js';
import { type Cluster, extended, fitInto } from './cluster.js';
import type { Fusion } from './fuse.js';
import { MemoryReads } from './memory-reads.js';

/** Arithmetic that may be done twice, in the unit of an op's cost, rather than pass a value through memory. */
const BUDGET = 3;
/** How much smaller than a value a variable is that is read to make it again. */
const SMALL = 16;
/** Elements that a reader may load for each that it loads no longer, and that nobody writes. */
const SPARED = 2 + 1 / SMALL;

/**
 * Lets kernels make cheap values again from what is in memory anyway, where that spares writing them: the
 * derivative 1 - tanh(x)^2 from the tanh, a mask from the activation. A value made twice keeps its home, which
 * stores it if some other kernel still reads it.
 */
export function recompute(graph: Graph, fusion: Fusion): Fusion {
  const kept = new Set(roots(graph).map((root) => viewOf(root).source));
  const loads = new MemoryReads(fusion.clusters);
  // Last first, so that a value is spared before the values that it is made of are looked at.
  for (const node of [...graph.nodes].reverse()) {
    const home = fusion.home.get(node);
    if (!home || kept.has(node) || node.op.lower.kind !== 'elementwise') continue;
    // Its home makes it, and so does not load it.
    const readers = loads.of(node);
    if (readers.length === 0) continue;
    // What its home does not make, that loads.
    const inMemory = (source: Node) =>
      !home.members.has(source) ||
      isInput(source) ||
      kept.has(source) ||
      loads.some(source, { except: node });
    const chain = chainOf(node, home, inMemory);
    if (!chain) continue;
    const grown = readers.map((reader) => withChain(reader, chain, node, inMemory));
    if (grown.includes(undefined)) continue;
    readers.forEach((reader, i) => {
      reader.members.clear();
      for (const [key, member] of grown[i]!) {
        reader.members.set(key, member);
        loads.join(key, reader);
      }
    });
  }
  for (const cluster of fusion.clusters) dropDead(cluster, fusion, kept, loads);
  return { ...fusion, clusters: fusion.clusters.filter((c) => c.members.size > 0) };
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

/**
 * The reader's members with the chain in front of those that read the node, or undefined if it does not fit the
 * reader's loops or would load more than it spares. A product stays the first member of its kernel.
 */
function withChain(
  reader: Cluster,
  chain: ReadonlySet<Node>,
  node: Node,
  inMemory: (source: Node) => boolean,
): ReadonlyMap<Node, Member> | undefined {
  const old = [...reader.members.keys()];
  const loaded = old.flatMap(sourcesOf);
  const needed = [...chain].flatMap(sourcesOf);
  const added = new Set(needed.filter((s) => inMemory(s) && !isInline(s) && !loaded.includes(s)));
  const size = (source: Node) => numel(source.shape);
  // A variable that one more kernel reads may have to be copied, rather than updated where it lies.
  const isVariable = (source: Node) => isInput(source) && inputAttrs(source).role !== 'input';
  if ([...added].some((source) => isVariable(source) && SMALL * size(source) > size(node))) return undefined;
  if ([...added].reduce((sum, source) => sum + size(source), 0) > SPARED * size(node)) return undefined;
  // What the chain reads of the kernel itself has to be made before.
  const first = old.findIndex((member) => sourcesOf(member).includes(node));
  if (needed.some((source) => old.indexOf(source) >= first)) return undefined;
  const grown = extended(reader, chain);
  if (!grown || [...chain].some((link) => grown.members.get(link)!.level !== 'element')) return undefined;
  // Those who read the node from memory must be able to read it where it is made.
  for (const member of old.filter((m) => sourcesOf(m).includes(node))) {
    const { kind } = member.op.lower;
    if (kind !== 'elementwise' && kind !== 'reduce') return undefined;
    const others = new Map([...grown.members].filter(([key]) => key !== member));
    if (typeof fitInto({ ...grown, members: others }, member) === 'string') return undefined;
  }
  const order = [...old.slice(0, first), ...chain, ...old.slice(first)];
  return new Map(order.map((key) => [key, grown.members.get(key)!]));
}

/** Members that neither memory nor another member needs any more. */
function dropDead(cluster: Cluster, fusion: Fusion, kept: ReadonlySet<Node>, loads: MemoryReads): void {
  if (cluster.kind === 'closed') return;
  const needed = new Set<Node>();
  const members = [...cluster.members.keys()];
  for (const node of members.reverse()) {
    const stored =
      fusion.home.get(node) === cluster && (kept.has(node) || loads.some(node, { outside: cluster }));
    if (stored || needed.has(node)) {
      needed.add(node);
      for (const source of sourcesOf(node)) needed.add(source);
    } else if (node.op.lower.kind === 'elementwise') {
      cluster.members.delete(node);
      loads.leave(node, cluster);
    }
  }
}

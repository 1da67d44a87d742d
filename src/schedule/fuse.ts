import { constantValue, consumers, type Graph, isInput, type Node, roots } from '../graph/graph.js';
import { isInline, readsWhole, sourcesOf } from '../kernels/inline.js';
import type { Member, Remade } from '../kernels/kernel.js';
import { needsCopy, viewOf } from '../kernels/view.js';
import { isResult } from '../ops/results.js';
import { type Cluster, fitInto, ownReads, startCluster } from './cluster.js';
import { ClusterOrder } from './cluster-order.js';
import { CommonReads } from './common-reads.js';
import { isLoopNode } from './scans.js';

export interface Fusion {
  readonly clusters: readonly Cluster[];
  readonly home: ReadonlyMap<Node, Cluster>;
  /** Why a node did not join the cluster of one of its inputs. */
  readonly refusals: readonly { readonly from: Node; readonly to: Node; readonly why: string }[];
}

/** A graph with its nodes in clusters. */
export interface Fused {
  readonly graph: Graph;
  readonly fusion: Fusion;
  /** Bytes of the arena that groups of kernels may not bring it above, if it is not there without them. */
  readonly most?: number;
  readonly remade?: readonly Remade[];
}

/**
 * Puts every node that must be computed into a cluster. In topological order each node joins a cluster that
 * makes one of its inputs, else one that reads the same elements, else it starts its own. It may join only
 * where its loops are the cluster's and where no path leads from the cluster through another one back to it.
 * With `together` false each has one of its own.
 */
export function fuse(graph: Graph, together = true): Fusion {
  const clusters: Cluster[] = [];
  const home = new Map<Node, Cluster>();
  const refusals: { from: Node; to: Node; why: string }[] = [];
  const wanted = mustPlace(graph);
  const order = new ClusterOrder(home);
  const common = new CommonReads();
  const place = (node: Node, cluster: Cluster, member: Member) => {
    cluster.members.set(node, member);
    home.set(node, cluster);
    common.add(cluster, member);
    order.join(cluster, node);
  };

  const join = (node: Node): boolean => {
    if (!together) return false;
    const sources = sourcesOf(node);
    const makers = [...new Set(sources.map((s) => home.get(s)).filter((c) => c !== undefined))];
    const siblings = common.of(node, ownReads(node)).filter((c) => !makers.includes(c));
    for (const cluster of [...makers.sort((a, b) => b.id - a.id), ...siblings]) {
      const fitted = fitInto(cluster, node);
      const why =
        typeof fitted === 'string'
          ? fitted
          : order.waitsFor([node], cluster)
            ? 'another kernel has to run between'
            : null;
      if (why === null && typeof fitted !== 'string') {
        cluster.reduced = fitted.reduced;
        place(node, cluster, fitted.member);
        return true;
      }
      const from = sources.find((s) => home.get(s) === cluster);
      if (from && why) refusals.push({ from, to: node, why });
    }
    return false;
  };

  const start = (node: Node) => {
    const cluster = startCluster(clusters.length, node);
    clusters.push(cluster);
    order.start(cluster);
    place(node, cluster, cluster.members.get(node)!);
  };

  // What needs inputs alone can be computed anywhere: it waits for the first node that wants it, to join its cluster.
  const waiting = new Set<Node>();
  const settle = (node: Node, among: readonly Node[]) => {
    waiting.delete(node);
    if (!together) return start(node);
    const makers = [...new Set(among.map((s) => home.get(s)).filter((c) => c !== undefined))].sort(
      (a, b) => b.id - a.id,
    );
    for (const cluster of makers) {
      const fitted = fitInto(cluster, node);
      if (typeof fitted === 'string') continue;
      return place(node, cluster, fitted.member);
    }
    if (!join(node)) start(node);
  };

  const floating = floatingNodes(graph, wanted);
  for (const node of graph.nodes) {
    if (!wanted.has(node)) continue;
    if (isResult(node.op)) {
      const maker = home.get(node.inputs[0])!;
      maker.members.set(node, { node, level: 'element', reads: [] });
      home.set(node, maker);
      continue;
    }
    if (floating.has(node)) {
      waiting.add(node);
      continue;
    }
    const sources = sourcesOf(node);
    for (const source of sources) if (waiting.has(source)) settle(source, sources);
    const { kind } = node.op.lower;
    const alone = ['matmul', 'scatter', 'fold', 'copy', 'loop'].includes(kind);
    if (alone || !join(node)) start(node);
  }
  return { clusters, home, refusals };
}

/** Nodes that need a kernel: all but inputs, maps and what is made on the spot, unless memory must hold it. */
function mustPlace(graph: Graph): Set<Node> {
  const placed = new Set<Node>();
  for (const node of graph.nodes) {
    if (isInput(node) || node.op.lower.kind === 'leaf') continue;
    if (node.op.lower.kind === 'movement' ? needsCopy(node) : !isInline(node)) placed.add(node);
  }
  // Kernels that read whole operands need them in memory, as do outputs and new values of variables.
  for (const node of [...placed]) {
    if (!readsWhole(node)) continue;
    // A scatter fills its table with zeros itself, a copy its blocks with any number.
    const fill = (operand: Node) => constantValue(viewOf(operand).source);
    const { kind } = node.op.lower;
    const operands = node.inputs.filter(
      (operand, i) =>
        !(kind === 'scatter' && i === 0 && fill(operand) === 0) &&
        !(kind === 'copy' && fill(operand) !== undefined) &&
        !(isLoopNode(node) && node.loop.given[i] === 'first' && fill(operand) !== undefined),
    );
    for (const operand of operands) placeSource(operand, placed);
  }
  for (const root of roots(graph)) placeSource(root, placed);
  return placed;
}

function placeSource(node: Node, placed: Set<Node>): void {
  const { source } = viewOf(node);
  if (isInline(source)) placed.add(source);
}

/** Cheap elementwise nodes that read inputs alone and that only elementwise nodes read. */
function floatingNodes(graph: Graph, wanted: ReadonlySet<Node>): Set<Node> {
  const users = consumers(graph);
  const kept = new Set(roots(graph).map((root) => viewOf(root).source));
  return new Set(
    graph.nodes.filter((node) => {
      const { lower } = node.op;
      if (!wanted.has(node) || kept.has(node) || lower.kind !== 'elementwise' || lower.cost > 2) return false;
      const readers = users.get(node)!;
      return (
        readers.every((r) => r.op.lower.kind === 'elementwise') &&
        sourcesOf(node).every((s) => !wanted.has(s))
      );
    }),
  );
}

import type { Node } from '../graph/graph.js';
import { sourcesOf } from '../kernels/inline.js';
import { type Cluster, extended, ownReads } from './cluster.js';
import { ClusterOrder } from './cluster-order.js';
import { CommonReads, latest } from './common-reads.js';
import type { Fusion } from './fuse.js';

/**
 * Joins loop nests that have come to read the same elements since their members were placed one by one. A kernel goes
 * into an earlier one if every member fits there and nothing has to run in between.
 */
export function merge(fusion: Fusion): Fusion {
  const home = new Map(fusion.home);
  const order = new ClusterOrder(home, fusion.clusters);
  const common = new CommonReads();
  const clusters = new Set<Cluster>();
  for (const cluster of fusion.clusters) {
    const related = cluster.kind === 'nest' ? relatedTo(cluster, home, common) : [];
    const into = related.find(
      (into) => clusters.has(into) && into.kind === 'nest' && takes(into, cluster, order, common),
    );
    if (into) {
      for (const node of cluster.members.keys()) if (home.get(node) === cluster) home.set(node, into);
      order.merge(cluster, into);
      continue;
    }
    clusters.add(cluster);
    for (const member of cluster.members.values()) common.add(cluster, member);
  }
  return { ...fusion, clusters: [...clusters], home };
}

/** Clusters that make what a member reads, or read the same elements; the latest first. */
function relatedTo(cluster: Cluster, home: ReadonlyMap<Node, Cluster>, common: CommonReads): Cluster[] {
  const related = new Set<Cluster>();
  for (const node of cluster.members.keys()) {
    for (const source of sourcesOf(node)) {
      const maker = home.get(source);
      if (maker) related.add(maker);
    }
    for (const other of common.of(node, ownReads(node))) related.add(other);
  }
  return latest(related);
}

/** Adds the members of a cluster to an earlier one, if they can all go there. */
function takes(into: Cluster, cluster: Cluster, order: ClusterOrder, common: CommonReads): boolean {
  const members = [...cluster.members.keys()];
  const earlier = [...into.members.keys()];
  if (order.waitsFor(members, into, cluster) || order.waitsFor(earlier, cluster, into)) return false;
  const added = members.filter((node) => !into.members.has(node));
  // Members stay in the order in which they are made.
  if (earlier.flatMap(sourcesOf).some((source) => added.includes(source))) return false;
  const grown = extended(into, added);
  if (!grown) return false;
  for (const node of added) {
    const member = grown.members.get(node)!;
    into.members.set(node, member);
    common.add(into, member);
  }
  into.reduced = grown.reduced;
  return true;
}

import type { Node } from '../graph/graph.js';
import { type Cluster, extended, ownReads } from './cluster.js';
import { type Fusion, readsInCommon, waitsFor } from './fuse.js';
import { sourcesOf } from './inline.js';

/**
 * Joins loop nests that have come to read the same elements since their members were placed one by one. A kernel goes
 * into an earlier one if every member fits there and nothing has to run in between.
 */
export function merge(fusion: Fusion): Fusion {
  const home = new Map(fusion.home);
  const clusters: Cluster[] = [];
  for (const cluster of fusion.clusters) {
    const taken =
      cluster.kind === 'nest' && [...clusters].reverse().some((into) => takes(into, cluster, home));
    if (!taken) clusters.push(cluster);
  }
  return { ...fusion, clusters, home };
}

/** Moves the members of a cluster into an earlier one, if they can all go there. */
function takes(into: Cluster, cluster: Cluster, home: Map<Node, Cluster>): boolean {
  if (into.kind !== 'nest') return false;
  const members = [...cluster.members.keys()];
  const earlier = [...into.members.keys()];
  const related = members.some(
    (node) =>
      sourcesOf(node).some((source) => home.get(source) === into) ||
      readsInCommon(into, node, ownReads(node)),
  );
  if (!related || waitsFor(members, into, home, cluster) || waitsFor(earlier, cluster, home, into))
    return false;
  const added = members.filter((node) => !into.members.has(node));
  // Members stay in the order in which they are made.
  if (earlier.flatMap(sourcesOf).some((source) => added.includes(source))) return false;
  const grown = extended(into, added);
  if (!grown) return false;
  for (const node of added) into.members.set(node, grown.members.get(node)!);
  into.reduced = grown.reduced;
  for (const node of members) if (home.get(node) === cluster) home.set(node, into);
  return true;
}

import type { Node } from '../graph/graph.js';
import { type Cluster, fitInto, ownReads } from './cluster.js';
import { type Fusion, readsInCommon, sourcesOf, waitsFor } from './fuse.js';

/**
 * Joins loop nests that have come to read the same elements since their members were placed one by one. A kernel goes
 * into an earlier one if every member fits there and nothing has to run in between.
 */
export function merge(fusion: Fusion): Fusion {
  const home = new Map(fusion.home);
  const clusters: Cluster[] = [];
  for (const cluster of fusion.clusters) {
    const into =
      cluster.kind === 'nest' ? [...clusters].reverse().find((c) => takes(c, cluster, home)) : undefined;
    if (!into) {
      clusters.push(cluster);
      continue;
    }
    const members = [...cluster.members.keys()];
    for (const node of members) {
      if (into.members.has(node)) continue;
      const fitted = fitInto(into, node);
      if (typeof fitted === 'string') throw new Error(`${node.op.name} fitted before: ${fitted}`);
      into.members.set(node, fitted.member);
      into.reduced = fitted.reduced;
    }
    for (const node of members) if (home.get(node) === cluster) home.set(node, into);
  }
  return { ...fusion, clusters, home };
}

function takes(into: Cluster, cluster: Cluster, home: ReadonlyMap<Node, Cluster>): boolean {
  if (into.kind !== 'nest') return false;
  const members = [...cluster.members.keys()];
  const related = members.some(
    (node) =>
      sourcesOf(node).some((source) => home.get(source) === into) ||
      readsInCommon(into, node, ownReads(node)),
  );
  if (
    !related ||
    waitsFor(members, into, home, cluster) ||
    waitsFor([...into.members.keys()], cluster, home, into)
  )
    return false;
  // Members stay in the order in which they are made.
  const after = [...into.members.keys()].flatMap(sourcesOf);
  if (after.some((source) => cluster.members.has(source) && !into.members.has(source))) return false;
  const grown: Cluster = { ...into, members: new Map(into.members) };
  for (const node of members) {
    if (grown.members.has(node)) continue;
    const fitted = fitInto(grown, node);
    if (typeof fitted === 'string') return false;
    grown.members.set(node, fitted.member);
    grown.reduced = fitted.reduced;
  }
  return true;
}

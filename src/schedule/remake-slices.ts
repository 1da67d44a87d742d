import type { Node } from '../graph/graph.js';
import { sourcesOf } from '../kernels/inline.js';
import { type Cluster, extended, startCluster } from './cluster.js';

/**
 * What of a cluster makes some of its values, in the order in which it makes them; the cluster itself where that is all.
 * @param inMemory what lies in memory anyway, and is read there rather than made
 */
export function sliceOf(
  cluster: Cluster,
  wanted: ReadonlySet<Node>,
  inMemory: (node: Node) => boolean,
): Cluster {
  if (cluster.kind === 'closed') return cluster;
  const short = neededFor(cluster, wanted, inMemory);
  const long = neededFor(cluster, wanted, () => false);
  return (
    restricted(cluster, short) ??
    restarted(cluster, short) ??
    restricted(cluster, long) ??
    restarted(cluster, long) ??
    cluster
  );
}

/** Members that make the values wanted. */
function neededFor(
  { members }: Cluster,
  wanted: ReadonlySet<Node>,
  inMemory: (node: Node) => boolean,
): ReadonlySet<Node> {
  const needed = new Set(wanted);
  for (const node of [...members.keys()].reverse()) {
    if (!needed.has(node)) continue;
    for (const source of sourcesOf(node)) if (members.has(source) && !inMemory(source)) needed.add(source);
  }
  return needed;
}

/** The same loops with fewer members, if what the loops are made for is among them. */
function restricted(cluster: Cluster, needed: ReadonlySet<Node>): Cluster | undefined {
  const { kind, reduced, members } = cluster;
  if (needed.size === members.size) return cluster;
  const [product] = members.keys();
  const left = [...members].filter(([node]) => needed.has(node));
  const reduces = left.some(([, { level }]) => level === 'reduce');
  if (kind === 'gemm' ? !needed.has(product) : reduced.includes(true) && !reduces) return undefined;
  return { ...cluster, members: new Map(left) };
}

/** Loops of their own for the members, if they have some in common. */
function restarted({ id, members }: Cluster, needed: ReadonlySet<Node>): Cluster | undefined {
  const [first, ...others] = [...members.keys()].filter((node) => needed.has(node));
  return extended(startCluster(id, first), others);
}

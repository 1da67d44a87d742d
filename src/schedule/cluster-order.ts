import type { Node } from '../graph/graph.js';
import type { Cluster } from './cluster.js';
import { sourcesOf } from './inline.js';

/**
 * Clusters that one question looks at in each direction, at most. Where that does not answer it, the answer is that they
 * wait: kernels so far apart would keep values alive for long.
 */
const MOST = 512;

/**
 * Which clusters wait for which, and an order in which each comes after those that it waits for, kept as members join
 * (Pearce and Kelly, Journal of Experimental Algorithmics 11, 2006). Only what lies between two clusters in that order
 * can make one wait for the other.
 */
export class ClusterOrder {
  private readonly ranks = new Map<Cluster, number>();
  private readonly waits = new Map<Cluster, Set<Cluster>>();
  private readonly followers = new Map<Cluster, Set<Cluster>>();

  /** `home`: the cluster that makes each node, as it is when asked. */
  constructor(private readonly home: ReadonlyMap<Node, Cluster>) {}

  /** The order of clusters that are made already. */
  static of(clusters: readonly Cluster[], home: ReadonlyMap<Node, Cluster>): ClusterOrder {
    const order = new ClusterOrder(home);
    // A value that all make for themselves may be at home in a cluster that is gone.
    const all = new Set([...clusters, ...home.values()]);
    for (const cluster of all) order.followers.set(cluster, new Set());
    const missing = new Map<Cluster, number>();
    for (const cluster of all) {
      const makers = order.makersOf(cluster.members.keys());
      makers.delete(cluster);
      order.waits.set(cluster, makers);
      missing.set(cluster, makers.size);
      for (const maker of makers) order.followers.get(maker)!.add(cluster);
    }
    const ready = [...all].filter((cluster) => missing.get(cluster) === 0);
    for (const cluster of ready) {
      order.ranks.set(cluster, order.ranks.size);
      for (const follower of order.followers.get(cluster)!) {
        missing.set(follower, missing.get(follower)! - 1);
        if (missing.get(follower) === 0) ready.push(follower);
      }
    }
    if (order.ranks.size < all.size) throw new Error('clusters wait for each other');
    return order;
  }

  /** A cluster that nothing waits for yet. */
  start(cluster: Cluster): void {
    this.ranks.set(cluster, this.ranks.size);
    this.waits.set(cluster, new Set());
    this.followers.set(cluster, new Set());
  }

  /** The cluster waits for what makes a node's sources; `waitsFor` has said that these do not wait for it. */
  join(cluster: Cluster, node: Node): void {
    for (const maker of this.makersOf([node])) this.link(cluster, maker);
  }

  /**
   * Whether making `nodes` waits for another kernel that waits for `cluster`; `own`, which makes them, does not count.
   */
  waitsFor(nodes: Iterable<Node>, cluster: Cluster, own?: Cluster): boolean {
    const from = this.makersOf(nodes);
    from.delete(cluster);
    if (own) from.delete(own);
    const least = this.ranks.get(cluster)!;
    const before = this.reach(from, this.waits, (rank) => rank >= least, own);
    if (!before || before.has(cluster)) return true;
    // To join them, those that wait for the cluster would have to go behind what it then waits for.
    const most = Math.max(...[...before].map((c) => this.ranks.get(c)!));
    return before.size > 0 && !this.reach([cluster], this.followers, (rank) => rank <= most);
  }

  /**
   * The members of a cluster have come into another, and their homes have changed; neither waits for a third that waits
   * for the other.
   */
  merge(cluster: Cluster, into: Cluster): void {
    const changed = [into, cluster, ...this.followers.get(cluster)!];
    const makers = changed.map((c) => this.makersOf(c.members.keys()));
    for (const [i, c] of changed.entries()) {
      for (const maker of this.waits.get(c)!) {
        if (makers[i].has(maker)) continue;
        this.waits.get(c)!.delete(maker);
        this.followers.get(maker)!.delete(c);
      }
    }
    for (const [i, c] of changed.entries()) for (const maker of makers[i]) this.link(c, maker);
  }

  private makersOf(nodes: Iterable<Node>): Set<Cluster> {
    const makers = new Set<Cluster>();
    for (const node of nodes)
      for (const source of sourcesOf(node)) {
        const maker = this.home.get(source);
        if (maker) makers.add(maker);
      }
    return makers;
  }

  private link(cluster: Cluster, maker: Cluster): void {
    if (cluster === maker || this.waits.get(cluster)!.has(maker)) return;
    this.waits.get(cluster)!.add(maker);
    this.followers.get(maker)!.add(cluster);
    const [low, high] = [this.ranks.get(cluster)!, this.ranks.get(maker)!];
    if (low > high) return;
    const before = this.reach(
      [maker],
      this.waits,
      (rank) => rank >= low,
      undefined,
      Number.POSITIVE_INFINITY,
    )!;
    const after = this.reach(
      [cluster],
      this.followers,
      (rank) => rank <= high,
      undefined,
      Number.POSITIVE_INFINITY,
    )!;
    if (before.has(cluster)) throw new Error('two clusters wait for each other');
    const byRank = (a: Cluster, b: Cluster) => this.ranks.get(a)! - this.ranks.get(b)!;
    const moved = [...[...before].sort(byRank), ...[...after].sort(byRank)];
    const ranks = moved.map((c) => this.ranks.get(c)!).sort((a, b) => a - b);
    for (const [i, c] of moved.entries()) this.ranks.set(c, ranks[i]);
  }

  /** These and the clusters that the links lead to, of ranks within limits; undefined if they are too many. */
  private reach(
    from: Iterable<Cluster>,
    links: ReadonlyMap<Cluster, ReadonlySet<Cluster>>,
    isWithin: (rank: number) => boolean,
    without?: Cluster,
    most = MOST,
  ): Set<Cluster> | undefined {
    const found = new Set<Cluster>();
    const add = (cluster: Cluster) => {
      if (cluster !== without && isWithin(this.ranks.get(cluster)!)) found.add(cluster);
    };
    for (const cluster of from) add(cluster);
    for (const cluster of found) {
      for (const next of links.get(cluster)!) add(next);
      if (found.size > most) return undefined;
    }
    return found;
  }
}

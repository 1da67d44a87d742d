import type { Node } from '../graph/graph.js';
import { sourcesOf } from '../kernels/inline.js';
import type { Cluster } from './cluster.js';
import { Precedence } from './precedence.js';

/**
 * Clusters that may lie between two that are asked about. Where there are more, the answer is that they wait: kernels so
 * far apart would keep values alive for long, and answers would take the longer the deeper a model is.
 */
const MOST_BETWEEN = 512;

/** Which clusters wait for which, as members join them. */
export class ClusterOrder {
  private readonly order: Precedence<Cluster>;

  /** `home`: the cluster that makes each node, as it is when asked; of `clusters`, which are there already. */
  constructor(
    private readonly home: ReadonlyMap<Node, Cluster>,
    clusters: readonly Cluster[] = [],
  ) {
    // A value that all make for themselves may be at home in a cluster that is gone.
    const all = new Set([...clusters, ...home.values()]);
    this.order = new Precedence(
      new Map([...all].map((cluster) => [cluster, this.makersOf(cluster.members.keys())])),
    );
  }

  /** A cluster that nothing waits for yet. */
  start(cluster: Cluster): void {
    this.order.add(cluster);
  }

  /** The cluster waits for what makes a node's sources, which `waitsFor` has said not to wait for it. */
  join(cluster: Cluster, node: Node): void {
    for (const maker of this.makersOf([node])) this.order.link(cluster, maker);
  }

  /** Whether making `nodes` waits for another kernel that waits for `cluster`; `own`, which makes them, does not count. */
  waitsFor(nodes: Iterable<Node>, cluster: Cluster, own?: Cluster): boolean {
    const makers = this.makersOf(nodes);
    makers.delete(cluster);
    return this.order.mayReach(makers, cluster, own, MOST_BETWEEN);
  }

  /**
   * The members of a cluster have come into another, and their homes have changed; neither waits for a third that waits
   * for the other.
   */
  merge(cluster: Cluster, into: Cluster): void {
    const changed = [into, cluster, ...this.order.after(cluster)];
    const makers = changed.map((c) => this.makersOf(c.members.keys()));
    for (const [i, c] of changed.entries())
      for (const maker of this.order.before(c)) if (!makers[i].has(maker)) this.order.unlink(c, maker);
    for (const [i, c] of changed.entries()) for (const maker of makers[i]) this.order.link(c, maker);
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
}

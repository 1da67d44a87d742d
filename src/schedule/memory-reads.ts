import type { Node } from '../graph/graph.js';
import { sourcesOf } from '../kernels/inline.js';
import type { Cluster } from './cluster.js';
import { emptyList, known } from './known.js';

/**
 * Which clusters load a value: those with a member that reads it, that do not make it themselves. Found through the
 * readers of each value; members may join and leave, but only nodes that some cluster had at the start.
 */
export class MemoryReads {
  private readonly readers = new Map<Node, Node[]>();
  private readonly owners = new Map<Node, Set<Cluster>>();

  constructor(clusters: readonly Cluster[]) {
    for (const cluster of clusters) {
      for (const node of cluster.members.keys()) {
        if (!this.owners.has(node))
          for (const source of sourcesOf(node)) known(this.readers, source, emptyList<Node>).push(node);
        this.join(node, cluster);
      }
    }
  }

  join(node: Node, cluster: Cluster): void {
    known(this.owners, node, () => new Set<Cluster>()).add(cluster);
  }

  leave(node: Node, cluster: Cluster): void {
    this.owners.get(node)!.delete(cluster);
  }

  /** Clusters that load a value, in the order in which they were made. */
  of(node: Node): Cluster[] {
    const found = new Set<Cluster>();
    for (const reader of this.readers.get(node) ?? [])
      for (const cluster of this.owners.get(reader)!) if (!cluster.members.has(node)) found.add(cluster);
    return [...found].sort((a, b) => a.id - b.id);
  }

  /** Whether some cluster loads a value, other than for the member `except` or in the cluster `outside`. */
  some(node: Node, { except, outside }: { except?: Node; outside?: Cluster }): boolean {
    for (const reader of this.readers.get(node) ?? []) {
      if (reader === except) continue;
      for (const cluster of this.owners.get(reader)!)
        if (cluster !== outside && !cluster.members.has(node)) return true;
    }
    return false;
  }
}

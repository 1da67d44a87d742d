import type { Node } from '../graph/graph.js';
import { isInline } from '../kernels/inline.js';
import type { Access, Member } from '../kernels/kernel.js';
import { numel } from '../shape.js';
import type { Cluster } from './cluster.js';
import { known } from './known.js';

/** Of the nests that read the same elements so many are tried, the latest ones: where there are more, most are full. */
const MOST = 64;

/** Loop nests by the elements that they read, and those of a single point. */
export class CommonReads {
  private readonly readers = new Map<Node, Map<number, Recent>>();
  private readonly points = new Recent();

  add(cluster: Cluster, { reads }: Member): void {
    if (cluster.kind !== 'nest') return;
    if (numel(cluster.domain) === 1) this.points.add(cluster);
    for (const { source, offset } of reads) {
      const places = known(this.readers, source, () => new Map<number, Recent>());
      known(places, offset, () => new Recent()).add(cluster);
    }
  }

  /** The nests that read elements which a node reads too, or are of one point as it is; the latest first. */
  of(node: Node, reads: readonly Access[]): Cluster[] {
    const found = new Set<Cluster>(numel(node.shape) === 1 ? this.points.last() : []);
    for (const { source, offset } of ofMany(reads))
      for (const cluster of this.readers.get(source)?.get(offset)?.last() ?? []) found.add(cluster);
    return latest(found);
  }
}

/** Clusters in the order in which they came. */
class Recent {
  private readonly all = new Set<Cluster>();
  private readonly list: Cluster[] = [];

  add(cluster: Cluster): void {
    if (!this.all.has(cluster)) this.list.push(cluster);
    this.all.add(cluster);
  }

  last(): Cluster[] {
    return this.list.slice(-MOST);
  }
}

/** The latest of some clusters, the last first. */
export function latest(clusters: Iterable<Cluster>): Cluster[] {
  return [...clusters].sort((a, b) => b.id - a.id).slice(0, MOST);
}

/** The reads of more than one element in memory: those of single ones are shared by all. */
function ofMany(reads: readonly Access[]): Access[] {
  return reads.filter((read) => numel(read.source.shape) > 1 && !isInline(read.source));
}

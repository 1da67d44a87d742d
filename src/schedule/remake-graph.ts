import { fromRoots, type Node } from '../graph/graph.js';
import { isInline, readsWhole } from '../kernels/inline.js';
import type { Member } from '../kernels/kernel.js';
import type { Cluster } from './cluster.js';
import type { Fused, Fusion } from './fuse.js';
import { emptyList, known } from './known.js';
import { type Dropped, isRemade, type Remaking } from './remake-events.js';
import type { Story } from './remake-story.js';

/**
 * The graph in which what is made again has nodes of its own, that later readers read, and their clusters, in the order in
 * which they run. Clusters that nothing of this concerns stay as they are.
 */
export function withRemakings(
  { graph, fusion }: Fused,
  story: Story,
  dropped: Dropped,
  remakings: readonly Remaking[],
): Fused {
  const writer = new Writer(story, dropped);
  const before = new Map<number, Remaking[]>();
  for (const one of remakings) known(before, one.place, emptyList<Remaking>).push(one);
  story.units.forEach(({ cluster }, place) => {
    for (const one of before.get(place) ?? []) writer.again(one);
    if (cluster) writer.put(cluster, place);
  });
  const end = new Reader((node) => writer.imageOf(node), fusion);
  const rewritten = fromRoots({
    ...graph,
    outputs: graph.outputs.map(({ name, node }) => ({ name, node: end.read(node, true) })),
    updates: graph.updates.map(({ variable, value }) => ({ variable, value: end.read(value, true) })),
  });
  return { graph: rewritten, fusion: writer.result() };
}

/** Finds what stands for a node that somebody reads; what is on the way there, which no cluster makes, is made anew. */
class Reader {
  /** What stands for the members of the cluster at hand. */
  readonly made = new Map<Node, Node>();
  private readonly between = { whole: new Map<Node, Node>(), spot: new Map<Node, Node>() };

  constructor(
    private readonly imageOf: (node: Node) => Node,
    private readonly fusion: Fusion,
  ) {}

  /** `whole`: from memory alone, so that even what could be made on the spot is one that a cluster makes. */
  read(node: Node, whole: boolean): Node {
    const own = this.made.get(node);
    if (own) return own;
    if (this.fusion.home.has(node) && (whole || !isInline(node))) return this.imageOf(node);
    return known(this.between[whole ? 'whole' : 'spot'], node, () => this.anew(node, whole));
  }

  /** The node with other inputs, or itself if they are the same. */
  anew(node: Node, whole: boolean): Node {
    const inputs = node.inputs.map((input) => this.read(input, whole));
    return inputs.every((input, i) => input === node.inputs[i]) ? node : { ...node, inputs };
  }
}

class Writer {
  private readonly clusters: Cluster[] = [];
  private readonly home = new Map<Node, Cluster>();
  private readonly images = new Map<Node, Node>();
  /** What stands for the values of clusters that run again. */
  private readonly remade = new Map<Cluster, ReadonlyMap<Node, Node>>();

  constructor(
    private readonly story: Story,
    private readonly dropped: Dropped,
  ) {}

  imageOf(node: Node): Node {
    return this.images.get(node) ?? node;
  }

  /** A cluster at its place: as it is, unless it reads what was made again. */
  put(cluster: Cluster, place: number): void {
    const { home } = this.story.fusion;
    const reader = this.readerAt(place);
    const members = membersOf(cluster, reader, (node) => reader.anew(node, readsWhole(node)));
    const same = [...members.keys()].every((node) => cluster.members.has(node));
    const put = same ? cluster : { ...cluster, members };
    for (const node of cluster.members.keys()) {
      const image = reader.made.get(node)!;
      const own = home.get(node) === cluster;
      if (own && image !== node) this.images.set(node, image);
      if (own || image !== node) this.home.set(image, put);
    }
    this.clusters.push(put);
  }

  /** A part of a cluster once more, with nodes of its own. */
  again({ cluster, place, slice }: Remaking): void {
    const reader = this.readerAt(place);
    const copy = (node: Node): Node => ({ ...reader.anew(node, readsWhole(node)) });
    const members = membersOf(slice.cluster, reader, copy);
    const put = { ...slice.cluster, members };
    for (const node of members.keys()) this.home.set(node, put);
    this.remade.set(cluster, new Map(reader.made));
    this.clusters.push(put);
  }

  result(): Fusion {
    // What several clusters make, each for itself, is at home in one of them.
    for (const cluster of this.clusters)
      for (const node of cluster.members.keys()) if (!this.home.has(node)) this.home.set(node, cluster);
    const clusters = this.clusters.map((cluster, id) => ({ cluster, numbered: { ...cluster, id } }));
    const numbered = new Map(clusters.map((c) => [c.cluster, c.numbered]));
    const home = new Map([...this.home].map(([node, cluster]) => [node, numbered.get(cluster)!]));
    return { clusters: [...numbered.values()], home, refusals: this.story.fusion.refusals };
  }

  private readerAt(place: number): Reader {
    const { story, dropped } = this;
    return new Reader((node) => {
      if (!isRemade(story, dropped, node, place)) return this.imageOf(node);
      return this.remade.get(story.fusion.home.get(node)!)!.get(node)!;
    }, story.fusion);
  }
}

/** Members with what stands for their nodes and for what they read. */
function membersOf({ members }: Cluster, reader: Reader, image: (node: Node) => Node): Map<Node, Member> {
  const made = [...members.values()].map(({ node, level, reads }): Member => {
    const own = image(node);
    const whole = readsWhole(node);
    const member = {
      node: own,
      level,
      reads: reads.map((read) => ({ ...read, source: reader.read(read.source, whole) })),
    };
    reader.made.set(node, own);
    return member;
  });
  return new Map(made.map((member) => [member.node, member]));
}

import type { Node } from '../graph/graph.js';
import { costOf } from '../kernels/cost.js';
import { sourcesOf } from '../kernels/inline.js';
import { type Kernel, memoryOf, type Schedule } from '../kernels/kernel.js';
import { loadsOf } from './bodies.js';
import type { Cluster } from './cluster.js';
import type { Fusion } from './fuse.js';
import { type Traffic, trafficOf } from './liveness.js';
import { sliceOf } from './remake-slices.js';

/** What happens at one place of the running order: a cluster's kernel, a copy that belongs to none, or a cluster that needs no kernel. */
export interface Unit {
  readonly cluster: Cluster | null;
  readonly kernel: Kernel | null;
  readonly traffic: Traffic | null;
  /** What the cluster reads from outside. */
  readonly loads: readonly Node[];
}

/** A part of a cluster that is run again, and what it reads. */
export interface Slice {
  readonly cluster: Cluster;
  readonly loads: readonly Node[];
  readonly flops: number;
  readonly nanoseconds: number;
}

/** Clusters in the order in which they run, and which memory of the arena they touch. */
export class Story {
  readonly units: readonly Unit[];
  /** For each memory of the arena the places at which it is touched, and the last at which it is written. */
  readonly touches = new Map<Node, number[]>();
  readonly written = new Map<Node, number>();
  /** Memory that several kernels write in parts. */
  readonly inParts: ReadonlySet<Node>;
  private readonly memories = new Map<Node, readonly Node[]>();
  private readonly read: ReadonlySet<Node>;
  private readonly unitOf: ReadonlyMap<Cluster, Unit>;
  private readonly slices = new Map<string, Slice>();
  private readonly keys = new Map<Node, number>();

  constructor(
    readonly fusion: Fusion,
    private readonly schedule: Schedule,
    takeOver: boolean,
  ) {
    this.units = inOrder(fusion, schedule, takeOver);
    this.unitOf = new Map(this.units.flatMap((unit) => (unit.cluster ? [[unit.cluster, unit]] : [])));
    this.read = new Set(this.units.flatMap(({ loads }) => loads));
    this.inParts = new Set(this.units.flatMap(({ traffic }) => traffic?.shared ?? []));
    this.units.forEach(({ kernel, traffic }, place) => {
      if (!kernel || !traffic) return;
      for (const node of new Set([...traffic.writes, ...traffic.reads, ...traffic.shared]))
        this.touches.set(node, [...(this.touches.get(node) ?? []), place]);
      for (const node of kernel.stores) this.written.set(memoryOf(schedule.storage, node), place);
    });
  }

  unit(cluster: Cluster): Unit {
    return this.unitOf.get(cluster)!;
  }

  /** Memory of the arena in which a value lies; of one that nobody stores, that of what it is a copy of. */
  memoriesOf(node: Node): readonly Node[] {
    const known = this.memories.get(node);
    if (known) return known;
    const { storage } = this.schedule;
    const at = storage.get(node);
    const memory = memoryOf(storage, node);
    const found = at
      ? storage.get(memory)?.kind === 'arena'
        ? [memory]
        : []
      : this.fusion.home.has(node)
        ? [...new Set(sourcesOf(node).flatMap((source) => this.memoriesOf(source)))]
        : [];
    this.memories.set(node, found);
    return found;
  }

  /** Values that others read of a cluster. */
  results(cluster: Cluster): Node[] {
    const { home } = this.fusion;
    return [...cluster.members.keys()].filter((node) => home.get(node) === cluster && this.read.has(node));
  }

  /** What of a cluster makes these values; `inMemory`: whether one of its own lies there still. */
  slice(cluster: Cluster, wanted: readonly Node[], inMemory: (node: Node) => boolean): Slice {
    const kept = this.results(cluster).filter((node) => !wanted.includes(node) && inMemory(node));
    const key = `${cluster.id}:${wanted.map((node) => this.key(node))}:${kept.map((node) => this.key(node))}`;
    const known = this.slices.get(key);
    if (known) return known;
    const part = sliceOf(cluster, new Set(wanted), (node) => kept.includes(node));
    const loads = part === cluster ? this.unit(cluster).loads : loadsOf(part, this.fusion);
    const made = { cluster: part, loads, ...this.costOf(cluster, part, wanted, loads) };
    this.slices.set(key, made);
    return made;
  }

  private costOf(
    cluster: Cluster,
    part: Cluster,
    stores: readonly Node[],
    loads: readonly Node[],
  ): Pick<Slice, 'flops' | 'nanoseconds'> {
    const { kernel } = this.unit(cluster);
    // What others write and read in its place costs nothing.
    if (!kernel) return { flops: 0, nanoseconds: 0 };
    if (part === cluster) return costOf(kernel);
    const { domain, reduced, members } = part;
    const own = { name: '', stores, loads, members: [...members.values()] };
    return part.kind === 'gemm' && kernel.kind === 'gemm'
      ? costOf({ ...kernel, ...own })
      : costOf({ kind: 'nest', domain, reduced, ...own });
  }

  private key(node: Node): number {
    if (!this.keys.has(node)) this.keys.set(node, this.keys.size);
    return this.keys.get(node)!;
  }
}

/** Kernels in running order with their clusters, and each cluster that has none behind what it reads. */
function inOrder(fusion: Fusion, { kernels, storage }: Schedule, takeOver: boolean): Unit[] {
  const traffic = trafficOf(kernels, storage, takeOver);
  const place = new Map<Cluster, number>();
  const units = kernels.map((kernel, i): Unit & { at: number } => {
    const cluster = kernel.stores.map((node) => fusion.home.get(node)).find((c) => c !== undefined) ?? null;
    if (cluster) place.set(cluster, i);
    const loads = cluster ? loadsOf(cluster, fusion) : kernel.loads;
    return { cluster, kernel, traffic: traffic[i], loads, at: i };
  });
  const placeOf = (cluster: Cluster): number => {
    const known = place.get(cluster);
    if (known !== undefined) return known;
    const makers = loadsOf(cluster, fusion).flatMap((node) => fusion.home.get(node) ?? []);
    const at = makers.reduce((last, maker) => Math.max(last, placeOf(maker)), -1);
    place.set(cluster, at);
    units.push({ cluster, kernel: null, traffic: null, loads: loadsOf(cluster, fusion), at });
    return at;
  };
  fusion.clusters.forEach(placeOf);
  return units.sort((a, b) => a.at - b.at);
}

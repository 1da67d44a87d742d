import type { Node } from '../graph/graph.js';
import type { Cluster } from './cluster.js';
import { emptyList, known } from './known.js';
import { liveBytes, type Traffic } from './liveness.js';
import type { Slice, Story } from './remake-story.js';

/** Memory that is given up, and the place behind which whoever reads it finds what was made again. */
export type Dropped = ReadonlyMap<Node, number>;

/** A part of a cluster runs again in front of the unit at `place`. */
export interface Remaking {
  readonly cluster: Cluster;
  readonly place: number;
  readonly wanted: readonly Node[];
  readonly slice: Slice;
}

/** Whether a reader at a place finds a value in memory that was made again. */
export function isRemade(story: Story, dropped: Dropped, node: Node, place: number): boolean {
  return story.memoriesOf(node).some((memory) => isLate(dropped, memory, place));
}

function isLate(dropped: Dropped, memory: Node, place: number): boolean {
  const after = dropped.get(memory);
  return after !== undefined && place > after;
}

/** What has to run again if some memory is given up, each part once, right in front of the first that needs it; in order. */
export function remakingsOf(story: Story, dropped: Dropped): Remaking[] {
  const begun = new Set<Cluster>();
  const order: Remaking[] = [];
  const inMemory = (place: number) => (node: Node) => {
    const memories = story.memoriesOf(node);
    return memories.every((memory) => !dropped.has(memory) && story.touches.get(memory)!.at(-1)! >= place);
  };
  const need = (node: Node, place: number) => {
    if (!isRemade(story, dropped, node, place)) return;
    const cluster = story.fusion.home.get(node)!;
    if (begun.has(cluster)) return;
    begun.add(cluster);
    const isDropped = (result: Node) => story.memoriesOf(result).some((memory) => dropped.has(memory));
    const wanted = story.results(cluster).filter(isDropped);
    const slice = story.slice(cluster, wanted, inMemory(place));
    for (const load of slice.loads) need(load, place);
    order.push({ cluster, place, wanted, slice });
  };
  story.units.forEach(({ loads }, place) => {
    for (const node of loads) need(node, place);
  });
  return order;
}

/** Bytes of the arena that live at each unit and while what it needs is made again, in the order of the story. */
export function profileOf(story: Story, dropped: Dropped, remakings: readonly Remaking[]): number[] {
  const twins = new Map<Node, Node>();
  const twin = (memory: Node) => known(twins, memory, () => ({ ...memory }));
  const before = new Map<number, Remaking[]>();
  for (const one of remakings) known(before, one.place, emptyList<Remaking>).push(one);
  const order: Traffic[] = [];
  const places: number[] = [];
  const add = (traffic: Traffic | null, place: number) => {
    if (traffic) places[order.push(traffic) - 1] = place;
  };
  story.units.forEach(({ traffic }, place) => {
    const at = (memory: Node) => (isLate(dropped, memory, place) ? twin(memory) : memory);
    for (const one of before.get(place) ?? []) add(again(story, one, dropped, at, twin), place);
    add(traffic && renamed(traffic, at), place);
  });
  const profile = story.units.map(() => 0);
  liveBytes(order).forEach((bytes, i) => {
    profile[places[i]] = Math.max(profile[places[i]], bytes);
  });
  return profile;
}

function renamed(traffic: Traffic, at: (memory: Node) => Node): Traffic {
  const { kernel, writes, reads, shared, over } = traffic;
  if ([...reads, ...shared].every((node) => at(node) === node)) return traffic;
  const overwritten = [...over].map(([value, old]) => [value, old.map(at)] as const);
  return { kernel, writes, reads: reads.map(at), shared: shared.map(at), over: new Map(overwritten) };
}

/** What a part of a cluster does to the arena as it runs again. */
function again(
  story: Story,
  { cluster, wanted, slice }: Remaking,
  dropped: Dropped,
  at: (memory: Node) => Node,
  twin: (memory: Node) => Node,
): Traffic | null {
  const { traffic } = story.unit(cluster);
  if (!traffic) return null;
  const made = new Set(wanted.flatMap((node) => story.memoriesOf(node)).filter((node) => dropped.has(node)));
  const whole = slice.cluster.kind === 'closed';
  const writes = traffic.writes.filter((node) => whole || made.has(node));
  const own = new Set([...writes, ...made]);
  const read = [...new Set(slice.loads.flatMap((node) => story.memoriesOf(node)))];
  const parts = (node: Node) => story.inParts.has(node);
  const named = (node: Node) => (own.has(node) ? twin(node) : at(node));
  const shared = new Set([...[...made].filter(parts), ...read.filter(parts)]);
  const touched = (node: Node) => own.has(node) || read.includes(node);
  return {
    kernel: traffic.kernel,
    writes: writes.map(twin),
    reads: read.filter((node) => !parts(node)).map(named),
    shared: [...shared].map(named),
    over: new Map(writes.map((value) => [twin(value), traffic.over.get(value)!.filter(touched).map(named)])),
  };
}

import type { Node } from '../graph/graph.js';
import type { Group, Kernel, Life, Storage } from '../kernels/kernel.js';
import { groupKernels } from './groups.js';
import { Heap } from './heap.js';
import { listSchedule } from './list-schedule.js';
import { joined, liveBytes, livesOf, type Traffic, trafficOf } from './liveness.js';
import type { SchedulePass } from './passes.js';
import { lowerPeak } from './peak.js';
import { piecesEarly } from './pieces.js';
import { followersOf } from './waits.js';

/**
 * Running order: every kernel after those that make what it reads, and a kernel that overwrites a variable
 * after all others that read its old value. Among those that are ready the first in the graph goes first, which
 * keeps readers close to what was just written, unless another order needs less memory. Also says when each value
 * of the arena lives in that order.
 */
export function orderKernels(
  kernels: readonly Kernel[],
  storage: ReadonlyMap<Node, Storage>,
  runs: (pass: SchedulePass) => boolean = () => true,
  limits: Limits = {},
): { kernels: readonly Kernel[]; groups: readonly Group[]; lives: Life[] } {
  const waits = dependencies(kernels, storage);
  const first = graphOrder(kernels, waits);
  const place = new Map(first.map((at, i) => [at, i]));
  const traffic = trafficOf(
    first.map((at) => kernels[at]),
    storage,
    runs('take-over'),
  );
  const before = first.map((at) => new Set([...waits[at]].map((before) => place.get(before)!)));
  const low = runs('lower-peak') ? lowerPeak(traffic, before) : [...traffic.keys()];
  const ordered = piecesEarly(low, traffic, before, storage).map((i) => traffic[i]);
  return (
    (runs('group') && inGroups(ordered, storage, limits)) || {
      kernels: ordered.map((t) => t.kernel),
      groups: [],
      lives: livesOf(ordered),
    }
  );
}

/**
 * Kernels in an order in which as few bytes live at all times as a list schedule makes it, not only where most do; those
 * given where that is no better.
 */
export function tightOrder(
  kernels: readonly Kernel[],
  storage: ReadonlyMap<Node, Storage>,
  takeOver: boolean,
): readonly Kernel[] {
  const traffic = trafficOf(kernels, storage, takeOver);
  const listed = listSchedule(traffic, dependencies(kernels, storage)).map((i) => traffic[i]);
  const sum = (order: readonly Traffic[]) => liveBytes(order).reduce((all, bytes) => all + bytes, 0);
  return sum(listed) < sum(traffic) ? listed.map(({ kernel }) => kernel) : kernels;
}

/** Bytes that the second-level cache is taken to keep, and bytes of the arena that groups may not bring a step above. */
export interface Limits {
  readonly cacheBytes?: number;
  readonly most?: number;
}

/** How much higher than without groups the peak of memory may be. */
const HIGHER = 17 / 16;

/** The same with those groups that need hardly more memory, or null if there are none. */
function inGroups(
  ordered: readonly Traffic[],
  storage: ReadonlyMap<Node, Storage>,
  { cacheBytes, most = Number.POSITIVE_INFINITY }: Limits,
) {
  const { kernels, groups: found } = groupKernels(
    ordered.map((t) => t.kernel),
    storage,
    cacheBytes,
  );
  if (found.length === 0) return null;
  const traffic = new Map(ordered.map((t) => [t.kernel, t]));
  const least = peakOf(ordered);
  const peak = Math.max(least, Math.min(HIGHER * least, most));
  const all = kernels.map((kernel) => traffic.get(kernel)!);
  const groups = found.filter((group) => peakOf(stepsOf(all, [group]).steps) <= peak);
  const { steps, spans } = stepsOf(all, groups);
  if (groups.length === 0 || peakOf(steps) > peak) return null;
  // What a group touches lives as long as it runs.
  const lives = livesOf(steps).map((life) => ({
    ...life,
    from: spans[life.from].from,
    to: spans[life.to].to,
  }));
  return { kernels, groups, lives };
}

/** Kernels in running order with those of a group as one, and where each has its kernels. */
function stepsOf(kernels: readonly Traffic[], groups: readonly Group[]) {
  const ends = new Map(groups.map(({ from, to }) => [from, to]));
  const steps: Traffic[] = [];
  const spans: { from: number; to: number }[] = [];
  for (let from = 0; from < kernels.length; ) {
    const to = ends.get(from) ?? from;
    steps.push(joined(kernels.slice(from, to + 1)));
    spans.push({ from, to });
    from = to + 1;
  }
  return { steps, spans };
}

function peakOf(order: readonly Traffic[]): number {
  return liveBytes(order).reduce((most, bytes) => Math.max(most, bytes), 0);
}

/** For each kernel the numbers of those that it has to wait for. */
function dependencies(kernels: readonly Kernel[], storage: ReadonlyMap<Node, Storage>): Set<number>[] {
  const makers = new Map<Node, number>();
  const overwritten = new Map<string, number>();
  kernels.forEach((kernel, i) => {
    for (const node of kernel.stores) {
      makers.set(node, i);
      const at = storage.get(node)!;
      if (at.kind === 'variable') overwritten.set(at.name, i);
    }
  });
  const waits = kernels.map(() => new Set<number>());
  kernels.forEach((kernel, i) => {
    for (const node of kernel.loads) {
      const maker = makers.get(node);
      if (maker !== undefined) {
        if (maker !== i) waits[i].add(maker);
        continue;
      }
      const at = storage.get(node);
      const writer = at?.kind === 'variable' ? overwritten.get(at.name) : undefined;
      if (writer !== undefined && writer !== i) waits[writer].add(i);
    }
  });
  return waits;
}

/** Of the kernels that wait for no other the first comes first. */
function graphOrder(kernels: readonly Kernel[], waits: readonly ReadonlySet<number>[]): number[] {
  const followers = followersOf(waits);
  const missing = waits.map((before) => before.size);
  const ready = new Heap<number>((a, b) => a < b);
  missing.forEach((count, i) => {
    if (count === 0) ready.push(i);
  });
  const order: number[] = [];
  for (let next = ready.pop(); next !== undefined; next = ready.pop()) {
    order.push(next);
    for (const i of followers[next]) if (--missing[i] === 0) ready.push(i);
  }
  if (order.length < kernels.length) {
    const stuck = kernels.filter((_, i) => missing[i] > 0).map((k) => k.name);
    throw new Error(`kernels wait for each other: ${stuck}`);
  }
  return order;
}

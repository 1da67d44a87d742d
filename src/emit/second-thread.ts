import type { Node } from '../graph/graph.js';
import { overlap, type Places, type Span, spansOf } from '../plan/places.js';
import type { Kernel } from '../schedule/kernel.js';
import { Meetings } from './meetings.js';

/** Nanoseconds of work that are worth fetching what they read from another core. */
const WORTH = 200;
/** Kernels between two meetings that are compared with each other: those beyond stay with the first thread. */
const MOST = 64;

/** A kernel, or several that run as one. */
export interface Candidate {
  readonly kernel: Pick<Kernel, 'stores' | 'loads'>;
  readonly threads: number;
  readonly nanoseconds: number;
}

/**
 * The kernels that are not shared and that the second thread does while the first does others: between two meetings those
 * that wait for each other stay together, and each such group goes to the thread that has less to do. What has to be
 * there when the first thread ends the step (`isResult`) stays with it.
 */
export function forSecondThread<K extends Candidate>(
  kernels: readonly K[],
  places: Places,
  isResult: (node: Node) => boolean,
): Set<K> {
  const chosen = new Set<K>();
  for (const segment of segmentsOf(kernels, places)) {
    const own = segment.filter(({ threads }) => threads === 1).slice(0, MOST);
    if (own.length < 2) continue;
    const groups = groupsOf(own, places).map((group) => ({
      group,
      cost: group.reduce((sum, { nanoseconds }) => sum + nanoseconds, 0),
      stays: group.some(({ kernel }) => kernel.stores.some(isResult)),
    }));
    const load = [0, 0];
    for (const { cost, stays } of groups) if (stays || cost < WORTH) load[0] += cost;
    const free = groups.filter(({ cost, stays }) => !stays && cost >= WORTH);
    for (const { group, cost } of free.sort((a, b) => b.cost - a.cost)) {
      const to = load[1] < load[0] ? 1 : 0;
      load[to] += cost;
      if (to === 1) for (const kernel of group) chosen.add(kernel);
    }
  }
  return chosen;
}

/** The kernels between one meeting of the threads and the next. */
function segmentsOf<K extends Candidate>(kernels: readonly K[], places: Places): K[][] {
  const segments: K[][] = [[]];
  const meetings = new Meetings(kernels, places);
  for (const kernel of kernels) {
    if (meetings.needed(kernel)) {
      meetings.meet();
      segments.push([]);
    }
    meetings.run(kernel);
    segments.at(-1)!.push(kernel);
  }
  return segments;
}

/** Kernels that have to run one after the other, together. */
function groupsOf<K extends Candidate>(kernels: readonly K[], places: Places): K[][] {
  let groups: { members: K[]; writes: Span[]; reads: Span[] }[] = [];
  for (const kernel of kernels) {
    const { stores, loads } = kernel.kernel;
    const [writes, reads] = [spansOf(stores, places), spansOf(loads, places)];
    const touching = groups.filter(
      (g) => overlap(g.writes, writes) || overlap(g.writes, reads) || overlap(g.reads, writes),
    );
    const all = [...touching, { members: [kernel], writes, reads }];
    const joined = {
      members: all.flatMap((g) => g.members),
      writes: all.flatMap((g) => g.writes),
      reads: all.flatMap((g) => g.reads),
    };
    groups = [...groups.filter((g) => !touching.includes(g)), joined];
  }
  return groups.map((g) => g.members);
}

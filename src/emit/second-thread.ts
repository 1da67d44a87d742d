import type { Node } from '../graph/graph.js';
import { overlap } from '../plan/places.js';
import { Meetings } from './meetings.js';
import type { Touched } from './touched.js';

/** Nanoseconds of work that are worth fetching what they read from another core. */
const WORTH = 200;
/** Kernels between two meetings that are compared with each other: those beyond stay with the first thread. */
const MOST = 64;

/** A kernel, or several that run as one. */
export interface Candidate {
  readonly stores: readonly Node[];
  readonly touched: Touched;
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
  isResult: (node: Node) => boolean,
): Set<K> {
  const chosen = new Set<K>();
  for (const segment of segmentsOf(kernels)) {
    const all = segment.filter(({ threads }) => threads === 1);
    const [own, beyond] = [all.slice(0, MOST), all.slice(MOST)];
    if (own.length < 2) continue;
    const later = new Meetings(all);
    for (const { touched } of beyond) later.run({ touched, threads: 2 });
    const groups = groupsOf(own).map((group) => ({
      group: group.members,
      cost: group.members.reduce((sum, { nanoseconds }) => sum + nanoseconds, 0),
      stays:
        group.members.some(({ stores }) => stores.some(isResult)) ||
        (beyond.length > 0 && group.members.some((kernel) => later.needed(kernel))),
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
function segmentsOf<K extends Candidate>(kernels: readonly K[]): K[][] {
  const segments: K[][] = [[]];
  const meetings = new Meetings(kernels);
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

interface Together<K> extends Touched {
  readonly members: readonly K[];
}

/** Kernels that have to run one after the other, together. */
function groupsOf<K extends Candidate>(kernels: readonly K[]): Together<K>[] {
  let groups: Together<K>[] = [];
  for (const kernel of kernels) {
    const touching = groups.filter((group) => waits(kernel.touched, group));
    const all = [...touching, { members: [kernel], ...kernel.touched }];
    const joined = {
      members: all.flatMap((g) => g.members),
      writes: all.flatMap((g) => g.writes),
      reads: all.flatMap((g) => g.reads),
    };
    groups = [...groups.filter((g) => !touching.includes(g)), joined];
  }
  return groups;
}

/** Whether one of two has to be done before the other begins. */
function waits(a: Touched, b: Touched): boolean {
  return overlap(a.writes, b.writes) || overlap(a.writes, b.reads) || overlap(a.reads, b.writes);
}

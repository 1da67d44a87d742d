import type { Node } from '../graph/graph.js';
import type { Life } from '../schedule/kernel.js';
import { numel } from '../shape.js';
import { align } from './layout.js';
import type { ArenaBuffer, EntryPlan } from './plan.js';

/** Memory that one buffer has, or several in turn, each taking it over from the one before. */
interface Slot {
  readonly nodes: Node[];
  readonly bytes: number;
  readonly from: number;
  to: number;
}

type ArenaPlan = Pick<EntryPlan, 'peak' | 'lowerBound' | 'withoutTakeOver' | 'unshared'> & {
  readonly buffers: ArenaBuffer[];
};

/** Offsets in the arena for the intermediate values of a schedule, and how good they are. */
export function placeArena(lives: readonly Life[]): ArenaPlan {
  const slots = new Map<Node, Slot>();
  for (const { node, from, to, over } of lives) {
    const slot = over && slots.get(over);
    if (slot) {
      slot.nodes.push(node);
      slot.to = to;
      slots.set(node, slot);
    } else slots.set(node, { nodes: [node], bytes: bytesOf(node), from, to });
  }
  const offsets = place([...new Set(slots.values())]);
  const name = uniqueNames();
  const names = new Map(lives.map(({ node }) => [node, name(node.op.name)]));
  const buffers = lives.map(({ node, over, ...life }): ArenaBuffer => {
    const { shape, dtype } = node;
    return {
      ...{ node, name: names.get(node)!, shape, dtype, ...life },
      address: offsets.get(slots.get(node)!)!,
      bytes: bytesOf(node),
      over: over && names.get(over)!,
    };
  });
  const distinct = [...offsets.keys()];
  return {
    buffers,
    peak: topOf(offsets),
    lowerBound: largestLiveSet(distinct),
    withoutTakeOver: largestLiveSet(buffers),
    unshared: buffers.reduce((n, b) => n + b.bytes, 0),
  };
}

/** Orders in which slots get their offsets; the largest first is the best on most graphs, but not on all. */
const PLACING: readonly ((a: Slot, b: Slot) => number)[] = [
  (a, b) => b.bytes - a.bytes || a.from - b.from,
  (a, b) => b.bytes * span(b) - a.bytes * span(a) || a.from - b.from,
  (a, b) => span(b) - span(a) || b.bytes - a.bytes,
  (a, b) => a.from - b.from || b.bytes - a.bytes,
  (a, b) => b.to - a.to || b.bytes - a.bytes,
];

/** The best of some ways to place slots one by one, each as low as those alive at the same time allow. */
function place(slots: readonly Slot[]): Map<Slot, number> {
  const bound = largestLiveSet(slots);
  let best = new Map<Slot, number>();
  for (const compare of PLACING) {
    const offsets = new Map<Slot, number>();
    for (const slot of [...slots].sort(compare)) {
      const rivals = [...offsets]
        .filter(([other]) => other.from <= slot.to && slot.from <= other.to)
        .sort(([, a], [, b]) => a - b);
      let offset = 0;
      for (const [rival, at] of rivals) {
        if (offset + slot.bytes <= at) break;
        offset = Math.max(offset, at + rival.bytes);
      }
      offsets.set(slot, offset);
    }
    if (best.size === 0 || topOf(offsets) < topOf(best)) best = offsets;
    if (topOf(best) === bound) break;
  }
  return best;
}

function topOf(offsets: ReadonlyMap<Slot, number>): number {
  return Math.max(0, ...[...offsets].map(([slot, at]) => at + slot.bytes));
}

function span({ from, to }: { from: number; to: number }): number {
  return to - from + 1;
}

/** The most bytes that are alive during one of the kernels. */
function largestLiveSet(lives: readonly { bytes: number; from: number; to: number }[]): number {
  const live: number[] = [];
  for (const { bytes, from, to } of lives) for (let i = from; i <= to; i++) live[i] = (live[i] ?? 0) + bytes;
  // Kernels of which nothing is alive leave holes, which reduce skips.
  return live.reduce((most, bytes) => Math.max(most, bytes), 0);
}

function bytesOf(node: Node): number {
  return align(Math.max(4, 4 * numel(node.shape)));
}

/** `mul`, `mul2`, `mul3` and so on. */
function uniqueNames(): (stem: string) => string {
  const counts = new Map<string, number>();
  return (stem) => {
    const count = (counts.get(stem) ?? 0) + 1;
    counts.set(stem, count);
    return count > 1 ? `${stem}${count}` : stem;
  };
}

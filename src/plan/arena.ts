import type { Node } from '../graph/graph.js';
import type { Life } from '../kernels/kernel.js';
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

export type ArenaPlan = Pick<EntryPlan, 'peak' | 'lowerBound' | 'withoutTakeOver' | 'unshared'> & {
  readonly buffers: ArenaBuffer[];
};

/**
 * Offsets in the arena for the intermediate values of a schedule, and how good they are.
 * @param sizes bytes of those that have others than their shapes tell
 */
export function placeArena(lives: readonly Life[], sizes: ReadonlyMap<Node, number> = new Map()): ArenaPlan {
  const bytesOf = (node: Node) => sizes.get(node) ?? ownBytes(node);
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
    const { dtype } = node;
    const bytes = bytesOf(node);
    const shape = sizes.has(node) ? [bytes / 4] : node.shape;
    return {
      ...{ node, name: names.get(node)!, shape, dtype, ...life },
      address: offsets.get(slots.get(node)!)!,
      bytes,
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

/** Pairs of slots that are looked at before no other way is tried: some 2,000 slots in every way. */
const BUDGET = 20_000_000;

/** The best of some ways to place slots one by one, each as low as those alive at the same time allow. */
function place(slots: readonly Slot[]): Map<Slot, number> {
  const bound = largestLiveSet(slots);
  let best = new Map<Slot, number>();
  for (const [tried, compare] of PLACING.entries()) {
    if (tried > 0 && (tried + 1) * slots.length ** 2 > BUDGET) break;
    const offsets = placeInTurn([...slots].sort(compare));
    if (tried === 0 || topOf(offsets) < topOf(best)) best = offsets;
    if (topOf(best) === bound) break;
  }
  return best;
}

function placeInTurn(slots: readonly Slot[]): Map<Slot, number> {
  const offsets = new Map<Slot, number>();
  const byOffset: { slot: Slot; at: number }[] = [];
  for (const slot of slots) {
    let offset = 0;
    for (const { slot: rival, at } of byOffset) {
      if (rival.from > slot.to || slot.from > rival.to) continue;
      if (offset + slot.bytes <= at) break;
      offset = Math.max(offset, at + rival.bytes);
    }
    offsets.set(slot, offset);
    byOffset.splice(firstAbove(byOffset, offset), 0, { slot, at: offset });
  }
  return offsets;
}

/** Where what lies above an offset begins in a list that is sorted by it. */
function firstAbove(list: readonly { at: number }[], offset: number): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle].at <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

function topOf(offsets: ReadonlyMap<Slot, number>): number {
  let top = 0;
  for (const [slot, at] of offsets) top = Math.max(top, at + slot.bytes);
  return top;
}

function span({ from, to }: { from: number; to: number }): number {
  return to - from + 1;
}

/** The most bytes that are alive during one of the kernels. */
function largestLiveSet(lives: readonly { bytes: number; from: number; to: number }[]): number {
  const change: number[] = [];
  const add = (kernel: number, bytes: number) => {
    change[kernel] = (change[kernel] ?? 0) + bytes;
  };
  for (const { bytes, from, to } of lives) {
    add(from, bytes);
    add(to + 1, -bytes);
  }
  let [live, most] = [0, 0];
  // Kernels that change nothing leave holes, which forEach skips.
  change.forEach((bytes) => {
    live += bytes;
    most = Math.max(most, live);
  });
  return most;
}

function ownBytes(node: Node): number {
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

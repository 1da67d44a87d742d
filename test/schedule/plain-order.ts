import { Arena, liveBytes, type Traffic } from '../../src/schedule/liveness.js';
import type { Waits } from '../../src/schedule/waits.js';

// The two heuristics for the order of kernels, written down as they are meant: everything is tried and run from the
// start each time.

const LOOKAHEAD = 4;

export function plainListSchedule(traffic: readonly Traffic[], waits: Waits): number[] {
  const arena = new Arena(traffic);
  const order = new Set<number>();
  const wayTo = (target: number): number[] | null => {
    const way = new Set([target]);
    for (const i of way) {
      for (const before of waits[i]) if (!order.has(before)) way.add(before);
      if (way.size > LOOKAHEAD) return null;
    }
    return [...way].sort((a, b) => a - b);
  };
  while (order.size < traffic.length) {
    let best: { next: number; frees: boolean; cost: number } | null = null;
    for (let target = 0; target < traffic.length; target++) {
      const way = order.has(target) ? null : wayTo(target);
      if (!way) continue;
      const { bytes } = arena;
      let peak = bytes;
      const before = way.map((i) => {
        const { bytes } = arena;
        peak = Math.max(peak, arena.run(i));
        return bytes;
      });
      const left = arena.bytes;
      for (let i = way.length - 1; i >= 0; i--) arena.undo(way[i], before[i]);
      const frees = left <= bytes;
      const cost = frees ? peak : left - peak;
      if (!best || (frees !== best.frees ? frees : cost < best.cost)) best = { next: way[0], frees, cost };
    }
    arena.run(best!.next);
    order.add(best!.next);
  }
  return [...order];
}

/** The order after one move, or undefined where none lowers the peak. */
export function plainMove(
  order: readonly number[],
  traffic: readonly Traffic[],
  waits: Waits,
): number[] | undefined {
  const rate = (order: readonly number[]) => {
    const live = liveBytes(order.map((i) => traffic[i]));
    const peak = Math.max(...live);
    return { peak, at: live.indexOf(peak), count: live.filter((bytes) => bytes === peak).length };
  };
  let best = rate(order);
  let found: number[] | undefined;
  for (const moved of moves(order, best.at, traffic, waits)) {
    const rated = rate(moved);
    if (rated.peak > best.peak || (rated.peak === best.peak && rated.count >= best.count)) continue;
    best = rated;
    found = moved;
  }
  return found;
}

function* moves(
  order: readonly number[],
  at: number,
  traffic: readonly Traffic[],
  waits: Waits,
): Generator<number[]> {
  const [before, peak, after] = [order.slice(0, at), order[at], order.slice(at + 1)];
  for (const node of before.flatMap((i) => traffic[i].writes)) {
    const readers = after.filter((i) => traffic[i].reads.includes(node));
    if (readers.length === 0) continue;
    const early = new Set(readers);
    const needed = new Set(readers);
    for (const i of [...after].reverse()) {
      if (!needed.has(i)) continue;
      early.add(i);
      for (const w of waits[i]) needed.add(w);
    }
    if (!needed.has(peak))
      yield [...before, ...after.filter((i) => early.has(i)), peak, ...after.filter((i) => !early.has(i))];
    const late = new Set(before.filter((i) => traffic[i].writes.includes(node)));
    for (const i of before) if ([...waits[i]].some((w) => late.has(w))) late.add(i);
    if ([...waits[peak]].some((w) => late.has(w))) continue;
    const [kept, moved] = [before.filter((i) => !late.has(i)), before.filter((i) => late.has(i))];
    for (let to = 0; to <= after.length; to++) {
      if (to > 0 && [...waits[after[to - 1]]].some((w) => late.has(w))) break;
      yield [...kept, peak, ...after.slice(0, to), ...moved, ...after.slice(to)];
    }
  }
}

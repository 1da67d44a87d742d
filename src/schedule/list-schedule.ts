import { Heap } from './heap.js';
import { Arena, readersOf, type Traffic } from './liveness.js';
import { followersOf, type Waits } from './waits.js';

/** How many kernels ahead are looked at when the next one is chosen. */
const LOOKAHEAD = 4;

/** The way to a kernel: what has to run for it and has not, itself last, and what that does to the arena. */
interface Way {
  readonly target: number;
  readonly kernels: readonly number[];
  /** Whether no more bytes live behind it than before. */
  readonly frees: boolean;
  /** The peak above what lives before, or if it does not free, above what lives behind it. */
  readonly cost: number;
}

/**
 * Takes, step by step, the first kernel of the shortest way to a kernel that frees what it needed on the way: of
 * the ways that free as much as they need, the one with the least peak; else the one with the most peak above
 * what it leaves behind. (Liu 1987 does so with whole ways, which is best for trees.)
 *
 * A way is measured anew only when that can come out otherwise: when one of its kernels has run, or a value that it
 * reads has come to have few readers left.
 */
export function listSchedule(traffic: readonly Traffic[], waits: Waits): number[] {
  const arena = new Arena(traffic);
  const followers = followersOf(waits);
  const pending = waits.map((before) => new Set(before));
  const readers = new Map([...readersOf(traffic)].map(([node, list]) => [node, new Set(list)]));
  const hasRun = traffic.map(() => false);
  const order: number[] = [];
  /** The way to each kernel as it was last measured, or null if that is more than we look at. */
  const ways: (Way | null)[] = traffic.map(() => null);
  /** Kernels whose way, as far as it was looked at, leads over this one. */
  const over = traffic.map(() => new Set<number>());
  const best = new Heap<Way>(isBetter);

  const measure = (target: number) => {
    const kernels = wayTo(target, pending);
    for (const i of kernels) over[i].add(target);
    ways[target] = kernels.length > LOOKAHEAD ? null : { target, kernels, ...costOf(kernels, arena) };
    if (ways[target]) best.push(ways[target]);
  };
  traffic.forEach((_, target) => {
    measure(target);
  });
  while (order.length < traffic.length) {
    const way = best.pop()!;
    if (ways[way.target] !== way) continue;
    const [next] = way.kernels;
    arena.run(next);
    order.push(next);
    hasRun[next] = true;
    for (const i of followers[next]) pending[i].delete(next);
    const stale = new Set(over[next]);
    for (const node of [...traffic[next].reads, ...traffic[next].shared]) {
      const others = readers.get(node)!;
      others.delete(next);
      // A way reads a value for the last time only where it has as many kernels; the first part brings the room of all.
      if (others.size <= LOOKAHEAD || traffic[next].shared.includes(node))
        for (const i of others) for (const target of over[i]) stale.add(target);
    }
    ways[next] = null;
    for (const target of stale) {
      if (ways[target]) for (const i of ways[target].kernels) over[i].delete(target);
      if (!hasRun[target]) measure(target);
    }
  }
  return order;
}

function isBetter(a: Way, b: Way): boolean {
  if (a.frees !== b.frees) return a.frees;
  return a.cost < b.cost || (a.cost === b.cost && a.target < b.target);
}

/** What has to run for a kernel, in order; of a way that is too long some more kernels than are looked at. */
function wayTo(target: number, pending: readonly ReadonlySet<number>[]): number[] {
  const way = new Set([target]);
  for (const i of way) {
    for (const before of pending[i]) {
      way.add(before);
      if (way.size > LOOKAHEAD) return [...way];
    }
  }
  return [...way].sort((a, b) => a - b);
}

function costOf(way: readonly number[], arena: Arena): Pick<Way, 'frees' | 'cost'> {
  const { bytes } = arena;
  let peak = bytes;
  const before = way.map((i) => {
    const { bytes } = arena;
    peak = Math.max(peak, arena.run(i));
    return bytes;
  });
  const left = arena.bytes;
  for (let i = way.length - 1; i >= 0; i--) arena.undo(way[i], before[i]);
  return left <= bytes ? { frees: true, cost: peak - bytes } : { frees: false, cost: left - peak };
}

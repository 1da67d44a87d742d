import type { Node } from '../graph/graph.js';
import type { Cluster } from './cluster.js';
import { bytesOf } from './liveness.js';
import { type Dropped, profileOf, type Remaking, remakingsOf } from './remake-events.js';
import type { Story } from './remake-story.js';

/** Kernels that may be looked at while a choice is tried: a count, and no time, so that every machine chooses alike. */
const BUDGET = 1_500_000;
/** What a dead operand may have of the bytes of what is made from it to be kept for that; a larger one is made again itself. */
const SMALL = 1 / 4;
/** Less is not worth looking at: bytes, and what they are of all. */
const LEAST_BYTES = 256;
const LEAST_PART = 1 / 4096;
/** Memory that has to be given up together at most. */
const MOST_TOGETHER = 24;
/** What is given up together may cost so many times what it costs one by one; more is rated anew in the next round. */
const DEAR = 1.1;
/** Rounds in which all that is left is rated anew. */
const ROUNDS = 64;
/** Rated alike: what spares bytes in as many kernels for as much time, within this factor. */
const ALIKE = 1.25;

/** Memory that could be given up, with what then has to be, too. */
interface Candidate {
  readonly drops: Dropped;
  /** Bytes above the target that it takes away from all kernels together, for each nanosecond of work. */
  readonly worth: number;
  readonly bytes: number;
  readonly from: number;
  /** Nanoseconds of work that it asks for if nothing else is given up meanwhile. */
  readonly cost: number;
}

/** A choice, and what comes of it. */
export interface Choice {
  readonly dropped: Dropped;
  readonly remakings: readonly Remaking[];
  /** Bytes that live in the arena at each place of the story. */
  readonly profile: readonly number[];
}

/**
 * Which memory to give up so that at most `target` bytes of the arena live at one time, or as near to that as is found: what
 * takes away most bytes above the target for the time that it costs goes first, where no other place gets above it
 * for that. What is made again is made once, right before it is read. (Of values kept in chains, as those of layers, that
 * keeps some and makes those between again: Griewank 1992, Chen et al. 2016.)
 */
export function choose(story: Story, target: number): Choice {
  const search = new Search(story, target);
  for (let round = 0; round < ROUNDS && search.excess > 0 && !search.isSpent; round++) {
    if (!search.round()) break;
  }
  search.takeBack();
  return search.choice;
}

class Search {
  choice: Choice;
  excess: number;
  private looks = 0;

  constructor(
    private readonly story: Story,
    private readonly target: number,
  ) {
    this.choice = this.outcome(new Map());
    this.excess = this.above(this.choice.profile);
  }

  get isSpent(): boolean {
    return this.looks > BUDGET;
  }

  /** Tries what is not given up yet, best first; whether any of it helped. */
  round(): boolean {
    const before = this.excess;
    for (const some of this.inPieces(this.candidates())) {
      if (this.excess === 0 || this.isSpent) break;
      this.take(some);
    }
    return this.excess < before;
  }

  /** Keeps again what is not needed after all, most costly first. */
  takeBack(): void {
    if (this.excess > 0) return;
    const cost = ({ slice }: Remaking) => slice.nanoseconds;
    for (const one of [...this.choice.remakings].sort((a, b) => cost(b) - cost(a))) {
      if (this.isSpent) return;
      const fewer = new Map(this.choice.dropped);
      for (const memory of one.wanted.flatMap((node) => this.story.memoriesOf(node))) fewer.delete(memory);
      if (fewer.size === this.choice.dropped.size) continue;
      const outcome = this.outcome(fewer);
      if (this.above(outcome.profile) === 0 && timeOf(outcome) < timeOf(this.choice)) this.choice = outcome;
    }
  }

  /** Candidates in lists that are tried together: of the best, not more than a part of what is to be spared. */
  private *inPieces(candidates: readonly Candidate[]): Generator<Candidate[]> {
    let piece: Candidate[] = [];
    let bytes = 0;
    for (const candidate of candidates) {
      const peak = this.choice.profile.reduce((most, live) => Math.max(most, live), 0);
      if (piece.length > 0 && bytes + candidate.bytes > (peak - this.target) / 4) {
        yield piece;
        [piece, bytes] = [[], 0];
      }
      piece.push(candidate);
      bytes += candidate.bytes;
    }
    if (piece.length > 0) yield piece;
  }

  /** Gives up what these ask for, or those of them that help. */
  private take(some: readonly Candidate[]): void {
    const dropped = new Map(this.choice.dropped);
    for (const { drops } of some)
      for (const [memory, after] of drops) if (!dropped.has(memory)) dropped.set(memory, after);
    if (dropped.size === this.choice.dropped.size) return;
    const outcome = this.outcome(dropped);
    const excess = this.above(outcome.profile);
    const asked = some.reduce((sum, { cost }) => sum + cost, 0);
    const isDear = timeOf(outcome) - timeOf(this.choice) > DEAR * asked;
    if (excess < this.excess && !isDear && !this.isWorse(outcome.profile)) {
      this.choice = outcome;
      this.excess = excess;
      return;
    }
    if (some.length === 1 || this.isSpent) return;
    const half = some.length >> 1;
    this.take(some.slice(0, half));
    if (this.excess > 0) this.take(some.slice(half));
  }

  /** Whether some place is further above the target than before. */
  private isWorse(profile: readonly number[]): boolean {
    return profile.some((bytes, i) => bytes > Math.max(this.target, this.choice.profile[i]));
  }

  private outcome(dropped: Dropped): Choice {
    const remakings = remakingsOf(this.story, dropped);
    this.looks += this.story.units.length + remakings.length;
    return { dropped, remakings, profile: profileOf(this.story, dropped, remakings) };
  }

  private above(profile: readonly number[]): number {
    return profile.reduce((sum, bytes) => sum + Math.max(0, bytes - this.target), 0);
  }

  /** What could be given up, the best first; of what is alike, what was written first. */
  private candidates(): Candidate[] {
    const { story, choice } = this;
    const sums = [0];
    for (const bytes of choice.profile) sums.push(sums.at(-1)! + Math.max(0, bytes - this.target));
    const rating = new Rating(story, choice);
    const peak = choice.profile.reduce((most, bytes) => Math.max(most, bytes), 0);
    const least = Math.max(LEAST_BYTES, LEAST_PART * peak);
    const found = [...story.touches.keys()].flatMap((memory): Candidate[] => {
      if (bytesOf(memory) < least || choice.dropped.has(memory) || !rating.canDrop(memory)) return [];
      const gap = this.widestGap(memory, sums);
      if (!gap) return [];
      const drops = new Map([[memory, gap.after]]);
      const cost = rating.costOf(memory, gap.until, drops);
      const bytes = bytesOf(memory);
      if (cost === undefined) return [];
      const spared = choice.profile
        .slice(gap.after + 1, gap.until)
        .reduce((sum, live) => sum + Math.min(bytes, Math.max(0, live - this.target)), 0);
      return [{ drops, bytes, cost: Math.max(1, cost), from: gap.after, worth: spared / Math.max(1, cost) }];
    });
    const rank = ({ worth }: Candidate) => Math.round(Math.log(worth) / Math.log(ALIKE));
    return found.sort((a, b) => rank(b) - rank(a) || a.from - b.from);
  }

  /** Between which places nobody touches the memory, where most bytes are above the target. */
  private widestGap(memory: Node, sums: readonly number[]): { after: number; until: number } | null {
    const touches = this.story.touches.get(memory)!;
    const written = this.story.written.get(memory)!;
    let best: { after: number; until: number } | null = null;
    let most = 0;
    for (let i = 1; i < touches.length; i++) {
      const [after, until] = [touches[i - 1], touches[i]];
      const above = sums[until] - sums[after + 1];
      if (after < written || above <= most) continue;
      most = above;
      best = { after, until };
    }
    return best;
  }
}

/** What it would cost to give up memory beside what is given up already. */
class Rating {
  private readonly again: ReadonlyMap<Cluster, number>;
  /** The last place at which memory is read that is not made again. */
  private readonly last = new Map<Node, number>();
  private readonly makers = new Map<Node, Cluster[]>();

  constructor(
    private readonly story: Story,
    private readonly choice: Choice,
  ) {
    this.again = new Map(choice.remakings.map(({ cluster, slice }) => [cluster, slice.nanoseconds]));
    for (const [memory, touches] of story.touches) this.last.set(memory, touches.at(-1)!);
    for (const { place, slice } of choice.remakings)
      for (const memory of slice.loads.flatMap((node) => story.memoriesOf(node)))
        this.last.set(memory, Math.max(place, this.last.get(memory)!));
    for (const { cluster, kernel } of story.units) {
      if (!kernel) continue;
      for (const memory of new Set(kernel.stores.flatMap((node) => story.memoriesOf(node)))) {
        const makers = this.makers.get(memory) ?? [];
        this.makers.set(memory, makers);
        if (cluster) makers.push(cluster);
      }
    }
  }

  /** Whether clusters make all of it, so that they can make it again. */
  canDrop(memory: Node): boolean {
    return (this.makers.get(memory) ?? []).length > 0;
  }

  /**
   * Nanoseconds, or undefined where too much hangs together. `drops` gets what is to be given up with it: what lives no
   * more at `place`, but for what is small.
   */
  costOf(memory: Node, place: number, drops: Map<Node, number>): number | undefined {
    const { story } = this;
    let cost = 0;
    const seen = new Set<Cluster>();
    const queue = [memory];
    const isGone = (node: Node) => this.choice.dropped.has(node) || drops.has(node);
    const isThere = (node: Node) => !isGone(node) && this.last.get(node)! >= place;
    for (const one of queue) {
      for (const cluster of this.makers.get(one) ?? []) {
        if (seen.has(cluster)) continue;
        seen.add(cluster);
        const wanted = story.results(cluster).filter((node) => story.memoriesOf(node).some(isGone));
        const slice = story.slice(cluster, wanted, (node) => story.memoriesOf(node).every(isThere));
        cost += slice.nanoseconds - (this.again.get(cluster) ?? 0);
        for (const load of slice.loads.flatMap((node) => story.memoriesOf(node))) {
          if (isGone(load) || isThere(load) || !this.canDrop(load)) continue;
          if (bytesOf(load) <= SMALL * bytesOf(memory)) continue;
          if (drops.size >= MOST_TOGETHER) return undefined;
          drops.set(load, this.last.get(load)!);
          queue.push(load);
        }
      }
    }
    return cost;
  }
}

/** What the remakings take on one thread. */
export function timeOf({ remakings }: Pick<Choice, 'remakings'>): number {
  return remakings.reduce((sum, { slice }) => sum + slice.nanoseconds, 0);
}

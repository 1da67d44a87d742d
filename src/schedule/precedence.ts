/**
 * What waits for what, and an order in which each comes after all that it waits for, kept as more is said (Pearce and
 * Kelly, Journal of Experimental Algorithmics 11, 2006). Only what lies between two things in that order can make one
 * wait for the other, so that questions and changes look at no more.
 */
export class Precedence<T> {
  private readonly ranks = new Map<T, number>();
  private readonly waits = new Map<T, Set<T>>();
  private readonly followers = new Map<T, Set<T>>();

  /** All that is waited for must be listed itself. */
  constructor(waits: ReadonlyMap<T, Iterable<T>> = new Map()) {
    const missing = new Map<T, number>();
    for (const [item, before] of waits) {
      const own = new Set(before);
      own.delete(item);
      this.waits.set(item, own);
      this.followers.set(item, new Set());
      missing.set(item, own.size);
    }
    for (const [item, before] of this.waits) for (const b of before) this.followers.get(b)!.add(item);
    const ready = [...missing.keys()].filter((item) => missing.get(item) === 0);
    for (const item of ready) {
      this.ranks.set(item, this.ranks.size);
      for (const follower of this.followers.get(item)!) {
        missing.set(follower, missing.get(follower)! - 1);
        if (missing.get(follower) === 0) ready.push(follower);
      }
    }
    if (ready.length < missing.size) throw new Error('kernels wait for each other');
  }

  /** Something that nothing waits for yet. */
  add(item: T): void {
    this.ranks.set(item, this.ranks.size);
    this.waits.set(item, new Set());
    this.followers.set(item, new Set());
  }

  before(item: T): ReadonlySet<T> {
    return this.waits.get(item)!;
  }

  after(item: T): ReadonlySet<T> {
    return this.followers.get(item)!;
  }

  /** `item` waits for `before`, which does not wait for it. */
  link(item: T, before: T): void {
    if (item === before || this.waits.get(item)!.has(before)) return;
    this.waits.get(item)!.add(before);
    this.followers.get(before)!.add(item);
    const [low, high] = [this.rank(item), this.rank(before)];
    if (low > high) return;
    const first = this.reach([before], this.waits, (rank) => rank >= low);
    const then = this.reach([item], this.followers, (rank) => rank <= high);
    if (first.has(item)) throw new Error('kernels wait for each other');
    const byRank = (a: T, b: T) => this.rank(a) - this.rank(b);
    const moved = [...[...first].sort(byRank), ...[...then].sort(byRank)];
    const ranks = moved.map((m) => this.rank(m)).sort((a, b) => a - b);
    for (const [i, m] of moved.entries()) this.ranks.set(m, ranks[i]);
  }

  unlink(item: T, before: T): void {
    this.waits.get(item)!.delete(before);
    this.followers.get(before)!.delete(item);
  }

  /** Whether some of these wait for `target`, other than through `without`. */
  reaches(from: Iterable<T>, target: T, without?: T): boolean {
    return this.between(from, target, without, Number.POSITIVE_INFINITY).has(target);
  }

  /**
   * The same, and true also where it would take more than `most` steps to know, or to put `target` behind these if it
   * were to wait for them.
   */
  mayReach(from: Iterable<T>, target: T, without: T | undefined, most: number): boolean {
    const first = this.between(from, target, without, most);
    if (first.has(target) || first.size > most) return true;
    let high = Number.NEGATIVE_INFINITY;
    for (const item of first) high = Math.max(high, this.rank(item));
    return this.reach([target], this.followers, (rank) => rank <= high, undefined, most).size > most;
  }

  private between(from: Iterable<T>, target: T, without: T | undefined, most: number): Set<T> {
    const low = this.rank(target);
    return this.reach(from, this.waits, (rank) => rank >= low, without, most);
  }

  /** These and what the links lead to, of ranks within limits; a few more than `most` if there are as many. */
  private reach(
    from: Iterable<T>,
    links: ReadonlyMap<T, ReadonlySet<T>>,
    isWithin: (rank: number) => boolean,
    without?: T,
    most = Number.POSITIVE_INFINITY,
  ): Set<T> {
    const found = new Set<T>();
    const add = (item: T) => {
      if (item !== without && isWithin(this.rank(item))) found.add(item);
    };
    for (const item of from) add(item);
    for (const item of found) {
      for (const next of links.get(item)!) add(next);
      if (found.size > most) break;
    }
    return found;
  }

  private rank(item: T): number {
    return this.ranks.get(item)!;
  }
}

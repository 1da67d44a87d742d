import { Arena, readersOf, type Traffic } from './liveness.js';
import { followersOf, type Links, Marks, type Waits } from './waits.js';

/** The most bytes that live while one of some kernels runs, and during how many of them. */
interface Peak {
  readonly peak: number;
  readonly count: number;
}

/** Places `first` to `end` of an order hold these kernels instead. */
interface Move extends Peak {
  readonly first: number;
  readonly end: number;
  readonly kernels: readonly number[];
}

/**
 * An order of kernels, and those that come from it by moving some away from its peak. Only the part that a move changes
 * is run to know its peak, and only as long as that may still be lower.
 */
export class Moves {
  order: readonly number[] = [];
  /** The most bytes that live in this order. */
  peak = 0;
  /** Kernels that were looked at. */
  work = 0;
  /** During how many kernels, and the place of the first. */
  count = 0;
  private at = 0;
  /** Place of each kernel, bytes that live while that at a place runs, peaks before each place and from it on. */
  private readonly places: number[];
  private readonly during: number[] = [];
  private readonly before: Peak[] = [{ peak: 0, count: 0 }];
  private readonly from: Peak[] = [];

  private readonly arena: Arena;
  /** The kernels that have run, and the bytes that lived before each. */
  private readonly ran: number[] = [];
  private readonly bytes: number[] = [];

  private readonly waits: Links;
  private readonly followers: Links;
  private readonly readers: ReturnType<typeof readersOf>;
  private readonly waited: Marks;
  private readonly waiting: Marks;
  private readonly group: Marks;

  constructor(
    private readonly traffic: readonly Traffic[],
    waits: Waits,
    start: readonly number[],
    private readonly budget: number,
  ) {
    this.arena = new Arena(traffic);
    this.waits = waits.map((before) => [...before]);
    this.followers = followersOf(waits);
    this.readers = readersOf(traffic);
    const { length } = traffic;
    this.places = new Array<number>(length).fill(0);
    [this.waited, this.waiting, this.group] = [new Marks(length), new Marks(length), new Marks(length)];
    this.from[length] = { peak: 0, count: 0 };
    this.take({ first: 0, end: length, kernels: start });
  }

  /** Whether as many kernels were looked at as may be. */
  get isSpent(): boolean {
    return this.work >= this.budget;
  }

  /** Makes the move with the lowest peak, if one lowers it. */
  improve(): boolean {
    const { order, at, places, traffic } = this;
    const { length } = order;
    this.waited.reach([order[at]], this.waits, places, -1, at);
    this.waiting.reach([order[at]], this.followers, places, at, length);
    this.work += this.waited.list.length + this.waiting.list.length;
    let best: Move | undefined;
    for (let place = 0; place < at; place++) {
      const maker = order[place];
      for (const node of [...traffic[maker].writes, ...traffic[maker].shared]) {
        if (this.isSpent) break;
        const readers = this.readers.get(node)?.filter((i) => places[i] > at) ?? [];
        if (readers.length === 0) continue;
        this.work++;
        if (!this.waiting.hasAny(readers)) {
          this.group.reach(readers, this.waits, places, at, length);
          best = this.early(best ?? this) ?? best;
        }
        if (!this.waited.has(maker)) {
          this.group.reach([maker], this.followers, places, -1, at);
          best = this.late(best ?? this) ?? best;
        }
      }
    }
    if (best) this.take(best);
    return best !== undefined;
  }

  /** The group, which reads what lives across the peak, before it, if that is lower than the best move. */
  private early(best: Peak): Move | undefined {
    const { order, at, places, group } = this;
    const moved = this.inOrder(group.list);
    const end = places[moved[moved.length - 1]] + 1;
    const sofar = this.run(moved, join(this.before[at], this.from[end]), best);
    // To look at a kernel is less than to run it.
    if (sofar) this.work += (end - at) >> 3;
    const rest = sofar ? order.slice(at, end).filter((i) => !group.has(i)) : [];
    const found = sofar && this.run(rest, sofar, best);
    this.back(at);
    return found && { ...found, first: at, end, kernels: [...moved, ...rest] };
  }

  /** The group, which makes what lives across the peak, after it, where that is lowest, if it is lower than the best move. */
  private late(best: Peak): Move | undefined {
    const { order, at, places, group } = this;
    const moved = this.inOrder(group.list);
    const first = places[moved[0]];
    const kept = order.slice(first, at + 1).filter((i) => !group.has(i));
    let lowest: Move | undefined;
    this.back(first);
    let sofar = this.run(kept, this.before[first], best);
    for (let end = at + 1; sofar; end++) {
      const depth = this.ran.length;
      const found = this.run(moved, join(sofar, this.from[end]), lowest ?? best);
      this.back(depth);
      if (found) lowest = { ...found, first, end, kernels: [...kept, ...order.slice(at + 1, end), ...moved] };
      if (end === order.length || this.isSpent || group.hasAny(this.waits[order[end]])) break;
      sofar = this.run([order[end]], sofar, lowest ?? best);
    }
    this.back(first);
    while (this.ran.length < at) this.step(order[this.ran.length]);
    return lowest;
  }

  private inOrder(kernels: readonly number[]): number[] {
    this.work += kernels.length;
    return [...kernels].sort((a, b) => this.places[a] - this.places[b]);
  }

  /** Runs kernels as long as the peak of them and of others is lower than the best; it, or undefined once it is not. */
  private run(kernels: readonly number[], others: Peak, best: Peak): Peak | undefined {
    let { peak, count } = others;
    for (let i = 0; ; i++) {
      if (peak > best.peak || (peak === best.peak && count >= best.count)) return undefined;
      if (i === kernels.length) return { peak, count };
      const bytes = this.step(kernels[i]);
      if (bytes > peak) [peak, count] = [bytes, 1];
      else if (bytes === peak) count++;
    }
  }

  private step(kernel: number): number {
    this.work++;
    this.ran.push(kernel);
    this.bytes.push(this.arena.bytes);
    return this.arena.run(kernel);
  }

  /** Takes back all but so many of the kernels that have run. */
  private back(count: number): void {
    while (this.ran.length > count) this.arena.undo(this.ran.pop()!, this.bytes.pop()!);
  }

  /** Goes on from this move: all before the peak has then run. */
  private take({ first, end, kernels }: Omit<Move, 'peak' | 'count'>): void {
    const { during, before, from } = this;
    this.order = [...this.order.slice(0, first), ...kernels, ...this.order.slice(end)];
    const { length } = this.order;
    this.back(first);
    kernels.forEach((kernel, i) => {
      this.places[kernel] = first + i;
      during[first + i] = this.step(kernel);
    });
    for (let i = first; i < length; i++) before[i + 1] = join(before[i], { peak: during[i], count: 1 });
    for (let i = end - 1; i >= 0; i--) from[i] = join(from[i + 1], { peak: during[i], count: 1 });
    ({ peak: this.peak, count: this.count } = before[length]);
    this.at = during.indexOf(this.peak);
    this.back(this.at);
    while (this.ran.length < this.at) this.step(this.order[this.ran.length]);
  }
}

function join(a: Peak, b: Peak): Peak {
  if (a.peak !== b.peak) return a.peak > b.peak ? a : b;
  return { peak: a.peak, count: a.count + b.count };
}

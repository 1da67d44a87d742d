import type { Span } from '../plan/places.js';
import type { Touched } from './touched.js';

interface Shared {
  readonly touched: Touched;
  /** How many threads it is worth. */
  readonly threads: number;
}

/**
 * Says where threads have to meet: before a kernel that touches bytes which one before it touches too, since they met
 * last, if one of the two writes there and one of them is shared. What has been done to bytes is kept by their numbers,
 * so that each kernel costs as much as it touches.
 */
export class Meetings {
  private readonly written: { own: Marks; shared: Marks };
  private readonly read: { own: Marks; shared: Marks };
  private now = 1;

  constructor(kernels: readonly Shared[]) {
    const spans = kernels.flatMap(({ touched }) => [...touched.writes, ...touched.reads]);
    const points = new Set(spans.flat());
    const ranks = new Map([...points].sort((a, b) => a - b).map((point, i) => [point, i]));
    const marks = () => ({ own: new Marks(ranks), shared: new Marks(ranks) });
    this.written = marks();
    this.read = marks();
  }

  /** Whether threads have to meet before a kernel, of those that run since they met. */
  needed({ touched: { writes, reads }, threads }: Shared): boolean {
    const met = ({ own, shared }: { own: Marks; shared: Marks }, spans: readonly Span[]) =>
      spans.some((span) => shared.last(span) === this.now || (threads > 1 && own.last(span) === this.now));
    return met(this.written, [...writes, ...reads]) || met(this.read, writes);
  }

  /** Threads meet. */
  meet(): void {
    this.now++;
  }

  /** A kernel runs. */
  run({ touched: { writes, reads }, threads }: Shared): void {
    const who = threads > 1 ? 'shared' : 'own';
    for (const span of writes) this.written[who].set(span, this.now);
    for (const span of reads) this.read[who].set(span, this.now);
  }
}

/** Marks on ranges that only grow with time: a segment tree over the points at which ranges begin and end. */
class Marks {
  /** On all of a segment, and on any part of it. */
  private readonly all: number[] = [];
  private readonly any: number[] = [];

  constructor(private readonly ranks: ReadonlyMap<number, number>) {}

  set(span: Span, mark: number): void {
    this.visit(span, (at, whole) => {
      if (whole) this.all[at] = mark;
      this.any[at] = mark;
    });
  }

  /** The largest mark in a range; 0 if there is none. */
  last(span: Span): number {
    let largest = 0;
    this.visit(span, (at, whole) => {
      largest = Math.max(largest, (whole ? this.any : this.all)[at] ?? 0);
    });
    return largest;
  }

  /** The segments that lie in a range, and those that have others in it. */
  private visit([from, to]: Span, see: (at: number, whole: boolean) => void): void {
    const [first, last] = [this.ranks.get(from)!, this.ranks.get(to)!];
    const down = (at: number, low: number, high: number) => {
      if (last <= low || high <= first) return;
      const whole = first <= low && high <= last;
      see(at, whole);
      if (whole) return;
      const middle = (low + high) >> 1;
      down(2 * at, low, middle);
      down(2 * at + 1, middle, high);
    };
    if (first < last) down(1, 0, this.ranks.size);
  }
}

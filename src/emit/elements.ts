import type { Span } from '../plan/places.js';
import { numel } from '../shape.js';

/** Elements of the memory: runs of `length`, the first at `first`, which are counted by `sizes` and lie `strides` apart. */
export interface Elements {
  readonly first: number;
  readonly length: number;
  readonly sizes: readonly number[];
  readonly strides: readonly number[];
}

/** Runs that are told apart: of sets that have more together, those with most count as all between first and last. */
const MOST_RUNS = 2 ** 20;

/**
 * Sets of elements as ranges of numbers: two sets have a number in common exactly where they have an element. Most sets
 * are one run each; where their runs end, the memory is cut into cells. Within a cell, elements that belong to the same
 * of the other sets share a number. That takes time in proportion to the number of runs, and gives few ranges also where
 * the runs of several sets interleave.
 */
export function rangesOf(sets: readonly Elements[]): Map<Elements, Span[]> {
  const distinct = new Map(sets.map((set) => [keyOf(set), set]));
  const scattered = keepFew([...distinct.values()].filter((set) => runsOf(set) > 1));
  const known = new Map(scattered.map((set) => [keyOf(set), starts(set)]));
  const hulls = [...distinct].map(([key, set]) => ({ hull: hullOf(set), solid: !known.has(key) }));
  const ends = [
    hulls.reduce((low, { hull }) => Math.min(low, hull[0]), Number.POSITIVE_INFINITY),
    hulls.reduce((high, { hull }) => Math.max(high, hull[1]), 0),
  ];
  const cuts = sorted([...ends, ...hulls.flatMap(({ hull, solid }) => (solid ? hull : []))]);
  const classes = new Classes(
    cuts,
    [...known].map(([key, from]) => ({ from, length: distinct.get(key)!.length })),
  );
  const place = (cut: number) => classes.first[at(cuts, cut)];
  const ranges = new Map(
    [...distinct].map(([key, set]): [string, Span[]] => {
      const [from, to] = hullOf(set);
      const runs = known.get(key);
      return [key, runs ? classes.of({ from: runs, length: set.length }) : [[place(from), place(to)]]];
    }),
  );
  return new Map(sets.map((set) => [set, ranges.get(keyOf(set))!]));
}

interface Runs {
  readonly from: Float64Array;
  readonly length: number;
}

/** Which elements belong to the same cell and to the same sets. */
class Classes {
  /** The numbers of a cell begin here; the first is that of its elements in none of the sets. */
  readonly first: number[];
  private readonly points: Float64Array;
  /** Of the elements from one point to the next. */
  private readonly classes: Int32Array;
  private readonly numbers: number[];

  constructor(cuts: Float64Array, sets: readonly Runs[]) {
    const ends = sets.flatMap(({ from, length }) => [from, from.map((start) => start + length)]);
    this.points = sorted(cuts, ...ends);
    this.classes = new Int32Array(this.points.length);
    const cells = Array.from(cuts, (_, cell) => cell);
    let cell = -1;
    this.points.forEach((point, i) => {
      if (point === cuts[cell + 1]) cell++;
      this.classes[i] = cell;
    });
    for (const set of sets) {
      const split = new Map<number, number>();
      this.visit(set, (i) => {
        const old = this.classes[i];
        if (!split.has(old)) split.set(old, cells.push(cells[old]) - 1);
        this.classes[i] = split.get(old)!;
      });
    }
    const order = cells.map((_, i) => i).sort((a, b) => cells[a] - cells[b] || a - b);
    this.numbers = [];
    order.forEach((one, number) => {
      this.numbers[one] = number;
    });
    this.first = Array.from(cuts, (_, i) => this.numbers[i]);
  }

  /** The numbers of one of the sets. */
  of(set: Runs): Span[] {
    const found = new Set<number>();
    this.visit(set, (i) => found.add(this.numbers[this.classes[i]]));
    const spans: [number, number][] = [];
    for (const number of [...found].sort((a, b) => a - b)) {
      if (spans.at(-1)?.[1] === number) spans[spans.length - 1][1]++;
      else spans.push([number, number + 1]);
    }
    return spans;
  }

  private visit({ from, length }: Runs, see: (i: number) => void): void {
    for (const start of from)
      for (let i = at(this.points, start); this.points[i] < start + length; i++) see(i);
  }
}

/** All sets but those with most runs, where there are too many. */
function keepFew(sets: readonly Elements[]): Elements[] {
  let left = MOST_RUNS;
  return [...sets]
    .sort((a, b) => runsOf(a) - runsOf(b))
    .filter((set) => {
      left -= runsOf(set);
      return left >= 0;
    });
}

function runsOf({ sizes }: Elements): number {
  return numel(sizes);
}

function starts({ first, sizes, strides }: Elements): Float64Array {
  let list = Float64Array.of(first);
  sizes.forEach((size, axis) => {
    const next = new Float64Array(list.length * size);
    list.forEach((start, i) => {
      for (let n = 0; n < size; n++) next[i * size + n] = start + n * strides[axis];
    });
    list = next;
  });
  return list;
}

/** From the first element up to but not with what follows the last. */
function hullOf({ first, length, sizes, strides }: Elements): Span {
  const last = sizes.reduce((sum, size, axis) => sum + (size - 1) * strides[axis], first);
  return [first, last + length];
}

function keyOf({ first, length, sizes, strides }: Elements): string {
  return `${first}:${length}:${sizes}:${strides}`;
}

/** Numbers in ascending order, each once. */
function sorted(...lists: readonly ArrayLike<number>[]): Float64Array {
  const all = new Float64Array(lists.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const list of lists) {
    all.set(list, end);
    end += list.length;
  }
  return all.sort().filter((value, i, list) => i === 0 || value !== list[i - 1]);
}

/** The place of a number in such a list. */
function at(list: Float64Array, value: number): number {
  let [low, high] = [0, list.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

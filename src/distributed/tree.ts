// Sums of floats depend on their order. So the gradients of the shards are added in one tree, which follows from the number of shards
// alone: a node over an even number of them is the sum of its halves, one over an odd number that of the first 2^k, as many as fit, and
// of the rest. Which process makes which sum, and who sends what to whom, follows from the number of processes; the additions are the
// same for any.

/** Where shards are made, and where the sum over all of them is at the end; but see `split`. */
export const MADE = 0;
/** What is to be added to it at the end. */
export const OTHERS = 1;

/** What is done with a shard that was made. */
export type Local =
  /** It is copied to a slot, since another one is made. */
  | { readonly kind: 'keep'; readonly slot: number }
  /** Adds a slot to another. */
  | { readonly kind: 'add'; readonly slot: number; readonly from: number };

/** Shards, from the first up to but not with the last. */
export type Range = readonly [from: number, to: number];

interface Meeting {
  readonly partner: number;
  readonly slot: number;
}

/** What is done with sums once all shards are made. `gives`, `gets`: over which shards the sum is that is sent, and that comes. */
export type Join =
  | Extract<Local, { kind: 'add' }>
  /** Partners send each other what they have, and each adds what it gets, unless it is left to whoever reads both: both then have the sum. */
  | ({
      readonly kind: 'swap';
      readonly gives: Range;
      readonly gets: Range;
      readonly adds: boolean;
    } & Meeting)
  | ({ readonly kind: 'send'; readonly gives: Range } & Meeting)
  /** Adds what a partner sends. */
  | ({ readonly kind: 'collect'; readonly gets: Range } & Meeting)
  /** Takes over what a partner sends. */
  | ({ readonly kind: 'take'; readonly gets: Range } & Meeting);

export interface TreePlan {
  /** The shards of this process in their order, and what is done after each. */
  readonly own: readonly { readonly shard: number; readonly after: readonly Local[] }[];
  readonly joins: readonly Join[];
  /** How many slots there are, with `MADE`, `OTHERS` and `spare`. */
  readonly slots: number;
  /** Where what partners send is put. */
  readonly spare: number;
  /** Whether the sum at the end is that of `MADE` and `OTHERS`; else it is in `MADE`. */
  readonly split: boolean;
}

/** How many of so many shards the left part of a node has. */
function leftOf(count: number): number {
  return count % 2 === 0 ? count / 2 : 2 ** Math.floor(Math.log2(count - 1));
}

/** A sum over some shards: who has it, all processes that have a part in it or the first of them alone; and where, if this one does. */
interface Sum {
  readonly all: boolean;
  readonly slot: number | null;
}

/** What a process does of a step; the number of processes divides that of the shards. */
export function treePlan(shards: number, processes: number, rank: number): TreePlan {
  const each = shards / processes;
  const [begin, end] = [rank * each, (rank + 1) * each];
  const rankOf = (shard: number) => Math.floor(shard / each);
  const own: { shard: number; after: Local[] }[] = [];
  const joins: Join[] = [];
  const free: number[] = [];
  let slots = OTHERS + 1;
  const newSlot = () => free.pop() ?? slots++;
  const next = (local: Local) => own.at(-1)!.after.push(local);

  /** A sum over shards of this process alone, made in a slot. */
  const compute = (from: number, to: number, into: number): void => {
    if (to - from === 1) {
      own.push({ shard: from, after: [] });
      if (into !== MADE) next({ kind: 'keep', slot: into });
      return;
    }
    const middle = from + leftOf(to - from);
    const left = into === MADE ? newSlot() : into;
    compute(from, middle, left);
    compute(middle, to, MADE);
    if (into !== MADE) next({ kind: 'add', slot: into, from: MADE });
    else {
      next({ kind: 'add', slot: MADE, from: left });
      free.push(left);
    }
  };

  if (processes === 1 && shards > 1) {
    const middle = leftOf(shards);
    compute(0, middle, OTHERS);
    compute(middle, shards, MADE);
    return { own, joins, slots, spare: OTHERS, split: true };
  }

  /** The largest sums of this process's own shards alone come first: nobody waits while there is something to compute. */
  const sums = new Map<number, number>();
  const computeOwn = (from: number, to: number): void => {
    if (to <= begin || from >= end) return;
    if (from >= begin && to <= end) {
      sums.set(from, to === end ? MADE : newSlot());
      compute(from, to, sums.get(from)!);
      return;
    }
    const middle = from + leftOf(to - from);
    computeOwn(from, middle);
    computeOwn(middle, to);
  };

  const join = (from: number, to: number): Sum => {
    const [first, last] = [rankOf(from), rankOf(to - 1)];
    if (first === last) return { all: true, slot: first === rank ? sums.get(from)! : null };
    const middle = from + leftOf(to - from);
    const [left, right] = [join(from, middle), join(middle, to)];
    const [leftLast, rightFirst] = [rankOf(middle - 1), rankOf(middle)];
    const span = rightFirst - first;
    const halves: readonly [Range, Range] = [
      [from, middle],
      [middle, to],
    ];
    // Recursive doubling, wherever both sides have as many processes that know their sum.
    if (left.all && right.all && leftLast < rightFirst && last - rightFirst === leftLast - first) {
      const slot = left.slot ?? right.slot;
      if (slot !== null) {
        const isLeft = rank < rightFirst;
        const [gives, gets] = isLeft ? halves : [halves[1], halves[0]];
        const adds = to - from < shards;
        joins.push({ kind: 'swap', partner: isLeft ? rank + span : rank - span, slot, gives, gets, adds });
      }
      return { all: true, slot };
    }
    let slot = left.slot;
    if (first === rightFirst && rank === first) {
      const others = left.slot === MADE ? right.slot! : left.slot!;
      slot = left.slot === MADE ? left.slot : right.slot!;
      joins.push({ kind: 'add', slot, from: others });
    } else if (first !== rightFirst && rank === first)
      joins.push({ kind: 'collect', partner: rightFirst, slot: left.slot!, gets: halves[1] });
    else if (first !== rightFirst && rank === rightFirst)
      joins.push({ kind: 'send', partner: first, slot: right.slot!, gives: halves[1] });
    return { all: false, slot: rank === first ? slot : null };
  };

  computeOwn(0, shards);
  const sum = join(0, shards);
  const split = sum.all && processes > 1;
  const spare = split ? OTHERS : newSlot();
  if (sum.all) return { own, joins, slots, spare, split };
  const all: Range = [0, shards];
  // In each round those that have the sum send it to as many others.
  for (let span = 1; span < processes; span *= 2) {
    const partner = rank < span ? rank + span : rank - span;
    if (rank >= span && rank < 2 * span) joins.push({ kind: 'take', partner, slot: MADE, gets: all });
    else if (rank < span && partner < processes)
      joins.push({ kind: 'send', partner, slot: MADE, gives: all });
  }
  return { own, joins, slots, spare, split };
}

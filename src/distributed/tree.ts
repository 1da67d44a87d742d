// Sums of floats depend on their order. So the gradients of the shards are added in one tree, which follows from the number of shards
// alone: a node over an even number of them is the sum of its halves, one over an odd number that of the first 2^k, as many as fit, and
// of the rest. Which process makes which sum, and who sends what to whom, follows from the number of processes; the additions are the
// same for any.

/** What a process does in a step, one after the other. Slots hold the sums that it has at a time. */
export type Action =
  /** The gradients of a shard of its own. */
  | { readonly kind: 'shard'; readonly shard: number; readonly slot: number }
  /** Adds a slot to another. */
  | { readonly kind: 'add'; readonly slot: number; readonly from: number }
  /** Partners send each other what they have, and each adds what it gets: both then have the sum. */
  | { readonly kind: 'swap'; readonly partner: number; readonly slot: number }
  | { readonly kind: 'send'; readonly partner: number; readonly slot: number }
  /** Adds what a partner sends. */
  | { readonly kind: 'collect'; readonly partner: number; readonly slot: number }
  /** Takes over what a partner sends. */
  | { readonly kind: 'take'; readonly partner: number; readonly slot: number };

export interface TreePlan {
  readonly actions: readonly Action[];
  /** How many slots there are, and which of them holds the sum over all shards at the end. */
  readonly slots: number;
  readonly result: number;
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
  const actions: Action[] = [];
  const free: number[] = [];
  let slots = 0;
  const newSlot = () => free.pop() ?? slots++;

  const compute = (from: number, to: number): number => {
    if (to - from === 1) {
      const slot = newSlot();
      actions.push({ kind: 'shard', shard: from, slot });
      return slot;
    }
    const middle = from + leftOf(to - from);
    const [slot, other] = [compute(from, middle), compute(middle, to)];
    actions.push({ kind: 'add', slot, from: other });
    free.push(other);
    return slot;
  };

  /** The largest sums of this process's own shards alone come first: nobody waits while there is something to compute. */
  const own = new Map<number, number>();
  const computeOwn = (from: number, to: number): void => {
    if (to <= begin || from >= end) return;
    if (from >= begin && to <= end) {
      own.set(from, compute(from, to));
      return;
    }
    const middle = from + leftOf(to - from);
    computeOwn(from, middle);
    computeOwn(middle, to);
  };

  const join = (from: number, to: number): Sum => {
    const [first, last] = [rankOf(from), rankOf(to - 1)];
    if (first === last) return { all: true, slot: first === rank ? own.get(from)! : null };
    const middle = from + leftOf(to - from);
    const [left, right] = [join(from, middle), join(middle, to)];
    const [leftLast, rightFirst] = [rankOf(middle - 1), rankOf(middle)];
    const span = rightFirst - first;
    // Recursive doubling, wherever both sides have as many processes that know their sum.
    if (left.all && right.all && leftLast < rightFirst && last - rightFirst === leftLast - first) {
      const slot = left.slot ?? right.slot;
      if (slot !== null)
        actions.push({ kind: 'swap', partner: rank < rightFirst ? rank + span : rank - span, slot });
      return { all: true, slot };
    }
    if (first === rightFirst && rank === first) {
      actions.push({ kind: 'add', slot: left.slot!, from: right.slot! });
      free.push(right.slot!);
    } else if (first !== rightFirst && rank === first)
      actions.push({ kind: 'collect', partner: rightFirst, slot: left.slot! });
    else if (first !== rightFirst && rank === rightFirst) {
      actions.push({ kind: 'send', partner: first, slot: right.slot! });
      free.push(right.slot!);
    }
    return { all: false, slot: rank === first ? left.slot : null };
  };

  computeOwn(0, shards);
  const sum = join(0, shards);
  if (sum.all) return { actions, slots, result: sum.slot! };
  const slot = sum.slot ?? newSlot();
  // In each round those that have the sum send it to as many others.
  for (let span = 1; span < processes; span *= 2) {
    if (rank >= span && rank < 2 * span) actions.push({ kind: 'take', partner: rank - span, slot });
    else if (rank < span && rank + span < processes)
      actions.push({ kind: 'send', partner: rank + span, slot });
  }
  return { actions, slots, result: slot };
}

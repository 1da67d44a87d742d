import { expect, test } from 'vitest';
import { type Action, treePlan } from '../../src/distributed/tree.js';

/** Runs the plans of so many processes, each sum as a text with its brackets; what all of them end with. */
function sumsOf(shards: number, processes: number): { sums: string[]; messages: number; waits: number } {
  const plans = Array.from({ length: processes }, (_, rank) => treePlan(shards, processes, rank));
  const slots = plans.map(() => [] as string[]);
  const places = plans.map(() => 0);
  const boxes = new Map<string, string[]>();
  const box = (from: number, to: number) => {
    const name = `${from} ${to}`;
    if (!boxes.has(name)) boxes.set(name, []);
    return boxes.get(name)!;
  };
  const swapping = plans.map(() => false);
  let messages = 0;
  /** Whether a process gets one action further. */
  const act = (rank: number, action: Action): boolean => {
    const own = slots[rank];
    const sum = (a: string, b: string) => `(${[a, b].sort().join('+')})`;
    switch (action.kind) {
      case 'shard':
        own[action.slot] = String.fromCharCode(97 + action.shard);
        return true;
      case 'add':
        own[action.slot] = sum(own[action.slot], own[action.from]);
        return true;
      case 'send':
        box(rank, action.partner).push(own[action.slot]);
        messages++;
        return true;
      case 'swap': {
        if (!swapping[rank]) {
          box(rank, action.partner).push(own[action.slot]);
          messages++;
        }
        swapping[rank] = true;
        const got = box(action.partner, rank).shift();
        if (got === undefined) return false;
        swapping[rank] = false;
        own[action.slot] = sum(own[action.slot], got);
        return true;
      }
      default: {
        const got = box(action.partner, rank).shift();
        if (got === undefined) return false;
        own[action.slot] = action.kind === 'take' ? got : sum(own[action.slot], got);
        return true;
      }
    }
  };
  let waits = 0;
  for (let moved = true; moved; ) {
    moved = false;
    for (const [rank, { actions }] of plans.entries())
      while (places[rank] < actions.length) {
        if (!act(rank, actions[places[rank]])) {
          waits++;
          break;
        }
        places[rank]++;
        moved = true;
      }
  }
  expect(places).toEqual(plans.map(({ actions }) => actions.length));
  expect([...boxes.values()].flat()).toEqual([]);
  for (const [rank, plan] of plans.entries()) expect(slots[rank].length).toBeLessThanOrEqual(plan.slots);
  return { sums: plans.map((plan, rank) => slots[rank][plan.result]), messages, waits };
}

test('the sum of a number of shards has the same brackets in every process, for any number of processes that divides it', () => {
  for (let shards = 1; shards <= 24; shards++) {
    const [whole] = sumsOf(shards, 1).sums;
    for (let processes = 1; processes <= shards; processes++) {
      if (shards % processes !== 0) continue;
      const { sums } = sumsOf(shards, processes);
      expect(sums, `${shards} shards, ${processes} processes`).toEqual(Array(processes).fill(whole));
    }
  }
});

test('halves are added where there are halves, and else the largest power of two and the rest', () => {
  expect(sumsOf(8, 1).sums).toEqual(['(((a+b)+(c+d))+((e+f)+(g+h)))']);
  expect(sumsOf(6, 1).sums).toEqual(['(((a+b)+c)+((d+e)+f))']);
  expect(sumsOf(7, 1).sums).toEqual(['(((a+b)+(c+d))+((e+f)+g))']);
});

test('a power of two of processes doubles: each sends one message in each of log2 of so many rounds', () => {
  for (const [shards, processes] of [
    [8, 2],
    [8, 4],
    [8, 8],
    [12, 4],
    [48, 16],
  ])
    expect(sumsOf(shards, processes).messages).toBe(processes * Math.log2(processes));
});

test('a process of eight shards keeps no more lists than the tree is deep', () => {
  expect(treePlan(8, 1, 0).slots).toBe(4);
  expect(treePlan(64, 2, 1).slots).toBe(6);
});

import { expect, test } from 'vitest';
import { type Join, MADE, OTHERS, type Range, treePlan } from '../../src/distributed/tree.js';

interface Sent {
  readonly sum: string;
  readonly over: Range;
}

/** Runs the plans of so many processes, each sum as a text with its brackets; what all of them end with. */
function sumsOf(shards: number, processes: number): { sums: string[]; messages: number } {
  const plans = Array.from({ length: processes }, (_, rank) => treePlan(shards, processes, rank));
  const sum = (a: string, b: string) => `(${[a, b].sort().join('+')})`;
  const nameOf = (shard: number) => String.fromCharCode(97 + shard);
  const slots = plans.map(({ own, slots }) => {
    const all: string[] = Array(slots).fill('');
    for (const { shard, after } of own) {
      all[MADE] = nameOf(shard);
      for (const local of after)
        all[local.slot] = local.kind === 'keep' ? all[MADE] : sum(all[local.slot], all[local.from]);
    }
    return all;
  });
  const places = plans.map(() => 0);
  const boxes = new Map<string, Sent[]>();
  const box = (from: number, to: number) => {
    const name = `${from} ${to}`;
    if (!boxes.has(name)) boxes.set(name, []);
    return boxes.get(name)!;
  };
  const swapping = plans.map(() => false);
  let messages = 0;
  const give = (rank: number, { partner, slot, gives }: { partner: number; slot: number; gives: Range }) => {
    const text = slots[rank][slot];
    // What is said to be in it is what is in it.
    for (let shard = 0; shard < shards; shard++)
      expect(text.includes(nameOf(shard))).toBe(shard >= gives[0] && shard < gives[1]);
    box(rank, partner).push({ sum: text, over: gives });
    messages++;
  };
  /** Whether a process gets one action further. */
  const act = (rank: number, join: Join): boolean => {
    const own = slots[rank];
    if (join.kind === 'add') {
      own[join.slot] = sum(own[join.slot], own[join.from]);
      return true;
    }
    if (join.kind === 'send') {
      give(rank, join);
      return true;
    }
    if (join.kind === 'swap' && !swapping[rank]) give(rank, join);
    swapping[rank] = join.kind === 'swap';
    const got = box(join.partner, rank).shift();
    if (got === undefined) return false;
    swapping[rank] = false;
    expect(got.over).toEqual(join.gets);
    const { spare } = plans[rank];
    if (join.kind === 'take') own[join.slot] = got.sum;
    else if (join.kind === 'swap' && !join.adds) own[spare] = got.sum;
    else own[join.slot] = sum(own[join.slot], got.sum);
    return true;
  };
  for (let moved = true; moved; ) {
    moved = false;
    for (const [rank, { joins }] of plans.entries())
      while (places[rank] < joins.length && act(rank, joins[places[rank]])) {
        places[rank]++;
        moved = true;
      }
  }
  expect(places).toEqual(plans.map(({ joins }) => joins.length));
  expect([...boxes.values()].flat()).toEqual([]);
  const sums = plans.map(({ split }, rank) =>
    split ? sum(slots[rank][MADE], slots[rank][OTHERS]) : slots[rank][MADE],
  );
  for (const { slots, spare, split } of plans) {
    expect(spare).toBeLessThan(Math.max(slots, 2));
    // What is added at the end holds nothing else where it adds nothing.
    if (processes > 1) expect(spare === OTHERS).toBe(split);
  }
  return { sums, messages };
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

test('a process of eight shards keeps no more lists than the tree is deep, and room for what comes', () => {
  expect(treePlan(8, 1, 0).slots).toBe(4);
  expect(treePlan(64, 2, 1).slots).toBe(7);
});

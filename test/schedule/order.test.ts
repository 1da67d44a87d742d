import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeInput, type Node } from '../../src/graph/graph.js';
import { f32, type Tensor, type TensorType, trace } from '../../src/index.js';
import type { Kernel } from '../../src/kernels/kernel.js';
import { optimize } from '../../src/optimize/index.js';
import { listSchedule } from '../../src/schedule/list-schedule.js';
import { liveBytes, livesOf, type Traffic } from '../../src/schedule/liveness.js';
import { Moves } from '../../src/schedule/moves.js';
import { lowerPeak } from '../../src/schedule/peak.js';
import { schedule } from '../../src/schedule/schedule.js';
import { plainListSchedule, plainMove } from './plain-order.js';

/** Kernels that write values of these sizes and read values of earlier ones. */
interface Chain {
  traffic: Traffic[];
  waits: Set<number>[];
}

function chain(kernels: readonly { writes: number[]; reads: number[]; inPlace?: boolean }[]): Chain {
  const made: { node: Node; by: number }[] = [];
  const waits: Set<number>[] = [];
  const traffic = kernels.map(({ writes, reads, inPlace }, i): Traffic => {
    const read = [...new Set(reads)].filter((r) => r < made.length).map((r) => made[r]);
    waits.push(new Set(read.map((r) => r.by)));
    const written = writes.map((size) => makeInput(`v${i}`, 'input', [size], 'f32'));
    for (const node of written) made.push({ node, by: i });
    const fits = (node: Node) => read.map((r) => r.node).filter((old) => old.shape[0] === node.shape[0]);
    return {
      kernel: {} as Kernel,
      reads: read.map((r) => r.node),
      writes: written,
      shared: [],
      over: new Map(written.map((node) => [node, inPlace ? fits(node) : []])),
    };
  });
  return { traffic, waits };
}

const randomChain = (length: number) =>
  fc
    .array(
      fc.record({
        writes: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 2 }),
        back: fc.array(fc.nat(5), { maxLength: 3 }),
        inPlace: fc.boolean(),
      }),
      { minLength: length, maxLength: length },
    )
    .map((kernels) => {
      let made = 0;
      return chain(
        kernels.map(({ writes, back, inPlace }) => {
          const reads = back.map((b) => made - 1 - b).filter((r) => r >= 0);
          made += writes.length;
          return { writes, reads, inPlace };
        }),
      );
    });

const peakOf = (order: readonly number[], { traffic }: Chain) =>
  Math.max(...liveBytes(order.map((i) => traffic[i])));

/** The least peak of all orders that respect `waits`. */
function leastPeak(all: Chain): number {
  let least = Number.POSITIVE_INFINITY;
  const extend = (order: number[]) => {
    // Of a part of an order this is a lower bound: what only later kernels read counts as dead.
    const peak = peakOf(order, all);
    if (peak >= least) return;
    if (order.length === all.traffic.length) least = peak;
    for (let i = 0; i < all.traffic.length; i++) {
      if (!order.includes(i) && [...all.waits[i]].every((w) => order.includes(w))) extend([...order, i]);
    }
  };
  extend([]);
  return least;
}

describe('the order of kernels', () => {
  it('is one that they can run in, and never needs more memory than the order of the graph', () => {
    fc.assert(
      fc.property(randomChain(14), (all) => {
        const order = lowerPeak(all.traffic, all.waits);
        expect([...order].sort((a, b) => a - b)).toEqual(all.traffic.map((_, i) => i));
        order.forEach((i, at) => {
          for (const w of all.waits[i]) expect(order.indexOf(w)).toBeLessThan(at);
        });
        const given = all.traffic.map((_, i) => i);
        expect(peakOf(order, all)).toBeLessThanOrEqual(peakOf(given, all));
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it('needs the least memory that any order needs on nine graphs of ten', () => {
    const samples = fc.sample(randomChain(8), { numRuns: 100, seed: 2 }).map((all) => ({
      least: leastPeak(all),
      given: peakOf([...all.traffic.keys()], all),
      found: peakOf(lowerPeak(all.traffic, all.waits), all),
    }));
    expect(samples.filter(({ found, least }) => found === least).length).toBeGreaterThanOrEqual(90);
    // Else the samples would show nothing.
    expect(samples.filter(({ given, least }) => given === least).length).toBeLessThan(80);
  });

  it('is that of the heuristics as they are meant, with everything tried and run from the start', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }).chain(randomChain), ({ traffic, waits }) => {
        const listed = listSchedule(traffic, waits);
        expect(listed).toEqual(plainListSchedule(traffic, waits));
        for (const start of [[...traffic.keys()], listed]) {
          const moves = new Moves(traffic, waits, start, Number.POSITIVE_INFINITY);
          let order: readonly number[] | undefined = start;
          do {
            expect(moves.order).toEqual(order);
            order = plainMove(order, traffic, waits);
            expect(moves.improve()).toBe(order !== undefined);
          } while (order);
        }
      }),
      { numRuns: 200, seed: 4 },
    );
  });

  it('is found within a budget of work, the same each time, however many kernels there are', () => {
    const [all] = fc.sample(randomChain(2000), { numRuns: 1, seed: 3 });
    const given = [...all.traffic.keys()];
    const search = (budget: number) => {
      const moves = new Moves(all.traffic, all.waits, given, budget);
      while (!moves.isSpent && moves.improve());
      return moves;
    };
    const [some, more] = [search(5_000), search(50_000)];
    // What a move asks for is looked at before it is known to be too much.
    expect(some.work).toBeLessThan(5_000 + 3 * 2000);
    expect(more.work).toBeLessThan(50_000 + 3 * 2000);
    expect(some.peak).toBeLessThanOrEqual(peakOf(given, all));
    expect(more.peak).toBeLessThanOrEqual(some.peak);
    expect([...more.order].sort((a, b) => a - b)).toEqual(given);
    expect(lowerPeak(all.traffic, all.waits, 5_000)).toEqual(lowerPeak(all.traffic, all.waits, 5_000));
  });

  it('stays as it is where another needs no less', () => {
    // Two chains whose largest kernel needs its own values alone.
    const all = chain([
      { writes: [1], reads: [] },
      { writes: [1], reads: [] },
      { writes: [50], reads: [0, 1] },
      { writes: [50], reads: [2] },
      { writes: [1], reads: [3] },
    ]);
    expect(lowerPeak(all.traffic, all.waits)).toEqual([0, 1, 2, 3, 4]);
  });

  it('reads a wide value for the last time before the next is made', () => {
    const all = chain([
      { writes: [9], reads: [] },
      { writes: [9], reads: [] },
      { writes: [9], reads: [] },
      { writes: [1], reads: [0] },
      { writes: [1], reads: [1] },
      { writes: [1], reads: [2] },
    ]);
    expect(lowerPeak(all.traffic, all.waits)).toEqual([0, 3, 1, 4, 2, 5]);
  });

  it('lets a value overwrite another only where that dies', () => {
    const { traffic } = chain([
      { writes: [4], reads: [] },
      { writes: [4], reads: [0], inPlace: true },
      { writes: [4], reads: [0, 1], inPlace: true },
    ]);
    const lives = livesOf(traffic).map(({ from, to, over }) => ({
      from,
      to,
      over: over && over === traffic[0].writes[0],
    }));
    expect(lives).toEqual([
      { from: 0, to: 2, over: null },
      { from: 1, to: 2, over: null },
      { from: 2, to: 2, over: true },
    ]);
    expect(liveBytes(traffic)).toEqual([16, 32, 32]);
  });

  it('lets but one of two values overwrite another', () => {
    const { traffic } = chain([
      { writes: [4], reads: [] },
      { writes: [4, 4], reads: [0], inPlace: true },
    ]);
    expect(livesOf(traffic).map(({ over }) => over !== null)).toEqual([false, true, false]);
    expect(liveBytes(traffic)).toEqual([16, 32]);
  });
});

describe('a schedule', () => {
  const kernels = (
    inputs: Record<string, TensorType>,
    f: (x: Record<string, Tensor>) => Record<string, Tensor>,
  ) => schedule(optimize(trace('g', inputs, f))).kernels.map((k) => k.name);

  it('folds a wide value before the next is made, though the graph folds it last', () => {
    const text = kernels({ x: f32(8, 4), a: f32(4, 400), b: f32(400, 4) }, ({ x, a, b }) => {
      const first = x.matmul(a).tanh();
      const second = first.matmul(b).matmul(a).tanh();
      return { y: second.matmul(b), columns: first.max(0) };
    });
    expect(text).toEqual([
      'gemm_nn_8x400x4_tanh',
      'gemm_nn_8x4x400',
      'reduce_8x400_max',
      'gemm_nn_8x400x4_tanh',
      'gemm_nn_8x4x400',
    ]);
  });
});

describe('a value that several kernels write in parts', () => {
  const [whole, one, other, result] = [8, 4, 4, 2].map((size, i) =>
    makeInput(`p${i}`, 'input', [size], 'f32'),
  );
  const step = (reads: Node[], writes: Node[], shared: Node[]): Traffic => ({
    kernel: {} as Kernel,
    reads,
    writes,
    shared,
    over: new Map(writes.map((node) => [node, []])),
  });
  const traffic = [
    step([], [one], []),
    step([one], [], [whole]),
    step([], [other], []),
    step([other], [], [whole]),
    step([], [result], [whole]),
  ];

  it('takes its room once, with the first part, and gives it back after the last reader', () => {
    expect(liveBytes(traffic)).toEqual([16, 48, 48, 48, 40]);
    expect(livesOf(traffic)).toContainEqual({ node: whole, from: 1, to: 4, over: null });
  });

  it('may begin after the peak', () => {
    const early = [
      step([], [one], []),
      step([], [other], [whole]),
      step([one, other], [result], []),
      step([result], [], [whole]),
    ];
    const waits = [new Set<number>(), new Set<number>(), new Set([0, 1]), new Set([2])];
    expect(lowerPeak(early, waits)).toHaveLength(4);
    const order = lowerPeak(
      [
        step([], [one, other], []),
        step([], [], [whole]),
        step([one, other], [result], []),
        step([result], [], [whole]),
      ],
      [new Set<number>(), new Set<number>(), new Set([0]), new Set([1, 2])],
    );
    expect(order.indexOf(1)).toBeGreaterThan(order.indexOf(2));
  });
});

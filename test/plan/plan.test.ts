import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeInput } from '../../src/graph/graph.js';
import { f32, trace } from '../../src/index.js';
import type { Schedule } from '../../src/kernels/kernel.js';
import { namesStep } from '../../src/models/bengio.js';
import { optimize } from '../../src/optimize/index.js';
import { placeArena } from '../../src/plan/arena.js';
import { align, FIRST_REGION, SLACK, sessionBytes } from '../../src/plan/layout.js';
import { type ArenaBuffer, type EntryPlan, planMemory } from '../../src/plan/plan.js';
import { printMemory } from '../../src/plan/print.js';
import { schedule, scheduleAll } from '../../src/schedule/schedule.js';
import { numel } from '../../src/shape.js';
import { arenaGraph } from './random.js';

/** The memory of a value is its own from the kernel that stores it to the last that loads it. */
function checkLives({ kernels }: Schedule, { arena }: EntryPlan): void {
  for (const { node, from, to } of arena) {
    const touched = kernels.flatMap((k, i) => (k.stores.includes(node) || k.loads.includes(node) ? [i] : []));
    expect([from, to]).toEqual([touched[0], touched.at(-1)]);
    expect(kernels[from].stores).toContain(node);
  }
}

/** Names of the buffers whose memory one took over, directly or through others. */
function before(buffer: ArenaBuffer, arena: readonly ArenaBuffer[]): string[] {
  const old = arena.find((b) => b.name === buffer.over);
  return old ? [old.name, ...before(old, arena)] : [];
}

/** Buffers that live at the same time lie apart, or one takes over from the other in the kernel where both live. */
function checkSharing({ arena }: EntryPlan): void {
  const clashes = arena.flatMap((old) =>
    arena.flatMap((own) => {
      const together = own !== old && old.from <= own.from && own.from <= old.to;
      const overlap = own.address < old.address + old.bytes && old.address < own.address + own.bytes;
      const takenOver =
        before(own, arena).includes(old.name) &&
        own.address === old.address &&
        own.bytes === old.bytes &&
        old.to === own.from;
      return together && overlap && !takenOver && !before(old, arena).includes(own.name)
        ? [`${own.name} lies in ${old.name}`]
        : [];
    }),
  );
  expect(clashes).toEqual([]);
}

describe('the arena', () => {
  it('gives values that live at the same time different places, but for those that take over another', () => {
    let over = 0;
    fc.assert(
      fc.property(arenaGraph(), ({ graph }) => {
        const made = schedule(optimize(graph));
        const plan = planMemory({ call: made }, []);
        const { call } = plan.entries;
        checkLives(made, call);
        checkSharing(call);
        over += call.arena.filter((b) => b.over).length;
        expect(call.arena.every((b) => b.address % 64 === 0)).toBe(true);
        expect(call.lowerBound).toBeLessThanOrEqual(call.peak);
        expect(call.lowerBound).toBeLessThanOrEqual(call.withoutTakeOver);
        expect(call.withoutTakeOver).toBeLessThanOrEqual(call.unshared);
        expect(call.peak).toBeLessThanOrEqual(plan.arena.bytes);
      }),
      { numRuns: 150, seed: 3 },
    );
    expect(over).toBeGreaterThan(100);
  });

  it('gives no byte to two values that live at one time, whatever their sizes and lives are', () => {
    const life = fc.record({ size: fc.integer({ min: 1, max: 90 }), from: fc.nat(9), length: fc.nat(9) });
    fc.assert(
      fc.property(fc.array(life, { minLength: 2, maxLength: 14 }), (drawn) => {
        const lives = drawn.map(({ size, from, length }) => ({
          node: makeInput('v', 'input', [size], 'f32'),
          ...{ from, to: from + length, over: null },
        }));
        const { buffers } = placeArena(lives);
        for (const [i, a] of buffers.entries())
          for (const b of buffers.slice(0, i)) {
            const together = a.from <= b.to && b.from <= a.to;
            const apart = a.address + a.bytes <= b.address || b.address + b.bytes <= a.address;
            expect(together && !apart).toBe(false);
          }
      }),
      { numRuns: 300, seed: 5 },
    );
  });

  it('is as small as the largest live set also where the largest first would leave a hole', () => {
    const lives = [
      { size: 96, from: 5, to: 6 },
      { size: 80, from: 2, to: 5 },
      { size: 64, from: 1, to: 3 },
      { size: 48, from: 1, to: 4 },
      { size: 64, from: 4, to: 7 },
    ].map(({ size, ...life }) => ({ node: makeInput('v', 'input', [size], 'f32'), ...life, over: null }));
    const { peak, lowerBound } = placeArena(lives);
    expect([peak, lowerBound]).toEqual([960, 960]);
  });
});

describe.each([
  ['without', false],
  ['with', true],
])(
  'a language model with a vocabulary of 17,964 words (Bengio et al. 2003), %s direct connections',
  (_, direct) => {
    const [vocab, embed, batch] = [17_964, 60, 64];
    const { program } = namesStep({ vocab, context: 5, embed, hidden: 100, batch, direct });
    const graphs = Object.entries(program.entries).map(([entry, graph]) => [entry, optimize(graph)]);
    const plan = planMemory(scheduleAll(Object.fromEntries(graphs)), program.variables);

    it('trains in 1.3 times the memory of its parameters, the logits and their cotangent', () => {
      const parameters = program.variables.reduce((n, v) => n + 4 * numel(v.shape), 0);
      expect(sessionBytes(plan, 2)).toBeLessThan(1.3 * (parameters + 2 * 4 * batch * vocab));
    });

    it('keeps logits, exponentials and cotangent in one place, and makes no gradient of the whole table', () => {
      const { arena } = plan.entries.train;
      const wide = arena.filter((b) => b.shape.join() === `${batch},${vocab}`);
      expect(wide.length).toBeGreaterThanOrEqual(2);
      expect(new Set(wide.map((b) => b.address)).size).toBe(1);
      expect(arena.filter((b) => b.shape.join() === `${vocab},${embed}`)).toEqual([]);
    });
  },
);

describe('the print of the memory', () => {
  const normalized = trace('g', { x: f32(8, 40), a: f32(40, 40) }, ({ x, a }) => ({
    y: x.matmul(a).softmax().matmul(a),
  }));

  it('says who took over whose memory, and measures the peak by what it could be', () => {
    const text = printMemory(planMemory({ call: schedule(optimize(normalized)) }, []));
    const at = text.indexOf('  call: 3 buffers');
    expect(text.slice(at).replace(/^( {4} *)\d+ (?= *1280)/gm, '$1@ ')).toBe(
      [
        '  call: 3 buffers, 2 in the place of another',
        '         1280 bytes are used',
        '         1280 in the largest set that is alive at one time: no placing needs less',
        '         3840 in that set if no buffer took over the memory of another',
        '         3840 in all buffers together',
        '        @      1280  matmul: f32[8,40]  kernels 0 to 1',
        '        @      1280  exp: f32[8,40]     kernel 1, takes over matmul',
        '        @      1280  div: f32[8,40]     kernels 1 to 2, takes over exp',
        '',
      ].join('\n'),
    );
  });

  it('says what lies between buffers, and where there is no arena', () => {
    const holes = { peak: 1024, lowerBound: 960, withoutTakeOver: 960, unshared: 2048 };
    const plan = planMemory({ call: schedule(optimize(normalized)), none: schedule(empty) }, []);
    const text = printMemory({
      ...plan,
      entries: { ...plan.entries, call: { ...plan.entries.call, ...holes } },
    });
    expect(text).toContain('1024 bytes are used (64 lie between buffers)\n');
    expect(text).toContain('  none: nothing in the arena\n');
  });
});

const empty = trace('none', { x: f32(2) }, ({ x }) => ({ y: x.neg() }));

describe('behind the last buffer', () => {
  it('lies slack that a vector may be read from, though the arena ends where a page does', () => {
    // From one element to some pages of them, so that ends of every kind are met.
    for (let size = 1; size <= 2 ** 16; size = size < 64 ? size + 1 : size * 2) {
      const graph = trace('end', { x: f32(size), w: f32(1, 1) }, ({ x, w }) => ({
        y: x.reshape([size, 1]).matmul(w).square().matmul(w),
      }));
      const plan = planMemory({ call: schedule(optimize(graph)) }, []);
      const { inputs, outputs, arena } = plan.entries.call;
      const last = Math.max(...[...inputs, ...outputs, ...arena].map((b) => b.address + b.bytes));
      expect(arena.length).toBeGreaterThan(0);
      expect(plan.end - last).toBeGreaterThanOrEqual(SLACK);
    }
  });

  it("and lies behind the threads' scratch", () => {
    const layout = { variables: [], constants: [], entries: {} };
    for (const threadScratch of [0, 64, 192]) {
      for (const threads of [1, 2, 64]) {
        const end = align(FIRST_REGION + 65536);
        const bytes = sessionBytes({ ...layout, end, threadScratch }, threads);
        expect(bytes - (end + threads * threadScratch)).toBeGreaterThanOrEqual(SLACK);
        expect(bytes).toBe(align(bytes));
      }
    }
  });
});

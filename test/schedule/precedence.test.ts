import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Precedence } from '../../src/schedule/precedence.js';

const ITEMS = 12;
const pairs = fc.array(fc.tuple(fc.nat(ITEMS - 1), fc.nat(ITEMS - 1)), { maxLength: 40 });
const items = [...new Array(ITEMS).keys()];

/** Whether `from` waits for `target`, found by walking all that is waited for. */
function walks(waits: ReadonlyMap<number, ReadonlySet<number>>, from: number, target: number): boolean {
  const seen = new Set([from]);
  for (const item of seen) for (const next of waits.get(item)!) seen.add(next);
  return seen.has(target);
}

describe('what waits for what', () => {
  it('is known as links come and go, in any order', () => {
    fc.assert(
      fc.property(pairs, pairs, pairs, (first, more, gone) => {
        const waits = new Map(items.map((i) => [i, new Set<number>()]));
        const link = ([a, b]: [number, number]) => {
          if (a === b || walks(waits, b, a)) return false;
          waits.get(a)!.add(b);
          return true;
        };
        first.forEach(link);
        const order = new Precedence(new Map([...waits].map(([i, before]) => [i, [...before]])));
        for (const [a, b] of more) if (link([a, b])) order.link(a, b);
        for (const [a, b] of gone) {
          if (!waits.get(a)!.delete(b)) continue;
          order.unlink(a, b);
        }
        for (const [a, b] of [...gone].reverse()) if (link([a, b])) order.link(a, b);
        for (const a of items) {
          expect(order.before(a)).toEqual(waits.get(a));
          for (const b of items) {
            expect(order.reaches([a], b)).toBe(walks(waits, a, b));
            // What may be more than is looked at counts as reached, what is reached always does.
            if (walks(waits, a, b)) expect(order.mayReach([a], b, undefined, 1)).toBe(true);
            if (a !== b) expect(order.mayReach([a], b, undefined, 2 * ITEMS)).toBe(walks(waits, a, b));
          }
        }
      }),
      { numRuns: 500, seed: 1 },
    );
  });

  it('does not go through what is left out', () => {
    const order = new Precedence(
      new Map([
        [2, [1]],
        [1, [0]],
        [0, []],
      ]),
    );
    expect(order.reaches([2], 0)).toBe(true);
    expect(order.reaches([2], 0, 1)).toBe(false);
  });

  it('cannot be a circle', () => {
    const circle = new Map([
      [0, [1]],
      [1, [0]],
    ]);
    expect(() => new Precedence(circle)).toThrow(/wait for each other/);
    const order = new Precedence(new Map([[0, []] as [number, number[]], [1, [0]]]));
    expect(() => order.link(0, 1)).toThrow(/wait for each other/);
  });
});

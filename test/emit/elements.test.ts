import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Elements, rangesOf } from '../../src/emit/elements.js';
import { elementsOf } from '../../src/emit/touched.js';
import type { Node } from '../../src/graph/graph.js';
import { f32, trace } from '../../src/index.js';
import type { Region } from '../../src/kernels/regions.js';
import { overlap } from '../../src/plan/places.js';
import { contiguousStrides, numel } from '../../src/shape.js';

interface Placed {
  readonly region: Region;
  readonly address: number;
}

/** A block of a tensor whose axes were permuted, every so many elements of each axis. */
const region: fc.Arbitrary<Placed> = fc
  .array(
    fc.record({
      start: fc.nat(2),
      size: fc.integer({ min: 1, max: 4 }),
      step: fc.integer({ min: 1, max: 3 }),
    }),
    {
      maxLength: 3,
    },
  )
  .chain((axes) =>
    fc.record({
      axes: fc.constant(axes),
      rest: fc.array(fc.nat(2), { minLength: axes.length, maxLength: axes.length }),
      order: fc.shuffledSubarray(
        axes.map((_, i) => i),
        { minLength: axes.length, maxLength: axes.length },
      ),
      address: fc.nat(6),
    }),
  )
  .map(({ axes, rest, order, address }) => {
    const shape = axes.map(({ start, size, step }, i) => start + (size - 1) * step + 1 + rest[i]);
    const whole = trace('whole', { x: f32(...shape) }, ({ x }) => ({ y: x })).inputs[0] as Node;
    const own = contiguousStrides(shape);
    const offset = axes.reduce((sum, { start }, i) => sum + start * own[i], 0);
    const sizes = order.map((i) => axes[i].size);
    const strides = order.map((i) => axes[i].step * own[i]);
    return { region: { whole, sizes, strides, offset }, address: 64 * 4 + 16 * address };
  });

function elements({ region, address }: Placed): Elements {
  return elementsOf(region, { address: new Map([[region.whole, address]]) });
}

/** Every element by itself. */
function naive({ region: { sizes, strides, offset }, address }: Placed): Set<number> {
  const all = sizes.reduce(
    (list, size, axis) =>
      list.flatMap((at) => Array.from({ length: size }, (_, i) => at + i * strides[axis])),
    [address / 4 + offset],
  );
  return new Set(all);
}

it('sets of elements have a number in common exactly where they have an element', () => {
  const seen = { apart: 0, within: 0, met: 0 };
  fc.assert(
    fc.property(fc.array(region, { minLength: 2, maxLength: 8 }), (regions) => {
      const sets = regions.map(elements);
      const ranges = rangesOf(sets);
      const bytes = regions.map(naive);
      sets.forEach((a, i) => {
        expect(numel(a.sizes) * a.length).toBe(bytes[i].size);
        sets.forEach((b, j) => {
          const common = [...bytes[i]].some((element) => bytes[j].has(element));
          expect(overlap(ranges.get(a)!, ranges.get(b)!)).toBe(common);
          if (common) seen.met++;
          else if (Math.max(...bytes[i]) > Math.min(...bytes[j]) && i < j) seen.within++;
          else seen.apart++;
        });
      });
    }),
    { numRuns: 300 },
  );
  expect(Math.min(...Object.values(seen))).toBeGreaterThan(100);
});

/** Each of so many sets has every n-th run of so many elements. */
const columns = (count: number, rows: number, length: number): Elements[] =>
  Array.from({ length: count }, (_, i) => ({
    first: i * length,
    length,
    sizes: [rows],
    strides: [count * length],
  }));

it('a column of many has one range, and so has all that they lie in', () => {
  const sets = [...columns(500, 200, 3), { first: 0, length: 300_000, sizes: [], strides: [] }];
  const ranges = rangesOf(sets);
  expect(new Set(sets.map((set) => ranges.get(set)!.length))).toEqual(new Set([1]));
  const [[from, to]] = ranges.get(sets[500])!;
  expect(to - from).toBe(501);
});

it('where the runs are too many to tell apart, sets count as all between their ends', () => {
  const sets = [...columns(2, 600_000, 1), ...columns(4, 10, 1)];
  const ranges = rangesOf(sets);
  const met = (i: number, j: number) => overlap(ranges.get(sets[i])!, ranges.get(sets[j])!);
  expect(met(2, 3)).toBe(false);
  expect(met(2, 2)).toBe(true);
  expect(met(0, 1)).toBe(true);
  expect(met(1, 2)).toBe(true);
});

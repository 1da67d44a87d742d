import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeInput } from '../../src/graph/graph.js';
import type { Box } from '../../src/kernels/kernel.js';
import { ownRegion, type Region, regionFor, regionOver, within } from '../../src/kernels/regions.js';
import { around } from '../../src/schedule/boxes.js';
import { contiguousStrides, numel, type Shape } from '../../src/shape.js';

const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
const node = (shape: Shape) => makeInput('v', 'input', shape, 'f32');

/** Places of all elements over a shape, in row-major order. */
function places(shape: Shape, strides: readonly number[], offset: number): number[] {
  return shape.reduce(
    (list, size, axis) =>
      list.flatMap((at) => Array.from({ length: size }, (_, i) => at + i * strides[axis])),
    [offset],
  );
}

const elements = ({ sizes, strides, offset }: Region) => places(sizes, strides, offset);

/** A region with gaps, of a value of this shape. */
function apart(shape: Shape, gap: number): Region {
  let stride = 1;
  const strides = [...shape]
    .reverse()
    .map((size) => {
      const own = stride;
      stride = stride * size + gap;
      return own;
    })
    .reverse();
  return { whole: node([stride]), sizes: shape, strides, offset: gap };
}

describe('a value that lies in the memory of another', () => {
  it('is read where its elements are, or not at all', () => {
    let read = 0;
    const strides = fc.array(fc.nat(6), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(shapes, shapes, strides, fc.nat(4), fc.nat(2), (shape, domain, steps, offset, gap) => {
        const view = { strides: steps.slice(0, domain.length), offset };
        const wanted = places(domain, view.strides, offset);
        fc.pre(Math.max(...wanted) < numel(shape));
        const region = apart(shape, gap);
        const inside = within(view, domain, region);
        if (!inside) return;
        read++;
        const lies = elements(region);
        expect(places(domain, inside.strides, inside.offset)).toEqual(wanted.map((i) => lies[i]));
      }),
      { numRuns: 3000, seed: 1 },
    );
    expect(read).toBeGreaterThan(500);
  });

  it('is read through every view that does not run on from row to row', () => {
    fc.assert(
      fc.property(shapes, fc.nat(2), (shape, gap) => {
        const view = { strides: contiguousStrides(shape), offset: 0 };
        expect(within(view, shape, apart(shape, gap))).not.toBeNull();
      }),
    );
    const region = apart([4, 6], 1);
    expect(within({ strides: [1], offset: 0 }, [24], region)).toBeNull();
    expect(within({ strides: [1], offset: 4 }, [3], region)).toBeNull();
    expect(within({ strides: [2], offset: 7 }, [3], region)).toMatchObject({ strides: [2], offset: 9 });
  });

  it('has the elements of a read in the places of the target, whatever the order of the axes', () => {
    fc.assert(
      fc.property(shapes, fc.nat(), fc.nat(2), (shape, turn, gap) => {
        const axes = [...shape.keys()].sort((a, b) => ((a * 7 + turn) % 5) - ((b * 7 + turn) % 5) || a - b);
        const own = contiguousStrides(shape);
        const turned = axes.map((axis) => shape[axis]);
        const read = { source: node(shape), offset: 0, strides: axes.map((axis) => own[axis]) };
        const target = apart(turned, gap);
        const region = regionFor(read, turned, target)!;
        const lies = elements(region);
        expect(places(turned, read.strides, 0).map((i) => lies[i])).toEqual(elements(target));
        expect(regionOver(ownRegion(node(shape)), shape)!.offset).toBe(0);
      }),
    );
  });

  it('has no place where a read repeats or leaves out elements', () => {
    const target = ownRegion(node([4, 4]));
    expect(regionFor({ source: node([4]), offset: 0, strides: [0, 1] }, [4, 4], target)).toBeNull();
    expect(regionFor({ source: node([8]), offset: 0, strides: [1] }, [4], target)).toBeNull();
    expect(regionFor({ source: node([4]), offset: 1, strides: [1] }, [3], target)).toBeNull();
  });
});

it('blocks around others are all that those leave, once', () => {
  const box = fc.record({
    starts: fc.array(fc.nat(3), { minLength: 3, maxLength: 3 }),
    shape: fc.constant([2, 1, 2]),
  });
  const cells = ({ starts, shape }: Box) =>
    places(
      shape,
      [1, 10, 100],
      starts.reduce((at, s, axis) => at + s * 10 ** axis, 0),
    );
  fc.assert(
    fc.property(fc.array(box, { maxLength: 3 }), (boxes) => {
      const taken = boxes.map((b) =>
        cells({ ...b, starts: b.starts.map((s, i) => Math.min(s, 4 - b.shape[i])) }),
      );
      const inside = boxes.map((b) => ({
        ...b,
        starts: b.starts.map((s, i) => Math.min(s, 4 - b.shape[i])),
      }));
      const left = around({ starts: [0, 0, 0], shape: [4, 4, 4] }, inside).flatMap(cells);
      expect(new Set(left).size).toBe(left.length);
      const all = new Set([...left, ...taken.flat()]);
      expect(all.size).toBe(64);
      expect(left.some((at) => taken.flat().includes(at))).toBe(false);
    }),
  );
});

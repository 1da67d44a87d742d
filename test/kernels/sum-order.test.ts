import { describe, expect, it } from 'vitest';
import { f32, type Tensor, trace } from '../../src/index.js';
import { cutOf, passes, productCut, stepsOf } from '../../src/kernels/sum-order.js';
import { optimize } from '../../src/optimize/index.js';
import { printSchedule } from '../../src/schedule/print.js';
import { schedule } from '../../src/schedule/schedule.js';
import type { Shape } from '../../src/shape.js';

/** What the kernels of a function of x and b fuse, one line each, and the schedule as text. */
function kernels(x: Shape, b: Shape, f: (given: { x: Tensor; b: Tensor }) => Tensor) {
  const graph = trace('sums', { x: f32(...x), b: f32(...b) }, (given) => ({
    y: f(given as { x: Tensor; b: Tensor }),
  }));
  const text = printSchedule(schedule(optimize(graph)));
  return { text, fused: [...text.matchAll(/fuses {2}(.*)/g)].map((match) => match[1]) };
}

const summed = ({ x, b }: { x: Tensor; b: Tensor }) => x.mul(b).tanh().sum();

describe('the order of a sum', () => {
  it('counts steps of sixteen along runs, and elements where each lane has its own sum', () => {
    const steps = (domain: Shape, axes: readonly number[]) =>
      stepsOf({ domain, reduced: domain.map((_, axis) => axes.includes(axis)) });
    expect(steps([40, 27], [0, 1])).toBe(68);
    expect(steps([40, 27], [1])).toBe(2);
    expect(steps([40, 27], [0])).toBe(40);
    expect(steps([40, 27, 1], [0, 2])).toBe(40);
    expect(steps([4, 3, 20], [0, 2])).toBe(8);
    expect(steps([4, 0], [1])).toBe(0);
    expect(steps([4, 0], [0])).toBe(4);
  });

  it('is that of parts where a reduction to few values is long, by its shape alone', () => {
    const loops = (domain: Shape, axes: readonly number[]) => ({
      domain,
      reduced: domain.map((_, axis) => axes.includes(axis)),
    });
    const cut = (domain: Shape, axes: readonly number[]) => {
      const found = cutOf(loops(domain, axes));
      return found && { ...found, each: stepsOf(loops(domain, axes)) };
    };
    expect(cut([32_767], [0])).toBe(null);
    expect(cut([40_000], [0])).toEqual({ axes: [0], steps: 2500, length: 1250, parts: 2, each: 1250 });
    expect(cut([10_000_000], [0])).toMatchObject({ steps: 625_000, parts: 16 });
    // Axes that neighbour count as one, those of one element not at all.
    expect(cut([200, 1, 200], [0, 2])).toMatchObject({ axes: [0, 2], steps: 2500, parts: 2 });
    expect(cut([1, 100_000, 1, 16], [1])).toMatchObject({ axes: [1], steps: 100_000, parts: 16 });
    expect(cut([100, 1000, 16], [0, 1])).toMatchObject({ axes: [0, 1], steps: 100_000, parts: 16 });
    // The longest of several is cut.
    expect(cut([3, 2, 400_000], [0, 2])).toMatchObject({
      axes: [2],
      steps: 25_000,
      parts: 16,
      each: 3 * 1563,
    });
    expect(cut([400_000, 2, 3], [0, 2])).toMatchObject({ axes: [0], steps: 400_000, each: 25_000 });
    // Results enough to share.
    expect(cut([100_000, 128], [0])).toBe(null);
    expect(cut([64, 17_964], [1])).toBe(null);
    expect(cut([10_000_000], [])).toBe(null);
    expect(cut([10_000_000, 0], [0])).toBe(null);
    // What comes out of parts is short.
    expect(cut([7, 9, 16], [2])).toBe(null);
  });

  it('is that of parts of k in a long product of few elements', () => {
    expect(productCut(64, 100, 17_964)).toEqual({ length: 1536, parts: 12 });
    expect(productCut(64, 100, 4000)).toBe(null);
    expect(productCut(10, 10, 1000)).toBe(null);
    expect(productCut(0, 10, 1_000_000)).toBe(null);
    expect(productCut(1, 1, 1_000_003)).toEqual({ length: 250_001, parts: 4 });
    expect(productCut(10, 10, 100_000)).toEqual({ length: 6250, parts: 16 });
    expect(productCut(10, 10, 10_000_000)).toMatchObject({ parts: 16 });
  });

  it('is kept by reads that pass the innermost axes as one, or in whole steps', () => {
    const kept = (domain: Shape, strides: readonly number[]) =>
      passes({ domain, reduced: domain.map(() => true) }, [{ source: null as never, offset: 0, strides }]);
    expect(kept([40, 27], [27, 1])).toBe(true);
    expect(kept([40, 27], [0, 1])).toBe(false);
    expect(kept([40, 27], [1, 40])).toBe(false);
    expect(kept([40, 32], [0, 1])).toBe(true);
    expect(kept([5, 4, 12], [48, 12, 1])).toBe(true);
    expect(kept([5, 4, 12], [50, 12, 1])).toBe(true);
    expect(kept([5, 4, 12], [48, 13, 1])).toBe(false);
  });

  it('keeps out what would read the elements in another one', () => {
    const apart = kernels([40, 27], [27], summed);
    expect(apart.fused).toEqual(['mul, tanh', 'sum (reduce)']);
    expect(apart.text).toMatch(
      /tanh f32\[40,27\] .*-> sum .*: its elements would be summed in another order/,
    );
    expect(kernels([40, 48], [48], summed).fused).toEqual(['mul, tanh, sum (reduce)']);
    expect(kernels([40, 27], [40, 27], summed).fused).toEqual(['mul, tanh, sum (reduce)']);
    // Rows of their own, and maxima, are the same either way.
    const rows = kernels([40, 27], [27], ({ x, b }) => x.mul(b).tanh().sum(1));
    expect(rows.fused).toEqual(['mul, tanh, sum (reduce)']);
    const most = kernels([40, 27], [27], ({ x, b }) => x.mul(b).tanh().max());
    expect(most.fused).toEqual(['mul, tanh, max (reduce)']);
  });

  it('is made by a copy of an operand that lies otherwise', () => {
    const whole = ({ x }: { x: Tensor }) => x.transpose().sum();
    expect(kernels([40, 27], [1], whole).fused).toEqual(['contiguous', 'sum (reduce)']);
    expect(kernels([40, 27], [1], ({ x }) => x.transpose().sum(1)).fused).toEqual(['sum (reduce)']);
  });
});

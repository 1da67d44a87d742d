import { describe, expect, it } from 'vitest';
import { f32, type Tensor, trace } from '../../src/index.js';
import { optimize } from '../../src/optimize/index.js';
import { printSchedule } from '../../src/schedule/print.js';
import { schedule } from '../../src/schedule/schedule.js';
import { passes, stepsOf } from '../../src/schedule/sum-order.js';
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

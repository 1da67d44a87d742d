import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { f32, trace } from '../../src/index.js';
import type { GemmKernel } from '../../src/kernels/kernel.js';
import { scratchOf, type Tiling } from '../../src/kernels/tiling.js';
import { optimize } from '../../src/optimize/index.js';
import { schedule } from '../../src/schedule/schedule.js';

function tilingFor(m: number, n: number, k: number, transposed = ''): Tiling {
  const [ta, tb] = [transposed.includes('a'), transposed.includes('b')];
  const types = { a: ta ? f32(k, m) : f32(m, k), b: tb ? f32(n, k) : f32(k, n) };
  const graph = trace('product', types, ({ a, b }) => ({
    c: (ta ? a.transpose() : a).matmul(tb ? b.transpose() : b),
  }));
  const [kernel] = schedule(optimize(graph)).kernels;
  return (kernel as GemmKernel).tiling;
}

const size = fc.integer({ min: 1, max: 2000 });

describe('the tiling of a product', () => {
  it('covers every column once, for any sizes, with tiles that fit the registers', () => {
    fc.assert(
      fc.property(size, size, size, (m, n, k) => {
        const { segments, kBlock, kBlocks, rowBlock } = tilingFor(m, n, k);
        let column = 0;
        for (const s of segments) {
          expect(s.column).toBe(column);
          column += 4 * s.vectors * s.count - (4 - s.lanes);
          // Sums, a row of B, a column of A and a product, in what V8 leaves of sixteen registers.
          expect(s.rows * s.vectors + s.vectors + s.rows + 1).toBeLessThanOrEqual(s.rows === 1 ? 16 : 15);
          if (s.lanes < 4) expect(s.count).toBe(1);
        }
        expect(column).toBe(n);
        expect(kBlock * kBlocks).toBeGreaterThanOrEqual(k);
        expect(kBlock * (kBlocks - 1)).toBeLessThan(k);
        expect(rowBlock).toBeGreaterThanOrEqual(1);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it('keeps a thread to less than a megabyte of scratch', () => {
    fc.assert(
      fc.property(size, size, size, fc.constantFrom('', 'a', 'b', 'ab'), (m, n, k, transposed) => {
        expect(scratchOf(tilingFor(m, n, k, transposed)).bytes).toBeLessThan(2 ** 20);
      }),
      { seed: 2, numRuns: 200 },
    );
  });

  it('transposes a right operand by panel where its columns lie apart, and copies one that would crowd the cache', () => {
    expect(tilingFor(32, 100, 27).packB).toBe('no');
    expect(tilingFor(32, 100, 27, 'b').packB).toBe('turned');
    expect(tilingFor(512, 512, 512).packB).toBe('copy');
    expect(tilingFor(784, 512, 128, 'a').packA).toBe(true);
  });

  it('lets rows of tiles pass several panels where rows of the result do not start on a vector', () => {
    expect(tilingFor(783, 509, 125, 'a').group).toBeGreaterThan(1);
    expect(tilingFor(784, 512, 128, 'a').group).toBe(1);
    expect(tilingFor(64, 61, 8000).group).toBe(1);
    // Scratch for panels that there are not would be wasted.
    expect(tilingFor(100, 27, 32, 'b').group).toBeLessThanOrEqual(3);
  });

  it('copies several panels at a time where the rows of B lie on pages of their own', () => {
    expect(tilingFor(64, 17_964, 100).together).toBe(10);
    expect(tilingFor(64, 1020, 100).together).toBe(1);
    expect(tilingFor(64, 17_961, 100).together).toBe(1);
    // No more than there are side by side.
    expect(tilingFor(64, 1024, 8).together).toBeLessThanOrEqual(16);
    expect(tilingFor(4, 17_964, 100).together).toBe(1);
  });

  it('cuts k where a panel would not stay in the first-level cache', () => {
    expect(tilingFor(64, 64, 300)).toMatchObject({ kBlocks: 1, epilogue: 'registers' });
    expect(tilingFor(64, 64, 5000).kBlocks).toBeGreaterThan(8);
    expect(tilingFor(64, 64, 5000).epilogue).toBe('memory');
  });
});

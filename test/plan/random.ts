import fc from 'fast-check';
import type { Graph } from '../../src/graph/graph.js';
import { f32, type Tensor, trace } from '../../src/index.js';

export interface ArenaGraph {
  readonly graph: Graph;
  readonly inputs: Record<string, number[]>;
}

/**
 * Graphs whose values meet in memory: products, whose operands no kernel can keep to itself, between elementwise
 * chains and normalizations of several stages, with values that are read again much later. The data are small
 * whole numbers, so that the reference is exact.
 */
export function arenaGraph(): fc.Arbitrary<ArenaGraph> {
  const size = fc.constantFrom(1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 33);
  const step = fc.record({ kind: fc.nat(12), a: fc.nat(), b: fc.nat(), c: fc.nat() });
  return fc
    .record({
      rows: size,
      columns: size,
      steps: fc.array(step, { minLength: 3, maxLength: 18 }),
      values: fc.infiniteStream(fc.integer({ min: -2, max: 2 })),
    })
    .map(({ rows: m, columns: n, steps, values }) => {
      const types = { x: f32(m, n), z: f32(m, n), w: f32(n, n), row: f32(n), column: f32(m, 1) };
      const graph = trace('arena', types, ({ x, z, w, row, column }) => {
        const pool: Tensor[] = [x, z];
        for (const { kind, a, b, c } of steps) {
          // Mostly what is new, sometimes what has long been there.
          const pick = (i: number) =>
            pool[pool.length - 1 - (i % (i % 3 ? Math.min(3, pool.length) : pool.length))];
          pool.push(next(kind, pick(a), pick(b), pick(c), { w, row, column }));
        }
        const [last, before] = [pool[pool.length - 1], pool[Math.floor(pool.length / 2)]];
        return { y: last, total: before.max() };
      });
      const fill = (count: number) => Array.from({ length: count }, () => values.next().value as number);
      const inputs = {
        ...{ x: fill(m * n), z: fill(m * n), row: fill(n), column: fill(m) },
        // Each row has one number, so that products do not grow.
        w: Array.from({ length: n * n }, (_, i) =>
          i % n === (3 * Math.floor(i / n) + 1) % n ? 1 - 2 * (i % 2) : 0,
        ),
      };
      return { graph, inputs };
    });
}

type Fixed = Record<'w' | 'row' | 'column', Tensor>;

function next(kind: number, a: Tensor, b: Tensor, c: Tensor, { w, row, column }: Fixed): Tensor {
  switch (kind) {
    case 0:
    case 1:
      return a.matmul(w);
    case 2:
      return a.matmul(w).add(b);
    case 3:
      return a.matmul(w).sub(row).maximum(b);
    case 4:
      return a.matmul(w.transpose()).relu().sub(b);
    case 5:
      return a.sub(a.max(1, { keepDims: true })).add(b);
    case 6:
      return a.sub(a.max(0, { keepDims: true })).minimum(column);
    case 7: {
      // Two stages that both read a, and a third that reads b.
      const shifted = a.sub(a.max(1, { keepDims: true }));
      return shifted.maximum(shifted.max(1, { keepDims: true }).sub(row)).add(b);
    }
    case 8:
      return a.greater(b).where(c, a.neg());
    case 9:
      return a.add(b).mul(0.5).sub(c);
    case 10:
      return a.sub(row).add(column);
    case 11:
      return a.abs().sub(b);
    default:
      return a.matmul(w).sub(a.shape[0] === a.shape[1] ? b.transpose() : b.max(1, { keepDims: true }));
  }
}

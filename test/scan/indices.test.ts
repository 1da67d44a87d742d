import { describe, expect, it } from 'vitest';
import { indexBounds, openIndices } from '../../src/graph/indices.js';
import { compileFunction, f32, gather, i32, scan, type Tensor, tensor, trace } from '../../src/index.js';
import { guardIndices } from '../../src/optimize/guard-indices.js';

const lookUp = (ids: (x: Tensor) => Tensor, reverse = false) =>
  trace('look up', { x: f32(3, 2, 4), table: f32(5, 4) }, ({ x, table }) => {
    const { carry, outputs } = scan(
      (sum: Tensor, rows: Tensor) => {
        const inner = scan(
          (sum: Tensor, row: Tensor) => ({ carry: sum.add(gather(table, ids(row.sum()))), outputs: row }),
          { carry: sum, inputs: rows },
        );
        return { carry: inner.carry, outputs: inner.outputs };
      },
      { carry: tensor([0, 0, 0, 0]), inputs: x, reverse },
    );
    return { sum: carry, rows: outputs as Tensor };
  });

describe('indices in the steps of a scan', () => {
  it('are checked as data where steps walk along them, be they turned or cut on the way', () => {
    const graph = trace(
      'f',
      { ids: i32(2, 6, 3), same: i32(4), table: f32(7, 2) },
      ({ ids, same, table }) => {
        const { outputs } = scan(
          (c: Tensor, pair: Tensor) => {
            const halves = [0, 1].map((at) => pair.slice([at, 0], [1, 3]).reshape([3]));
            const [a, b] = halves.map((half) => gather(table, half));
            return { carry: c, outputs: a.add(b).sum().add(gather(table, same).sum()).add(c) };
          },
          { carry: tensor(0), inputs: ids.transpose([1, 0, 2]) },
        );
        return { y: outputs as Tensor };
      },
    );
    expect([...indexBounds(graph)].map(([name, { size }]) => [name, size])).toEqual([
      ['ids', 7],
      ['same', 7],
    ]);
    expect(openIndices(graph)).toEqual([]);
    expect(guardIndices(graph).graph).toBe(graph);
  });

  it('are proven where what is carried stays within bounds', () => {
    const graph = trace('f', { x: f32(9), table: f32(4) }, ({ x, table }) => ({
      y: scan(
        (n: Tensor, v: Tensor) => ({
          carry: n.maximum(v.cast('i32')).minimum(tensor(3, { dtype: 'i32' })),
          outputs: gather(table, n).mul(v),
        }),
        { carry: tensor(0, { dtype: 'i32' }), inputs: x },
      ).outputs as Tensor,
    }));
    // From 0 to 3; but the first value alone is no bound of the others.
    expect(openIndices(graph)).toHaveLength(1);
    const flags = trace('f', { x: f32(9), table: f32(2) }, ({ x, table }) => ({
      y: scan((on: Tensor, v: Tensor) => ({ carry: v.greater(0), outputs: gather(table, on.cast('i32')) }), {
        carry: tensor(0).greater(1),
        inputs: x,
      }).outputs as Tensor,
    }));
    expect(openIndices(flags)).toEqual([]);
  });

  it.each([false, true])(
    'are looked at in a scan in a scan, which stay loops (from the end: %s)',
    async (reverse) => {
      const compiled = await compileFunction(lookUp((v) => v.cast('i32'), reverse));
      const { call } = compiled.module.schedules;
      expect(call.kernels.map(({ kind }) => kind)).toContain('loop');
      const table = Float32Array.from({ length: 20 }, (_, i) => i);
      const x = new Float32Array(24);
      x[9] = 2;
      x[20] = 4;
      expect(compiled.call({ x, table }).sum).toEqual(Float32Array.from([0, 1, 2, 3], (v) => 24 + 6 * v));
      x[13] = 5;
      expect(() => compiled.call({ x, table })).toThrow(/index 5 .*indices\.test\.ts:11/s);
      x[13] = -1;
      expect(() => compiled.call({ x, table })).toThrow(/index -1 /);
      x[13] = 0;
      expect(compiled.call({ x, table }).rows).toEqual(x);
      await compiled.close();
    },
  );
});

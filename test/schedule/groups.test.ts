import { describe, expect, it } from 'vitest';
import { buildGolden } from '../../bench/golden/model.js';
import { isBare, select } from '../../bench/workloads.js';
import { parseGraph } from '../../src/graph/parse.js';
import { costOf } from '../../src/kernels/cost.js';
import type { Schedule } from '../../src/kernels/kernel.js';
import { productCut } from '../../src/kernels/sum-order.js';
import { optimize } from '../../src/optimize/index.js';
import { keepApart, type Walk } from '../../src/schedule/along.js';
import { schedule } from '../../src/schedule/schedule.js';
import '../../src/index.js';

/** The kernels of each group, by name. */
function groupsOf({ groups, kernels }: Schedule): string[][] {
  return groups.map(({ from, to }) => kernels.slice(from, to + 1).map(({ name }) => name));
}

function workload(name: string) {
  const { config } = select([name])[0];
  if (isBare(config)) throw new Error('a product has no step');
  return optimize(buildGolden(config).step.program.entries.train);
}

describe('groups', () => {
  it('are found behind a classifier of many words: its gradients to the layer below, to weights and to the bias', () => {
    const made = schedule(workload('W3'));
    expect(groupsOf(made)).toEqual([
      ['gemm_nt_12x64x100x1536', 'gemm_tn_100x17964x64_mul_sub', 'reduce_64x17964_sum_mul_sub'],
    ]);
    expect(made.groups[0]).toMatchObject({ size: 17_964, tile: 1536 });
  });

  it('are found whatever the sizes are: with rows that straddle lines, and with two matrices of words', () => {
    expect(groupsOf(schedule(workload('W3-odd'))).map((group) => group.length)).toEqual([3]);
    expect(groupsOf(schedule(workload('W3-direct'))).map((group) => group.length)).toEqual([5]);
  });

  it('are left out with their pass, and where all values stay in the cache', () => {
    expect(schedule(workload('W3'), { without: ['group'] }).groups).toEqual([]);
    for (const name of ['W1', 'W2', 'W4']) expect(schedule(workload(name)).groups).toEqual([]);
  });

  it('let what they touch live as long as they run, however they are ordered', () => {
    const [made, plain] = [{}, { without: ['group'] }].map((options) =>
      schedule(workload('W3-direct'), options),
    );
    for (const { from, to } of made.groups) {
      const touched = made.kernels
        .slice(from, to + 1)
        .flatMap((kernel) => [...kernel.loads, ...kernel.stores]);
      for (const life of made.lives.filter(({ node }) => touched.includes(node))) {
        expect(life.from).toBeLessThanOrEqual(from);
        expect(life.to).toBeGreaterThanOrEqual(to);
      }
    }
    expect(new Set(made.kernels.map(({ name }) => name))).toEqual(
      new Set(plain.kernels.map(({ name }) => name)),
    );
  });

  it('have no kernel that reads elsewhere what another of them overwrites', () => {
    const graph = (axis: number) =>
      parseGraph(`graph g(x: f32[16,96], d: f32[16,96]) {
        %0 = parameter "w" : f32[96,96]
        %1 = input "x" : f32[16,96]
        %2 = input "d" : f32[16,96]
        %3 = sum %0 axes=[${axis}] : ${axis ? 'f32[96,1]' : 'f32[1,96]'}
        %4 = matmul %1, %2 transposeA : f32[96,96]
        %5 = sub %0, %4 : f32[96,96]
        return y = %3
        update "w" = %5
      }`);
    const of = (axis: number) => groupsOf(schedule(graph(axis), { cacheBytes: 64 }));
    expect(of(0)).toEqual([['reduce_96x96_sum', 'gemm_tn_96x96x16_sub']]);
    expect(of(1)).toEqual([]);
  });
});

describe('walks', () => {
  const walk = (stride: number, others: Walk['others'] = [], offset = 0): Walk => ({
    node: {} as Walk['node'],
    stride,
    others,
    offset,
  });
  it.each<[string, boolean, number, Walk[]]>([
    [
      'columns of a matrix',
      true,
      96,
      [walk(1, [{ stride: 96, size: 8 }]), walk(1, [{ stride: 192, size: 2 }])],
    ],
    ['rows of a matrix', true, 8, [walk(96, [{ stride: 1, size: 96 }]), walk(96, [{ stride: 2, size: 40 }])]],
    ['columns and all', false, 96, [walk(1, [{ stride: 96, size: 8 }]), walk(0)]],
    ['columns and rows', false, 96, [walk(1), walk(96)]],
    ['rows that reach into the next', false, 8, [walk(96, [{ stride: 1, size: 97 }])]],
    ['shifted columns', false, 96, [walk(1), walk(1, [], 4)]],
    ['other rows of the same columns', true, 96, [walk(1, [{ stride: 96, size: 4 }]), walk(1, [], 192)]],
    ['columns from the end', false, 96, [walk(-1, [], 95)]],
    ['a row that goes back', false, 8, [walk(96, [{ stride: -1, size: 96 }], 768)]],
  ])('%s keep apart: %s', (_, apart, size, walks) => {
    expect(keepApart(walks, size)).toBe(apart);
  });
});

describe('a product with a long k', () => {
  it('is cut into parts by its shape, in whole panels, and counted once', () => {
    expect(productCut(64, 100, 17_964)).toEqual({ length: 1536, parts: 12 });
    expect(productCut(64, 100, 4000)).toBeNull();
    expect(productCut(1024, 1024, 1024)).toBeNull();
    expect(productCut(512, 512, 100_000)).toBeNull();
    expect(productCut(64, 100, 1_000_000)).toBeNull();
    for (const k of [12_345, 17_959, 49_999]) {
      const { length, parts } = productCut(61, 99, k)!;
      expect(length % 48).toBe(0);
      expect(parts).toBeLessThanOrEqual(23);
      expect((parts - 1) * length < k && parts * length >= k).toBe(true);
    }
    const product = schedule(workload('W3')).kernels.find(({ name }) => name.startsWith('gemm_nt_12x'))!;
    const result = 12 * 64 * 100;
    expect(costOf(product).flops).toBe(2 * 64 * 100 * 17_964 + result);
  });
});

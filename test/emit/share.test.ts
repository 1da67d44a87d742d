import { expect, it } from 'vitest';
import { uniform } from '../../bench/golden/hash.js';
import { Cells } from '../../src/emit/share.js';
import { compileFunction, f32, trace } from '../../src/index.js';
import { CONTROL_BYTES, MAX_PART_CELLS, PARTS, STATIC_BASE } from '../../src/plan/layout.js';

it('cells that count parts end where data of the module may begin', () => {
  const cells = new Cells();
  const given = Array.from({ length: MAX_PART_CELLS }, (_, i) => cells.next(`count${i}`));
  expect(given).toEqual(given.map((_, i) => PARTS + 4 * i));
  expect(given.at(-1)! + 4).toBeLessThanOrEqual(Math.min(CONTROL_BYTES, STATIC_BASE));
  expect([cells.next('more'), cells.next('and more')]).toEqual([null, null]);
  expect(cells.forget()).toHaveLength(MAX_PART_CELLS);
  expect(cells.clear()).toEqual([`memory.fill(${PARTS}, 0, ${4 * MAX_PART_CELLS});`]);
});

it('a long kernel is done in parts by any number of threads, with the same bits, time after time', async () => {
  const types = { a: f32(210, 150), b: f32(150, 310) };
  const graph = trace('long', types, ({ a, b }) => {
    const c = a.matmul(b);
    return { c, least: c.exp().sum(1).log() };
  });
  const inputs = { a: uniform(210 * 150, 1, 1), b: uniform(150 * 310, 1, 2) };
  const results: unknown[] = [];
  for (const threads of [1, 2, 3, 4]) {
    const compiled = await compileFunction(graph, { threads });
    expect(compiled.module.source.text).toContain('takePart');
    const first = compiled.call(inputs);
    compiled.load(inputs);
    compiled.run(5);
    expect(compiled.outputs()).toEqual(first);
    expect(compiled.call(inputs)).toEqual(first);
    results.push(first);
    await compiled.close();
  }
  for (const result of results) expect(result).toEqual(results[0]);
});

it('a product that packs rows of its left operand is shared by rows, so that each packs its own', async () => {
  const [m, n, k] = [701, 203, 96];
  const graph = trace('packed', { a: f32(k, m), b: f32(k, n), c: f32(m, n) }, ({ a, b, c }) => ({
    c: c.sub(a.transpose().matmul(b).mul(0.1).tanh()),
  }));
  const inputs = { a: uniform(k * m, 1, 1), b: uniform(k * n, 1, 2), c: uniform(m * n, 1, 3) };
  const results: unknown[] = [];
  for (const threads of [1, 2, 3, 4]) {
    const compiled = await compileFunction(graph, { threads, threadShare: 0 });
    expect(await compiled.module.text('schedule')).toMatch(/A copied by/);
    const [{ program }] = compiled.module.source.functions;
    expect(program.units).toBe(Math.ceil(m / 4));
    results.push(compiled.call(inputs));
    await compiled.close();
  }
  for (const result of results) expect(result).toEqual(results[0]);
});

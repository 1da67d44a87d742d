import { expect, it } from 'vitest';
import { passes } from '../../src/optimize/index.js';
import { wrongGraphs } from './compiled.js';

it('random graphs give the results of the reference, compiled and run with one thread', async () => {
  expect(await wrongGraphs({ count: 150, seed: 1, threads: 1 })).toEqual([]);
});

it('random graphs give the results of the reference, compiled and run with three threads', async () => {
  expect(await wrongGraphs({ count: 100, seed: 2, threads: 3 })).toEqual([]);
});

it.each(passes.map((pass) => pass.name))(
  'random graphs keep their results without the pass %s',
  async (pass) => {
    expect(await wrongGraphs({ count: 25, seed: 3, threads: 1, without: [pass] })).toEqual([]);
  },
);

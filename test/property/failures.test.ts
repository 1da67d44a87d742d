import { describe, expect, it } from 'vitest';
import { passes } from '../../src/optimize/index.js';
import { check, type Settings } from './check.js';
import { keptCases } from './failures.js';

describe('programs that failed once', () => {
  const kept = keptCases();
  const problems = async (settings: Settings) =>
    (await check(kept, settings)).flatMap((problem, i) => (problem ? [`${kept[i].name}: ${problem}`] : []));

  it('give the results of the reference, with the same bits for one and three threads', async () => {
    expect(kept).not.toEqual([]);
    expect(await problems({})).toEqual([]);
  });

  it('do so while memory without a live value is poisoned', async () => {
    expect(await problems({ poison: true, level: 1 })).toEqual([]);
  });

  it('do so without any optimization pass', async () => {
    expect(await problems({ without: passes.map((pass) => pass.name), level: 1 })).toEqual([]);
  });

  it.each(kept.filter((k) => k.settings.without?.length === 1))(
    'do so without the pass that hid it: $name',
    async ({ settings, ...each }) => {
      expect(await check([each], settings)).toEqual([null]);
    },
  );
});

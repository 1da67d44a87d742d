import { describe, expect, it } from 'vitest';
import { check } from './check.js';
import { keptCases } from './failures.js';

describe('programs that failed once', () => {
  const kept = keptCases();
  const all = kept.map((k) => k.case);
  const named = (problems: (string | null)[]) =>
    problems.flatMap((problem, i) => (problem ? [`${kept[i].name}: ${problem}`] : []));

  it('give the results of the reference, with the same bits for one and three threads', async () => {
    expect(kept).not.toEqual([]);
    expect(named(await check(all, {}))).toEqual([]);
  });

  it('do so while memory without a live value is poisoned', async () => {
    expect(named(await check(all, { poison: true, level: 1 }))).toEqual([]);
  });
});

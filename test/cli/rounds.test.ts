import { describe, expect, it } from 'vitest';
import { median, quantile, race, spread } from '../../src/cli/rounds.js';

/** A contestant whose every step takes so many milliseconds of a clock that is not there. */
function pretend(msPerStep: number, failAt = Number.POSITIVE_INFINITY) {
  const calls: number[] = [];
  return {
    calls,
    async take(steps: number) {
      calls.push(steps);
      if (calls.length >= failAt) throw new Error('out of order');
      return steps * msPerStep;
    },
  };
}

const timing = { rounds: 6, sampleMs: 100, budgetMs: 1000, leastRounds: 2 };

describe('contestants in rounds', () => {
  it('take as many steps as a sample lasts, one at least, and the slow ones fewer samples', async () => {
    const contestants = [0.01, 30, 250, 5000].map((ms) => pretend(ms));
    const results = await race(contestants, timing, () => {});
    expect(results.map((r) => r.samples.length)).toEqual([6, 6, 4, 2]);
    const speeds = results.map((r) => r.samples.map((s) => Number(s.toFixed(6))));
    expect(speeds.map((s) => [...new Set(s)])).toEqual([[100_000], [33.333333], [4], [0.2]]);
    expect(contestants.map(({ calls }) => calls.at(-1))).toEqual([10_000, 3, 1, 1]);
    for (const { calls } of contestants) expect(Math.min(...calls)).toBe(1);
  });

  it('one that fails drops out with its error and holds up nobody', async () => {
    const broken = pretend(50, 4);
    const [good, bad] = await race([pretend(50), broken], timing, () => {});
    expect(good).toMatchObject({ samples: Array(6).fill(20) });
    expect(bad.failure?.message).toBe('out of order');
    expect(broken.calls).toHaveLength(4);
  });
});

it('medians and quartiles lie between the values where there is no middle one', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(quantile([0, 10, 20, 30, 40], 0.25)).toBe(10);
  expect(spread([0, 10, 20, 30, 40])).toBe(0.5);
  expect(spread([7])).toBeNull();
});

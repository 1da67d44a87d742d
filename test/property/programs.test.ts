import { describe, expect, it } from 'vitest';
import { passes } from '../../src/optimize/index.js';
import type { Settings } from './check.js';
import { fuzz } from './fuzz.js';

// Three hundred random training steps, forward, backward and update, for three steps each, with one thread and with
// three, against the reference in float64. `npm run fuzz` runs more; what fails there is kept in failures/.

async function failures(count: number, seed: number, settings: Settings) {
  const tally = { close: 0, loose: 0, unknown: 0 };
  const found = await fuzz({ count, seed, settings, tally });
  const problems = found.map((f) => `npm run fuzz -- --seed ${f.seed} --count 1: ${f.problem}`);
  return { problems, tally };
}

describe('random programs give the results of the reference and the same bits for one and three threads', () => {
  it('as shipped', async () => {
    const { problems, tally } = await failures(100, 1, { level: 3 });
    expect(problems).toEqual([]);
    // Bounds that say nothing would let everything pass.
    expect(tally.close).toBeGreaterThan(0.85 * (tally.close + tally.loose + tally.unknown));
  });

  it('with memory poisoned while it holds no live value', async () => {
    expect((await failures(80, 1001, { level: 1, poison: true })).problems).toEqual([]);
  });

  it.each(passes.map((pass) => pass.name))('without the pass %s', async (name) => {
    expect((await failures(9, 2001, { level: 1, without: [name] })).problems).toEqual([]);
  });

  it('without any pass', async () => {
    const without = passes.map((pass) => pass.name);
    expect((await failures(12, 3001, { level: 1, without })).problems).toEqual([]);
  });
});

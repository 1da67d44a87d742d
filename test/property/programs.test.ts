import { describe, expect, it } from 'vitest';
import { passes } from '../../src/optimize/index.js';
import { readLibrary } from '../../src/run/node.js';
import { SCHEDULE_PASSES } from '../../src/schedule/passes.js';
import { check, type Settings } from './check.js';
import { keptCases } from './failures.js';
import { fuzz } from './fuzz.js';

// Some hundred random training steps, forward, backward and update, for three steps each, with one thread and with
// three, against the reference. `npm run fuzz` runs more; what fails there is kept in failures/. All in one
// file, so that the compiler of AssemblyScript is loaded once.

async function failures(count: number, seed: number, settings: Settings) {
  const tally = { close: 0, loose: 0, unknown: 0 };
  const found = await fuzz({ count, seed, settings, tally });
  const problems = found.map((f) => `npm run fuzz -- --seed ${f.seed} --count 1: ${f.problem}`);
  return { problems, tally };
}

describe('random programs give the results of the reference and the same bits for one and three threads', () => {
  it('as shipped', async () => {
    const { problems, tally } = await failures(16, 0, { level: 3 });
    expect(problems).toEqual([]);
    // Bounds that say nothing would let everything pass.
    expect(tally.close).toBeGreaterThan(0.85 * (tally.close + tally.loose + tally.unknown));
  });

  it('with memory poisoned while it holds no live value', async () => {
    expect((await failures(16, 100, { level: 0, poison: true })).problems).toEqual([]);
  });

  it.each(passes.map(({ name }, i) => ({ name, seed: 175 + 25 * i })))(
    'without the pass $name',
    async (pass) => {
      const settings = { level: 0, without: [pass.name] };
      expect((await failures(2, pass.seed, settings)).problems).toEqual([]);
    },
  );

  it('without any pass', async () => {
    const without = passes.map((pass) => pass.name);
    expect((await failures(6, 500, { level: 0, without })).problems).toEqual([]);
  });
});

describe('bits depend on the mathematics alone', () => {
  const ways = [
    ...SCHEDULE_PASSES.map((pass) => ({ without: [pass], threads: [1, 3] })),
    { without: SCHEDULE_PASSES, threads: [1, 2] },
    { poison: true, threads: [1] },
    { alone: true, threads: [1] },
  ];

  it('whatever part of the scheduler is left out, and whatever stands beside', async () => {
    const settings = { level: 0, threads: [1, 2, 3, 4], alike: ways };
    expect((await failures(3, 600, settings)).problems).toEqual([]);
  });
});

describe('programs that failed once', () => {
  const kept = keptCases();
  const problems = async (settings: Settings) =>
    (await check(kept, settings)).flatMap((problem, i) => (problem ? [`${kept[i].name}: ${problem}`] : []));

  it('give the results of the reference, with the same bits for one and three threads', async () => {
    expect(kept).not.toEqual([]);
    expect(await problems({})).toEqual([]);
  });

  it('do so while memory without a live value is poisoned', async () => {
    expect(await problems({ poison: true, level: 0 })).toEqual([]);
  });

  it('do so without any optimization pass', async () => {
    expect(await problems({ without: passes.map((pass) => pass.name), level: 0 })).toEqual([]);
  });

  it.each(kept.filter((k) => k.settings.without?.length === 1))(
    'do so without the pass that hid it: $name',
    async ({ settings, ...each }) => {
      expect(await check([each], settings)).toEqual([null]);
    },
  );
});

describe('the comparison', () => {
  it('finds an error of a ten-thousandth in a function, and makes the program small that shows it', async () => {
    const library = await readLibrary();
    const math = library['math.ts'].replace(
      /export function tanh4\(x: v128\): v128 \{/,
      '$& x = f32x4.mul(x, f32x4.splat(1.0001));',
    );
    expect(math).not.toBe(library['math.ts']);
    const settings = { level: 0, threads: [1], library: { ...library, 'math.ts': math } };
    const found = await fuzz({ count: 1, seed: 312, settings, shrink: 1, patience: 60 });
    expect(found).toHaveLength(1);
    const ops = found[0].smallest!.graph.nodes.map((node) => node.op.name);
    expect(ops).toContain('tanh');
    expect(ops.length).toBeLessThan(16);
    expect(found[0].smallest!.problem).toMatch(/^(output|variable) .* in step \d with 1 thread$/);
  }, 300_000);
});

import { describe, expect, it } from 'vitest';
import { runAsc } from '../../src/emit/asc.js';
import { emitModule } from '../../src/emit/module.js';
import { compileFunction, f32, trace } from '../../src/index.js';
import { optimize } from '../../src/optimize/index.js';
import { type MemoryPlan, planMemory } from '../../src/plan/plan.js';
import { CompiledEngine } from '../../src/run/engine.js';
import { readLibrary, spawnWorker } from '../../src/run/node.js';
import { schedule } from '../../src/schedule/schedule.js';

/** Products in a row, the first of which is read again by the last kernel. */
const graph = trace('late reader', { x: f32(3, 3) }, ({ x }) => {
  const first = x.matmul(x);
  const last = first.matmul(x).matmul(x).matmul(x);
  return { y: last.matmul(first) };
});
const x = [1, 2, 0, 1, 1, 0, 2, 0, 1];
const schedules = { call: schedule(optimize(graph)) };
const plan = planMemory(schedules, []);

async function run(by: MemoryPlan, poison: boolean, of = schedules) {
  const { text } = emitModule('late', of, by, { poison, threadShare: 0 });
  const wasm = await runAsc(text, await readLibrary(), { shared: true, relaxed: false, level: 1 });
  const engine = await CompiledEngine.start({
    ...{ wasm, layout: by, shared: true, threads: 1, seed: 0, initial: new Map(), spawn: spawnWorker },
  });
  const { y } = engine.invoke('call', { x });
  await engine.close();
  return y;
}

/** The plan with the life of its longest-lived buffer one kernel too short. */
function broken(): MemoryPlan {
  const { arena } = plan.entries.call;
  const lives = arena.map((b) => b.to - b.from);
  const at = lives.indexOf(Math.max(...lives));
  const shortened = arena.map((b, i) => (i === at ? { ...b, to: b.to - 1 } : b));
  return { ...plan, entries: { call: { ...plan.entries.call, arena: shortened } } };
}

describe('poisoned memory', () => {
  it('shows a buffer that is given up before its last reader has run', async () => {
    const right = await run(plan, false);
    expect(Array.from(right).every(Number.isFinite)).toBe(true);
    // Nothing else happens to lie there, so that the results alone would not tell.
    expect(await run(broken(), false)).toEqual(right);
    expect(Array.from(await run(broken(), true)).some(Number.isNaN)).toBe(true);
  });

  it('leaves the results of a right plan alone', async () => {
    expect(await run(plan, true)).toEqual(await run(plan, false));
  });

  it('leaves alone what has taken over the memory of a value that died', async () => {
    const overwriting = trace('overwriting', { x: f32(3, 3) }, ({ x }) => {
      const first = x.matmul(x).tanh();
      const last = first.matmul(x).relu().matmul(x);
      return { y: last.add(first).matmul(x) };
    });
    const own = { call: schedule(optimize(overwriting)) };
    const placed = planMemory(own, []);
    expect(placed.entries.call.arena.some((b) => b.over)).toBe(true);
    const right = await run(placed, false, own);
    expect(Array.from(right).every(Number.isFinite)).toBe(true);
    expect(await run(placed, true, own)).toEqual(right);
  });

  it('is an option of compiling, off unless asked for', async () => {
    const plain = await compileFunction(graph);
    const poisoned = await compileFunction(graph, { poison: true });
    expect(plain.module.source.text).not.toContain('function poison(');
    expect(poisoned.module.source.text).toContain('function poison(');
    expect(poisoned.call({ x })).toEqual(plain.call({ x }));
    await Promise.all([plain.close(), poisoned.close()]);
  });
});

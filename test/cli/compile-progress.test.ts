import { expect, it, vi } from 'vitest';
import { compileProgress } from '../../src/cli/compile-progress.js';
import { compileProgram, STEPS } from '../../src/emit/compile.js';
import { f32, trace } from '../../src/index.js';
import { readLibrary } from '../../src/run/node.js';

const graph = trace('small', { x: f32(3) }, ({ x }) => ({ y: x.mul(2) }));

it('a compilation tells of its steps in their order, then of its end; one from the cache tells nothing', async () => {
  const told: unknown[] = [];
  const kept = new Map<string, Uint8Array>();
  const options = {
    library: await readLibrary(),
    cache: {
      get: async (key: string) => kept.get(key),
      set: async (key: string, bytes: Uint8Array) => void kept.set(key, bytes),
    },
    progress: (now: { step: string; nodes: number } | null) => told.push(now && [now.step, now.nodes]),
  };
  const input = { name: 'small', variables: [], entries: { call: graph } };
  expect((await compileProgram(input, options)).cached).toBe(false);
  expect(told).toEqual([...STEPS.map((step) => [step, graph.nodes.length]), null]);
  expect((await compileProgram(input, options)).cached).toBe(true);
  expect(told).toHaveLength(STEPS.length + 1);
});

it('a large graph gives a line that grows with each step and the seconds that it took; a small one none', () => {
  const clock = vi.spyOn(performance, 'now');
  let text = '';
  const progress = compileProgress((more) => (text += more));
  const at = (seconds: number) => clock.mockReturnValueOnce(seconds * 1000);
  at(10);
  progress({ step: 'optimize', nodes: 4321, seconds: 0 });
  expect(text).toBe('Compiling 4,321 operations: optimize');
  at(10.4);
  progress({ step: 'schedule', nodes: 4321, seconds: 0.4 });
  expect(text).toBe('Compiling 4,321 operations: optimize 0.4 s, schedule');
  at(55.4);
  progress({ step: 'asc', nodes: 4321, seconds: 45.4 });
  at(57.4);
  progress(null);
  expect(text).toBe('Compiling 4,321 operations: optimize 0.4 s, schedule 45 s, asc 2.0 s\n');
  clock.mockRestore();
  for (const now of [{ step: 'asc', nodes: 20, seconds: 1 } as const, null]) progress(now);
  expect(text.split('\n')).toHaveLength(2);
});

import { describe, expect, it, vi } from 'vitest';
import { identical, train } from '../../bench/golden/compare.js';
import { buildGolden } from '../../bench/golden/model.js';
import { compileProgram } from '../../src/emit/compile.js';
import { readLibrary } from '../../src/run/node.js';
import { followsGoldenFiles, goldenFiles } from './suite.js';

// As users get it.
vi.unmock('../../src/emit/compile.js');

const tolerance = { loss: 1e-5, sums: 1e-4 };

type Step = ReturnType<typeof buildGolden>['step'];

/** The module of a golden file, which is compiled once for all tests. */
const moduleOf = (() => {
  const modules = new Map<string, ReturnType<Step['compileModule']>>();
  return (step: Step, name: string) => {
    const module = modules.get(name) ?? step.compileModule();
    modules.set(name, module);
    return module;
  };
})();

followsGoldenFiles({
  name: 'compiled code',
  tolerance,
  open: async (step, { name }) => step.start(await moduleOf(step, name), { threads: 1, seed: 1 }),
});

followsGoldenFiles({
  name: 'compiled code that keeps its gradients',
  transformerSteps: 0,
  options: { keepGradients: true },
  tolerance,
  open: async (step) => {
    const module = await compileProgram(step.program, { library: await readLibrary(), level: 1 });
    return step.start(module, { threads: 1, seed: 1 });
  },
});

describe('compiled code with two threads', () => {
  it.each(goldenFiles)('gives the bits of one thread on $name', async (file) => {
    const run = buildGolden(file.config);
    const module = await moduleOf(run.step, file.name);
    await using one = await run.step.start(module, { threads: 1, seed: 1 });
    await using two = await run.step.start(module, { threads: 2, seed: 1 });
    expect(two.threads).toBe(2);
    const { losses } = train(run, one, file);
    const { losses: again } = train(run, two, file);
    expect(identical({ losses, session: one }, { losses: again, session: two })).toBe(true);
  });
});

import { type CompileOptions, compileProgram } from '../../src/emit/compile.js';
import type { Graph } from '../../src/graph/graph.js';
import type { Schedule } from '../../src/kernels/kernel.js';
import type { Elements } from '../../src/ops/op.js';
import { CompiledEngine } from '../../src/run/engine.js';
import { readLibrary, spawnWorker } from '../../src/run/node.js';
import { impatient } from '../impatient.js';

/** What a graph without variables gives for these inputs, with each number of threads, and its schedule. */
export async function compiledCall(
  graph: Graph,
  inputs: Readonly<Record<string, Elements>>,
  { threads = [1], ...options }: Partial<CompileOptions> & { threads?: readonly number[] } = {},
): Promise<{ results: Record<string, Elements>[]; schedule: Schedule; text: string }> {
  const module = await compileProgram(
    { name: graph.name, variables: [], entries: { call: graph } },
    { library: impatient(await readLibrary()), threadShare: 0, level: 1, ...options },
  );
  const {
    layout,
    wasm,
    options: { shared },
  } = module;
  const results = [];
  for (const count of threads) {
    const engine = await CompiledEngine.start({
      ...{ layout, wasm, shared, threads: count, seed: 0, initial: new Map() },
      spawn: spawnWorker,
    });
    engine.load('call', inputs);
    engine.repeat('call', 1);
    results.push(engine.outputs('call'));
    await engine.close();
  }
  return { results, schedule: module.schedules.call, text: module.source.text };
}

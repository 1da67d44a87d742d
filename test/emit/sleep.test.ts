import { describe, expect, it, vi } from 'vitest';
import { compileProgram } from '../../src/emit/compile.js';
import type { Graph } from '../../src/graph/graph.js';
import { init, nn, type Tensor } from '../../src/index.js';
import { withInterpreter } from '../../src/ops/tensor.js';
import { CompiledEngine } from '../../src/run/engine.js';
import { readLibrary, spawnWorker } from '../../src/run/node.js';
import { Tracer } from '../../src/trace/tracer.js';
import { impatient } from '../impatient.js';

vi.unmock('../../src/emit/compile.js');

// What V8 11 (Node 20) compiles first loses locals of a function that waits for other threads: a loop around it ended early
// or late, and a barrier let threads through.

const SIZE = 700;

function counting(next: (counter: Tensor) => Tensor) {
  const counter = nn.state([SIZE], init.zeros);
  const tracer = new Tracer('count', true, new Map([[counter, 'counter']]));
  const graph: Graph = withInterpreter(tracer, () => {
    const moved = next(counter);
    counter.assign(moved);
    return tracer.finish({ last: moved.sum() });
  });
  return { name: 'counter', shape: counter.shape, dtype: counter.dtype, graph };
}

/** Threads that go to sleep almost at once. */
async function compiled(level: number, next: (counter: Tensor) => Tensor) {
  const { graph, ...variable } = counting(next);
  const library = await readLibrary();
  expect(impatient(library)).not.toEqual(library);
  return compileProgram(
    { name: 'count', variables: [variable], entries: { count: graph } },
    { library: impatient(library), threadShare: 0, level },
  );
}

/** Functions of a module that wait. */
const waiting = (wat: string) =>
  wat.split(/^ \(func /m).filter((text) => text.includes('memory.atomic.wait32'));

describe('a thread that sleeps', () => {
  it.each([0, 1, 2, 3])('does so in a function that has no local behind it, at level %i', async (level) => {
    for (const next of [(c: Tensor) => c.add(1), (c: Tensor) => c.exp().div(c.exp().sum()).add(c)]) {
      const found = waiting(await (await compiled(level, next)).text('wat'));
      expect(found).toHaveLength(1);
      expect(found[0]).not.toMatch(/\(local |local\.(set|tee)|\(loop/);
      expect(found[0].split('memory.atomic.wait32')).toHaveLength(2);
    }
  });

  it.each([0, 1, 3])('does what it was told just so often, at level %i', async (level) => {
    const { wasm, layout } = await compiled(level, (c) => c.add(1));
    for (let round = 0; round < 8; round++) {
      const initial = new Map([['counter', new Float32Array(SIZE)]]);
      const options = { wasm, layout, shared: true, threads: 3, seed: 0, initial, spawn: spawnWorker };
      const engine = await CompiledEngine.start(options);
      for (let calls = 1; calls <= 5; calls++) {
        engine.repeat('count', 5);
        expect(engine.read('counter')).toEqual(new Float32Array(SIZE).fill(5 * calls));
      }
      await engine.close();
    }
  });
});

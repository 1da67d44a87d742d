import { describe, expect, it } from 'vitest';
import { compileProgram } from '../../src/emit/compile.js';
import { compileFunction, f32, init, nn, trace } from '../../src/index.js';
import { withInterpreter } from '../../src/ops/tensor.js';
import { CompiledEngine } from '../../src/run/engine.js';
import { readLibrary, spawnWorker } from '../../src/run/node.js';
import { Tracer } from '../../src/trace/tracer.js';

const type = f32(2, 3);
const sumOfRows = trace('rows', { x: type }, ({ x }) => ({ sum: x.sum(1) }));
const first = { x: [1, 2, 3, 4, 5, 6] };
const second = { x: [10, 20, 30, 40, 50, 60] };

describe('a compiled function', () => {
  it('runs on the inputs loaded last, without copying them again', async () => {
    const compiled = await compileFunction(sumOfRows);
    compiled.load(first);
    compiled.run();
    expect(compiled.outputs().sum).toEqual(Float32Array.of(6, 15));
    compiled.load(second);
    expect(compiled.outputs().sum).toEqual(Float32Array.of(6, 15));
    compiled.run(3);
    expect(compiled.outputs().sum).toEqual(Float32Array.of(60, 150));
    expect(compiled.call(first).sum).toEqual(Float32Array.of(6, 15));
    await compiled.close();
  });

  it('refuses inputs of another size and a number of runs that is none', async () => {
    const compiled = await compileFunction(sumOfRows);
    expect(() => compiled.load({ x: [1, 2] })).toThrow('x: expected 6 elements for [2,3], got 2');
    for (const times of [0, -1, 1.5, Number.NaN, 2 ** 31])
      expect(() => compiled.run(times)).toThrow('a whole number from 1 to 2147483647');
    await compiled.close();
  });
});

describe('an entry run several times in one call', () => {
  it.each([1, 3])('runs just so often, by %i threads', async (threads) => {
    // Each run moves what it finds, so that runs can be counted.
    const counter = nn.state([700], init.zeros);
    const tracer = new Tracer('count', true, new Map([[counter, 'counter']]));
    const graph = withInterpreter(tracer, () => {
      const next = counter.add(1);
      counter.assign(next);
      return tracer.finish({ last: next.sum() });
    });
    const variable = { name: 'counter', shape: counter.shape, dtype: counter.dtype };
    const { wasm, layout } = await compileProgram(
      { name: 'count', variables: [variable], entries: { count: graph } },
      { library: await readLibrary(), threadShare: 0 },
    );
    const initial = new Map([['counter', new Float32Array(700)]]);
    const options = { wasm, layout, shared: true, threads, seed: 0, initial, spawn: spawnWorker };
    const engine = await CompiledEngine.start(options);
    engine.repeat('count', 5);
    expect(engine.read('counter')).toEqual(new Float32Array(700).fill(5));
    engine.repeat('count', 1);
    expect(engine.outputs('count').last).toEqual(Float32Array.of(4200));
    engine.invoke('count', {});
    expect(engine.read('counter')).toEqual(new Float32Array(700).fill(7));
    await engine.close();
  });

  it.each([0, 1.5, 65])('refuses %s threads', async (threads) => {
    const graph = trace('double', { x: f32(2) }, ({ x }) => ({ y: x.mul(2) }));
    await expect(compileFunction(graph, { threads })).rejects.toThrow(
      `threads: expected a whole number from 1 to 64, got ${threads}`,
    );
  });
});

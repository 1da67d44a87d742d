import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileProgram } from '../../src/emit/compile.js';
import { evaluateGraph } from '../../src/graph/evaluate.js';
import type { Graph } from '../../src/graph/graph.js';
import { parseGraph } from '../../src/graph/parse.js';
import { printGraph } from '../../src/graph/print.js';
import { f32, gather, i32, scatterAdd, trace } from '../../src/index.js';
import { CompiledEngine } from '../../src/run/engine.js';
import { readLibrary, spawnWorker } from '../../src/run/node.js';
import { type ArenaGraph, arenaGraph } from './random.js';

// What takes over memory, compiled, against the reference in float64; every kernel that can be split is split.

/** What some of the graphs update. */
const VARIABLE = { name: 'v', shape: [37], dtype: 'f32' as const };

/** Results that differ from the reference, with one thread and with three. */
async function wrong(samples: readonly ArenaGraph[]): Promise<string[]> {
  const entries = Object.fromEntries(samples.map(({ graph }, i) => [`graph${i}`, graph]));
  const { wasm, plan } = await compileProgram(
    { name: 'arena', variables: [VARIABLE], entries },
    { library: await readLibrary(), threadShare: 0 },
  );
  const off: string[] = [];
  for (const threads of [1, 3]) {
    const engine = await CompiledEngine.start({
      ...{ wasm, layout: plan, shared: true, threads, seed: 0 },
      initial: new Map(),
      spawn: spawnWorker,
    });
    for (const [i, { graph, inputs }] of samples.entries()) {
      const { v: before, ...given } = inputs;
      if (before) engine.write('v', Float32Array.from(before));
      const outputs = engine.invoke(`graph${i}`, given);
      const got: typeof outputs = { ...outputs, v: engine.read('v') };
      const reference = evaluateGraph(graph, given, before ? { v: before } : {}, 'float64');
      const want = { ...reference.outputs, ...reference.updates };
      for (const [name, { data }] of Object.entries(want)) {
        const size = Math.max(1, ...Array.from(data, Math.abs));
        const at = data.findIndex((x, k) => !(Math.abs(got[name][k] - x) <= 2e-6 * size));
        if (at < 0) continue;
        off.push(
          `${threads} threads: ${name}[${at}] is ${got[name][at]}, not ${data[at]}, in\n${printGraph(graph)}`,
        );
      }
    }
    await engine.close();
  }
  return off;
}

/** Numbers from -1 to 1 that look random, or indices, for all inputs and the variable. */
function fill(graph: Graph): ArenaGraph {
  let at = 1;
  const inputs = Object.fromEntries(
    graph.inputs.map(({ attrs, shape, dtype }) => [
      attrs.name as string,
      Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () =>
        dtype === 'i32' ? at++ % 3 : Math.sin(12.9898 * (at++) ** 1.5),
      ),
    ]),
  );
  return { graph, inputs };
}

const residual = (m: number, n: number, k: number) =>
  fill(
    trace('residual', { x: f32(m, k), a: f32(k, n), b: f32(n, n), z: f32(m, k), c: f32(k, n) }, (g) => {
      const h = g.x
        .matmul(g.a)
        .mul(1 / k)
        .tanh();
      const narrow = h
        .matmul(g.b)
        .mul(1 / n)
        .max(0);
      // h dies in the epilogue of a product that has many steps of k.
      return {
        y: g.z
          .matmul(g.c)
          .mul(1 / k)
          .add(h)
          .sub(narrow)
          .matmul(g.b),
      };
    }),
  );

const softmaxes = (m: number, n: number) =>
  fill(
    trace('softmaxes', { x: f32(m, n), a: f32(n, n) }, ({ x, a }) => {
      const z = x.matmul(a);
      const both = z.softmax().matmul(a).add(z.softmax(0).matmul(a));
      return { y: both.softmax().add(both).matmul(a) };
    }),
  );

const table = fill(
  trace('table', { x: f32(6, 6), a: f32(6, 5), ids: i32(4), rows: f32(4, 5) }, ({ x, a, ids, rows }) => {
    const grown = scatterAdd(x.matmul(a).tanh(), ids, rows);
    return { y: gather(grown, ids).add(rows), sums: grown.matmul(a.transpose()) };
  }),
);

const updates = ['sub %1, %0', 'neg %0', 'mul %0, %0'].flatMap((value) =>
  ['add %2, %1', 'mul %1, %1', 'sub %0, %1'].map((other) =>
    fill(
      parseGraph(`graph update(g: f32[37]) {
        %0 = input "g" : f32[37]
        %1 = parameter "v" : f32[37]
        %2 = ${value} : f32[37]
        %3 = ${other} : f32[37]
        %4 = max %3 axes=[0] : f32[1]
        return y = %3
        return most = %4
        update "v" = %2
      }`),
    ),
  ),
);

describe('values that share memory, compiled and run with one thread and with three', () => {
  it('are those of the reference in the place of an operand, around the edges of tiles', async () => {
    const sizes = [1, 3, 4, 5, 9, 33];
    const samples = [
      ...sizes.flatMap((m) => sizes.map((n) => residual(m, n, (m * n) % 7 || 7))),
      residual(5, 12, 600),
      residual(33, 20, 1100),
      table,
    ];
    expect(await wrong(samples)).toEqual([]);
  });

  it('are those of the reference in nests of several stages', async () => {
    const samples = [1, 4, 5, 33].flatMap((m) => [1, 5, 33, 70].map((n) => softmaxes(m, n)));
    expect(await wrong(samples)).toEqual([]);
  });

  it('are those of the reference where a variable is read and replaced', async () => {
    expect(await wrong(updates)).toEqual([]);
  });

  it.each([11, 12, 13])('are those of the reference in random graphs from seed %i', async (seed) => {
    expect(await wrong(fc.sample(arenaGraph(), { numRuns: 25, seed }))).toEqual([]);
  });
});

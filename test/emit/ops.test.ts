import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileProgram } from '../../src/emit/compile.js';
import { evaluateGraph } from '../../src/graph/evaluate.js';
import { type DType, gradients, opTable, type Tensor, trace } from '../../src/index.js';
import { hasGradient, resultsOf } from '../../src/ops/results.js';
import { apply, interpreter } from '../../src/ops/tensor.js';
import { CompiledEngine } from '../../src/run/engine.js';
import { readLibrary, spawnWorker } from '../../src/run/node.js';
import { numel } from '../../src/shape.js';
import { cases, fill } from '../ops/cases.js';

// Every op of the table, forward and backward, compiled against the reference in float64.

/** Not all of an op that has many: what a module has to compile takes long. */
const MOST = 18;
const casesOf = (name: string) => {
  const all = cases[name];
  const every = Math.ceil(all.length / MOST);
  return all.filter((_, i) => i % every === 0);
};

/** All cases of an op as one function; each gives its result and the gradient of a weighted sum of it. */
function everyCase(name: string) {
  const op = opTable().get(name)!;
  const inputs = Object.fromEntries(
    casesOf(name).flatMap((c, k) =>
      c.inputs.map(({ shape, dtype }, i) => [`in${k}_${i}`, { shape, dtype: stored(dtype) }]),
    ),
  );
  const values = Object.fromEntries(
    casesOf(name).flatMap((c, k) => c.inputs.map((input, i) => [`in${k}_${i}`, fill(input, 7 * k + i)])),
  );
  const graph = trace(name, inputs, (given) =>
    Object.assign(
      {},
      ...casesOf(name).map((c, k) => {
        const own = c.inputs.map((input, i) => {
          const x = given[`in${k}_${i}`];
          return input.dtype === 'bool' ? x.notEqual(0) : x;
        });
        const results = resultsOf(apply(op, own, c.attrs));
        const floats = own.flatMap((x, i) => (x.dtype === 'f32' ? [{ x, i }] : []));
        const losses = results.filter((out) => out.dtype === 'f32').map(weighted);
        const flows =
          losses.length && hasGradient(op) && floats.length
            ? gradients(
                losses.reduce((a, b) => a.add(b)),
                floats.map((f) => f.x),
              )
            : [];
        const kept = flows.flatMap((flow, j) => (flow ? [[`grad${k}_${floats[j].i}`, flow] as const] : []));
        const named = results.map((out, r) => [`out${k}_${r}`, out] as const);
        return { ...Object.fromEntries(named), ...Object.fromEntries(kept) };
      }),
    ),
  );
  return { graph, values };
}

function weighted(out: Tensor): Tensor {
  const weights = Array.from({ length: numel(out.shape) }, (_, i) => 1 + (i % 5) / 4);
  const w = weights.length === 1 ? weights[0] : weights;
  return out.mul(interpreter().constant(w, out.shape, 'f32')).sum();
}

/** Inputs are floats or integers in memory; truth values are made inside. */
const stored = (dtype: DType): DType => (dtype === 'bool' ? 'i32' : dtype);

const names = [...opTable().keys()].filter((name) => cases[name]?.length);

/** So many ops are entries of one module: what a module takes whatever is in it is paid once for them. */
const TOGETHER = 13;
const groups = Array.from({ length: Math.ceil(names.length / TOGETHER) }, (_, i) =>
  names.slice(TOGETHER * i, TOGETHER * (i + 1)),
);

describe.each(groups.map((group) => ({ group })))('compiled ops agree with the reference', ({ group }) => {
  const made = new Map(group.map((name) => [name, everyCase(name)]));
  /** With one thread and with three. */
  let engines: CompiledEngine[] = [];

  beforeAll(async () => {
    const entries = Object.fromEntries([...made].map(([name, { graph }]) => [name, graph]));
    const { wasm, layout } = await compileProgram(
      { name: 'ops', variables: [], entries },
      // As users get it: what all else is made of.
      { library: await readLibrary(), threadShare: 0, level: 3 },
    );
    const begin = { wasm, layout, shared: true, seed: 0, initial: new Map(), spawn: spawnWorker };
    engines = await Promise.all([1, 3].map((threads) => CompiledEngine.start({ ...begin, threads })));
  });
  afterAll(() => Promise.all(engines.map((engine) => engine.close())));

  it.each(group)('%s', (name) => {
    const { graph, values } = made.get(name)!;
    const expected = evaluateGraph(graph, values, {}, 'float64').outputs;
    const [one, three] = engines.map((engine) => engine.invoke(name, values));
    for (const [output, { data }] of Object.entries(expected)) {
      const scale = Array.from(data).reduce(
        (most: number, x: number) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most),
        1e-3,
      );
      const wrong = Array.from(data).flatMap((want, i) => {
        const got = one[output][i];
        const close =
          Object.is(got, want) ||
          got === want ||
          Math.abs(got - want) <= 1e-5 * Math.abs(want) + 2e-6 * scale;
        return close ? [] : [{ output, i, got, want }];
      });
      expect(wrong.slice(0, 3)).toEqual([]);
      expect(three[output]).toEqual(one[output]);
    }
  });
});

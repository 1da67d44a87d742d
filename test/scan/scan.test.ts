import { describe, expect, it } from 'vitest';
import { evaluateGraph } from '../../src/graph/evaluate.js';
import type { Graph } from '../../src/graph/graph.js';
import { compileFunction, concat, f32, gradients, scan, type Tensor, trace } from '../../src/index.js';
import { uniform } from './data.js';

const [TIME, BATCH, N] = [5, 3, 4];
const types = { xs: f32(TIME, BATCH, N), h0: f32(BATCH, N), w: f32(N, N), u: f32(N, N), v: f32(N, 2) };
type Given = Record<keyof typeof types, Tensor>;
const values = Object.fromEntries(
  Object.entries(types).map(([name, { shape }], i) => [name, uniform(shape, i + 1)]),
);

/** A recurrent cell with a reader: all weights of outside. */
const cell = ({ w, u, v }: Given, h: Tensor, x: Tensor) => {
  const next = x.matmul(w).add(h.matmul(u)).tanh();
  return { next, y: next.matmul(v) };
};
const scanned = (of: Given) => {
  const { carry, outputs } = scan(
    (h: Tensor, x: Tensor) => {
      const { next, y } = cell(of, h, x);
      return { carry: next, outputs: y };
    },
    { carry: of.h0, inputs: of.xs },
  );
  return { h: carry, ys: outputs as Tensor };
};
const unrolled = (of: Given) => {
  let h = of.h0;
  const ys: Tensor[] = [];
  for (let t = 0; t < TIME; t++) {
    const x = of.xs.slice([t, 0, 0], [1, BATCH, N]).reshape([BATCH, N]);
    const { next, y } = cell(of, h, x);
    ys.push(y.reshape([1, BATCH, 2]));
    h = next;
  }
  return { h, ys: ys.slice(1).reduce((a, y) => concatTwo(a, y), ys[0]) };
};
const concatTwo = (a: Tensor, b: Tensor) => concat([a, b]);

const names = Object.keys(types) as (keyof typeof types)[];
/** `last`: whether the loss is made of the last state too. */
function graphOf(run: typeof scanned, order: 0 | 1 | 2, last = true): Graph {
  return trace('rnn', types, (given) => {
    const of = given as Given;
    const { h, ys } = run(of);
    const loss = last ? ys.square().sum().add(h.sum()) : ys.square().sum();
    if (order === 0) return { h, ys };
    const first = gradients(
      loss,
      names.map((name) => of[name]),
    );
    if (order === 1) return Object.fromEntries(first.map((g, i) => [names[i], g!]));
    const norm = first.map((g) => g!.square().sum()).reduce((a, b) => a.add(b));
    const second = gradients(
      norm,
      names.map((name) => of[name]),
    );
    return Object.fromEntries(second.map((g, i) => [names[i], g!]));
  });
}

describe('scan', () => {
  it.each([0, 1, 2] as const)(
    'is the loop written by hand, derived %i times: bit for bit compiled, but where sums over steps stand in another order',
    async (order) => {
      const [ours, theirs] = [scanned, unrolled].map((run) => graphOf(run, order));
      const want = evaluateGraph(theirs, values, {}, 'float64').outputs;
      const got = evaluateGraph(ours, values, {}, 'float64').outputs;
      for (const name of Object.keys(want))
        Array.from(want[name].data).forEach((x, i) => {
          expect(got[name].data[i]).toBeCloseTo(x, 10);
        });
      const results: Record<string, ArrayLike<number>>[] = [];
      for (const graph of [ours, theirs]) {
        const compiled = await compileFunction(graph);
        results.push(compiled.call(values));
        await compiled.close();
      }
      // The gradient of a weight is one product over all steps.
      const same: string[][] = [['h', 'ys'], ['xs', 'h0'], []];
      for (const name of same[order]) expect(results[0][name]).toEqual(results[1][name]);
      for (const [name, list] of Object.entries(results[1])) {
        const scale = Math.max(...Array.from(list).map(Math.abs));
        Array.from(list).forEach((x, i) => {
          expect(Math.abs(results[0][name][i] - x)).toBeLessThan(1e-5 * scale);
        });
      }
    },
  );

  it('has the bits of that loop where the last state is of no use, but for weights', async () => {
    const results = [];
    for (const run of [scanned, unrolled]) {
      const compiled = await compileFunction(graphOf(run, 1, false));
      results.push(compiled.call(values));
      await compiled.close();
    }
    for (const name of ['xs', 'h0']) expect(results[0][name]).toEqual(results[1][name]);
  });
});

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { chunk, compileFunction, f32, gradients, scan, type Tensor, tensor, trace } from '../../src/index.js';
import { withInterpreter } from '../../src/ops/tensor.js';
import { numel, type Shape } from '../../src/shape.js';
import { type Eager, Tape } from '../../src/tape/tape.js';

// Against PyTorch in float64; test/scan/pytorch.py wrote the numbers.

interface Recorded {
  outputs: number[];
  last: number[][];
  gradients: number[][];
}
const recorded: Record<'LSTM' | 'GRU', Recorded> = JSON.parse(
  readFileSync(new URL('./pytorch.json', import.meta.url), 'utf8'),
);
const [TIME, BATCH, INPUT, HIDDEN] = [6, 3, 4, 5];

interface Weights {
  wx: Tensor;
  wh: Tensor;
  bx: Tensor;
  bh: Tensor;
}

const affine = (x: Tensor, w: Tensor, b: Tensor) => x.matmul(w.transpose()).add(b);

function lstm(x: Tensor, [h, c]: Tensor[], { wx, wh, bx, bh }: Weights) {
  const { carry, outputs } = scan(
    ({ h, c }, x) => {
      const [i, f, g, o] = chunk(affine(x, wx, bx).add(affine(h, wh, bh)), 4, 1);
      const cell = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()));
      const next = o.sigmoid().mul(cell.tanh());
      return { carry: { h: next, c: cell }, outputs: next };
    },
    { carry: { h, c }, inputs: x },
  );
  return { outputs, last: [carry.h, carry.c] };
}

function gru(x: Tensor, [h]: Tensor[], { wx, wh, bx, bh }: Weights) {
  const { carry, outputs } = scan(
    (h, x) => {
      const [rx, zx, nx] = chunk(affine(x, wx, bx), 3, 1);
      const [rh, zh, nh] = chunk(affine(h, wh, bh), 3, 1);
      const z = zx.add(zh).sigmoid();
      const n = nx.add(rx.add(rh).sigmoid().mul(nh)).tanh();
      const next = n.mul(tensor(1).sub(z)).add(z.mul(h));
      return { carry: next, outputs: next };
    },
    { carry: h, inputs: x },
  );
  return { outputs, last: [carry] };
}

const cells = { LSTM: { run: lstm, gates: 4, states: 2 }, GRU: { run: gru, gates: 3, states: 1 } };

/** Exact in float32. */
const fill = (shape: Shape, k: number) =>
  Float64Array.from({ length: numel(shape) }, (_, i) => Math.fround(Math.sin(3 * i + 7 * k) / 2));

describe.each(['LSTM', 'GRU'] as const)('a scan as %s', (kind) => {
  const { run, gates, states } = cells[kind];
  const shapes: Shape[] = [
    [TIME, BATCH, INPUT],
    ...Array.from({ length: states }, () => [BATCH, HIDDEN]),
    [gates * HIDDEN, INPUT],
    [gates * HIDDEN, HIDDEN],
    [gates * HIDDEN],
    [gates * HIDDEN],
  ];
  // The weights are filled as if there were two states always.
  const seeds = shapes.map((_, i) => (i <= states ? i : i + 2 - states));
  const all = (given: readonly Tensor[]) => {
    const [wx, wh, bx, bh] = given.slice(1 + states);
    const { outputs, last } = run(given[0], given.slice(1, 1 + states), { wx, wh, bx, bh });
    const loss = last.reduce((sum, t) => sum.add(t.sin().sum()), outputs.square().sum());
    return [outputs, ...last, ...gradients(loss, given).map((g) => g!)];
  };
  const want = [recorded[kind].outputs, ...recorded[kind].last, ...recorded[kind].gradients];
  const compare = (got: ArrayLike<number>[], tolerance: number) => {
    want.forEach((list, k) => {
      const scale = Math.max(...list.map(Math.abs));
      list.forEach((x, i) => {
        expect(Math.abs(got[k][i] - x)).toBeLessThan(tolerance * scale);
      });
    });
  };

  it('gives the values and gradients of PyTorch on the tape', () => {
    const tape = new Tape('float64');
    const given = shapes.map((shape, i) => tape.input(fill(shape, seeds[i]), { shape, dtype: 'f32' }));
    compare(
      withInterpreter(tape, () => all(given)).map((t) => (t as Eager).data),
      1e-13,
    );
  });

  it('gives them compiled, forward and backward', async () => {
    const types = Object.fromEntries(shapes.map((shape, i) => [`x${i}`, f32(...shape)]));
    const graph = trace(kind, types, (given) =>
      Object.fromEntries(all(shapes.map((_, i) => given[`x${i}`])).map((t, i) => [`y${i}`, t])),
    );
    const compiled = await compileFunction(graph);
    const got = compiled.call(Object.fromEntries(shapes.map((shape, i) => [`x${i}`, fill(shape, seeds[i])])));
    compare(
      want.map((_, i) => got[`y${i}`]),
      1e-5,
    );
    await compiled.close();
  });
});

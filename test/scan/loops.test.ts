import { describe, expect, it } from 'vitest';
import { compileProgram } from '../../src/emit/compile.js';
import {
  broadcastTo,
  f32,
  gather,
  gradients,
  i32,
  iota,
  scan,
  type Tensor,
  tensor,
  trace,
} from '../../src/index.js';
import { readLibrary } from '../../src/run/node.js';
import { SCHEDULE_PASSES } from '../../src/schedule/passes.js';
import type { TensorType } from '../../src/shape.js';
import { check } from '../property/check.js';

// Scans as loops of the module: against the graph evaluated in float64, and bit for bit against their steps written out, with
// memory poisoned, on one thread and on several.

const zeros = (...shape: number[]) => broadcastTo(tensor(0), shape);
const T = 4;

type Given = Record<string, Tensor>;
interface Case {
  readonly inputs: Readonly<Record<string, TensorType>>;
  readonly f: (given: Given) => Given;
}

/** A value and its gradients by all floats that go in. */
function withGradients(f: (given: Given) => Tensor, order = 1): Case['f'] {
  return (given) => {
    const floats = Object.entries(given).filter(([, t]) => t.dtype === 'f32');
    let loss = f(given);
    let made: (Tensor | null)[] = [];
    for (let k = 0; k < order; k++) {
      made = gradients(
        loss,
        floats.map(([, t]) => t),
      );
      loss = made.map((g) => g!.square().sum()).reduce((a, b) => a.add(b));
    }
    return { loss: f(given), ...Object.fromEntries(floats.map(([name], i) => [`d_${name}`, made[i]!])) };
  };
}

const gru = ({ xs, h, w, u }: Given, reverse = false) =>
  scan(
    (h: Tensor, x: Tensor) => {
      const [a, b] = [x.matmul(w), h.matmul(u)];
      const z = a.add(b).sigmoid();
      const next = z.mul(h).add(tensor(1).sub(z).mul(a.sub(b).tanh()));
      return { carry: next, outputs: next };
    },
    { carry: h, inputs: xs, reverse },
  );
const cell = { xs: f32(T, 5, 3), h: f32(5, 6), w: f32(3, 6), u: f32(6, 6) };

const cases: Record<string, Case> = {
  'a cell of which the last state counts': {
    inputs: cell,
    f: (of) => ({ h: gru(of).carry }),
  },
  'a cell of which all states count': { inputs: cell, f: (of) => ({ ys: gru(of).outputs as Tensor }) },
  'gradients of a cell by its last state': {
    inputs: cell,
    f: withGradients((of) => gru(of).carry.square().sum()),
  },
  'gradients of a cell by all states, from the last to the first': {
    inputs: cell,
    f: withGradients((of) => (gru(of, true).outputs as Tensor).square().sum()),
  },
  'gradients of gradients': {
    inputs: cell,
    f: withGradients((of) => (gru(of).outputs as Tensor).square().mean().add(gru(of).carry.mean()), 2),
  },
  'a walk along another axis than the first, and weights turned': {
    inputs: { xs: f32(4, T, 3), w: f32(6, 3) },
    f: withGradients(({ xs, w }) =>
      scan((c, x: Tensor) => ({ carry: c.mul(0.5).add(x.matmul(w.transpose()).tanh()) }), {
        carry: zeros(4, 6),
        inputs: xs.transpose([1, 0, 2]),
      })
        .carry.square()
        .sum(),
    ),
  },
  'states that change places, stand still, or are what went in': {
    inputs: { xs: f32(T, 5), a: f32(5), b: f32(5) },
    f: ({ xs, a, b }) => {
      const { carry, outputs } = scan(
        ([a, b, c, d, e], x: Tensor) => ({
          carry: [b.add(x), a, c, x, d],
          outputs: [a, c, e, x, b.mul(2), b.mul(2), a.mul(x), a.mul(x)],
        }),
        { carry: [a, b, a, b, a] as Tensor[], inputs: xs },
      );
      // Of two that are equal only the second is of use.
      const read = [...carry, ...(outputs as Tensor[])].filter((_, i) => i !== 11);
      return Object.fromEntries(read.map((t, i) => [`y${i}`, t]));
    },
  },
  'states and outputs of one number, and of none': {
    inputs: { xs: f32(T), none: f32(T, 0) },
    f: ({ xs, none }) => {
      const { carry, outputs } = scan(
        ({ sum, empty }, { x, n }) => ({
          carry: { sum: sum.mul(0.5).add(x), empty: empty.add(n) },
          outputs: { sum: sum.add(empty.sum()), empty },
        }),
        { carry: { sum: tensor(1), empty: zeros(0) }, inputs: { x: xs, n: none } },
      );
      return { sum: carry.sum, sums: outputs.sum as Tensor, empty: outputs.empty as Tensor };
    },
  },
  'whole numbers, constants, and what is counted': {
    inputs: { xs: i32(T, 4), f: f32(4) },
    f: ({ xs, f }) => {
      const weights = tensor([1, -2, 3, -4]);
      const { carry, outputs } = scan(
        ({ n, s }, x: Tensor) => {
          const next = n.add(x).add(iota(4));
          return {
            carry: { n: next, s: s.add(next.cast('f32').mul(weights)) },
            outputs: next.less(3).cast('i32'),
          };
        },
        { carry: { n: iota(4), s: f }, inputs: xs },
      );
      return { n: carry.n, s: carry.s, outputs: outputs as Tensor };
    },
  },
  'rows of a table from outside, with gradients': {
    inputs: { ids: i32(T, 6), table: f32(9, 5), h: f32(6, 5) },
    f: withGradients(({ ids, table, h }) =>
      scan((h, id: Tensor) => ({ carry: h.add(gather(table, id)).tanh() }), { carry: h, inputs: ids })
        .carry.square()
        .sum(),
    ),
  },
  'a scan in a scan, with gradients': {
    inputs: { xs: f32(4, 3, 5), w: f32(5), h: f32(5) },
    f: withGradients(({ xs, w, h }) => {
      const { carry, outputs } = scan(
        (h, rows: Tensor) => {
          const inner = scan(
            (c, row: Tensor) => {
              const next = c.mul(w).add(row.mul(h)).tanh();
              return { carry: next, outputs: next.mul(row) };
            },
            { carry: h, inputs: rows, reverse: true },
          );
          return { carry: inner.carry.add(h.mul(0.1)), outputs: inner.outputs };
        },
        { carry: h, inputs: xs },
      );
      return carry
        .square()
        .sum()
        .add((outputs as Tensor).sum());
    }),
  },
  'one step': {
    inputs: { xs: f32(1, 5), h: f32(5) },
    f: withGradients(({ xs, h }) => {
      const { carry, outputs } = scan((h, x: Tensor) => ({ carry: h.mul(x), outputs: h.add(x) }), {
        carry: h,
        inputs: xs,
      });
      return carry.sum().add((outputs as Tensor).square().sum());
    }),
  },
  'a softmax over a carried history': {
    inputs: { xs: f32(T, 8), w: f32(8, 8) },
    f: withGradients(({ xs, w }) =>
      scan(
        (seen, x: Tensor) => {
          const weights = seen
            .matmul(x.reshape([8, 1]))
            .sub(seen.max(1, { keepDims: true }))
            .exp();
          const out = weights.mul(seen).sum(0).div(weights.sum());
          return {
            carry: seen
              .mul(0.9)
              .add(x.mul(out).reshape([1, 8]))
              .matmul(w)
              .tanh(),
            outputs: out,
          };
        },
        { carry: xs.slice([0, 0], [4, 8]), inputs: xs },
      )
        .outputs.square()
        .sum(),
    ),
  },
};

describe('scans as loops', () => {
  it('have the bits of their steps written out, on any number of threads, near the numbers of the reference', async () => {
    const graphs = Object.entries(cases).map(([name, { inputs, f }]) => trace(name, inputs, f));
    const found = await check(
      graphs.map((graph, i) => ({ graph, data: i + 1 })),
      {
        level: 1,
        threads: [1, 3, 4],
        alike: [
          { without: ['loop'], threads: [1] },
          { without: SCHEDULE_PASSES, threads: [1] },
          { poison: true, threads: [2] },
        ],
      },
    );
    expect(Object.fromEntries(graphs.map(({ name }, i) => [name, found[i]]))).toEqual(
      Object.fromEntries(graphs.map(({ name }) => [name, null])),
    );
  });
});

describe('a scan', () => {
  const stagesOf = async (length: number) => {
    const graph = trace(
      'cell',
      { ...cell, xs: f32(length, 5, 3) },
      withGradients((of) => gru(of).carry.square().sum()),
    );
    const input = { name: 'cell', variables: [], entries: { call: graph } };
    return compileProgram(input, { library: await readLibrary(), asc: async () => new Uint8Array() });
  };

  it('costs the same source and kernels, however many steps it has', async () => {
    const sizes = [];
    for (const length of [16, 128, 1000]) {
      const { text, functions } = (await stagesOf(length)).source;
      sizes.push({ kernels: functions.length, length: text.length });
    }
    const [{ kernels, length }] = sizes;
    for (const size of sizes) {
      expect(size.kernels).toBe(kernels);
      // But for the product of all steps behind the loop, numbers alone are longer.
      expect(Math.abs(size.length / length - 1)).toBeLessThan(0.1);
    }
  });

  it('is seen in every stage', async () => {
    const module = await stagesOf(16);
    expect(await module.text('graph')).toContain('body=graph step(');
    const schedule = await module.text('schedule');
    expect(schedule).toMatch(/ loop_16\n/);
    expect(schedule).toMatch(
      /where {2}input c0 is result f32\[17,5,6\] from element 0, 30 on with each turn/,
    );
    expect(schedule).toMatch(/\n {4}16 turns of \d+ kernels\n {6}0 \w+\n/);
    expect(await module.text('loops')).toMatch(/gemm_nn_5x6x6\w*, 16 turns\n/);
    expect(await module.text('memory')).toMatch(/in loop, in each turn\n/);
    const text = await module.text('assemblyscript');
    expect(text).toMatch(/for \(let turn0: usize = 0; turn0 < 16; turn0\+\+\) \{/);
    expect(text).toMatch(/ARENA_0_\d+ \+ 120 \+ turn0 \* 120\)/);
  });
});

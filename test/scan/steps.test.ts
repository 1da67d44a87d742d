import { describe, expect, it } from 'vitest';
import {
  compileFunction,
  crossEntropy,
  DataError,
  diagnose,
  f32,
  gather,
  i32,
  init,
  nn,
  optim,
  scan,
  type Tensor,
  trace,
  trainStep,
} from '../../src/index.js';
import { uniform } from './data.js';

const [TIME, BATCH, WORDS, N] = [4, 6, 7, 5];

/** A language model of a recurrent cell: tokens are looked up in the body, dropout and a running mean change there. */
function language() {
  const model = {
    table: nn.parameter([WORDS, N], init.normal(0.5)),
    cell: nn.linear(2 * N, N),
    drop: nn.dropout(0.25),
    mean: nn.state([N], init.zeros),
    read: nn.linear(N, WORDS),
  };
  return trainStep({
    model,
    batch: { x: i32(BATCH, TIME), y: i32(BATCH, TIME) },
    loss: (m, { x, y }) => {
      const { outputs } = scan(
        (h, ids) => {
          const input = gather(m.table, ids);
          const next = m.cell(join(input, h)).tanh();
          m.mean.assign(m.mean.mul(0.9).add(next.mean(0).mul(0.1)));
          return { carry: next, outputs: m.read(m.drop(next).sub(m.mean)) };
        },
        { carry: zeros(BATCH, N), inputs: x.transpose() },
      );
      return crossEntropy(outputs, y.transpose());
    },
    optimizer: optim.adam(),
  });
}

import { broadcastTo, concat, tensor } from '../../src/index.js';

const join = (a: Tensor, b: Tensor) => concat([a, b], 1);
const zeros = (...shape: number[]) => broadcastTo(tensor(0), shape);
const ids = (n: number, seed: number) =>
  Int32Array.from(uniform([n], seed), (v) => Math.floor(((v + 1) / 2) * WORDS));
const data = { x: ids(40 * TIME, 1), y: ids(40 * TIME, 2) };

describe('a training step with a scan', () => {
  it('trains as on the tape: tokens, dropout and running statistics inside of the body', async () => {
    const step = language();
    const [tape, compiled] = [
      step.interpret({ seed: 3, precision: 'float64' }),
      await step.compile({ seed: 3 }),
    ];
    const losses: number[][] = [];
    for (const session of [tape, compiled]) {
      session.data(data);
      const list: number[] = [];
      for await (const { loss } of session.run({ steps: 12, lr: 0.05, every: 1 })) list.push(loss);
      losses.push(list);
    }
    losses[0].forEach((loss, i) => {
      expect(Math.abs(losses[1][i] - loss) / loss).toBeLessThan(1e-4);
    });
    for (const name of ['mean', 'drop.step', 'cell.weight', 'table']) {
      const [want, got] = [tape.read(name), compiled.read(name)];
      Array.from(want).forEach((v, i) => {
        expect(got[i]).toBeCloseTo(v, 3);
      });
    }
    expect(compiled.read('drop.step')[0]).toBe(12 * TIME);
    await compiled.close();
  });

  it('gives the same bits with one thread and with several', async () => {
    const step = language();
    const runs = [];
    for (const threads of [1, 2]) {
      const session = await step.compile({ seed: 3, threads });
      session.data(data);
      await session.run({ steps: 5, lr: 0.05 });
      runs.push(['table', 'cell.weight', 'read.bias', 'mean'].map((name) => Array.from(session.read(name))));
      await session.close();
    }
    expect(runs[0]).toEqual(runs[1]);
  });

  it('has its tokens checked before a step, as any data', async () => {
    const session = await language().compile({ seed: 3 });
    expect(() => session.data({ ...data, x: data.x.map((v, i) => (i === 9 ? WORDS : v)) })).toThrow(
      DataError,
    );
    await session.close();
    const graph = trace('computed', { x: f32(3, 2), table: f32(4, 2) }, ({ x, table }) => ({
      y: scan((c, row) => ({ carry: c.add(gather(table, row.sum().cast('i32'))) }), {
        carry: zeros(2),
        inputs: x,
      }).carry,
    }));
    const compiled = await compileFunction(graph);
    const table = uniform([4, 2], 1);
    expect(() => compiled.call({ x: [1, 1, 0, 1, 3, 4], table })).toThrow(/steps\.test\.ts:\d+/);
    expect(compiled.call({ x: [1, 1, 0, 1, 1, 2], table }).y[0]).toBeCloseTo(
      table[4] + table[2] + table[6],
      6,
    );
    await compiled.close();
  });

  it('is looked into by the doctor, and by diagnostics from the outside', async () => {
    const step = trainStep({
      model: { w: nn.parameter([N, N], init.normal(40)) },
      batch: { x: f32(BATCH, TIME, N) },
      loss: (m, { x }) =>
        scan((h, row) => ({ carry: row.matmul(m.w).add(h).tanh() }), {
          carry: zeros(BATCH, N),
          inputs: x.transpose([1, 0, 2]),
        })
          .carry.square()
          .mean(),
      optimizer: optim.sgd(),
      diagnostics: true,
    });
    const found = await diagnose(step, { data: { x: uniform([12, TIME, N], 5) }, lr: 0.1 });
    expect(found.findings.map(({ rule }) => rule)).toContain('saturated-activations');
    const runs = [];
    for (const session of [step.interpret(), await step.compile()]) {
      session.data({ x: uniform([12, TIME, N], 5) });
      await session.run({ steps: 2, lr: 0.1 });
      runs.push(
        session
          .diagnostics()!
          .records.at(-1)!
          .layers.map(({ name }) => name),
      );
      await session.close();
    }
    expect(runs[0]).toEqual(runs[1]);
  });
});

import { afterAll, describe, expect, it } from 'vitest';
import { f32, meanSquaredError, nn, optim, trainStep } from '../../src/index.js';
import { uniform } from './data.js';

// A training step whose loops are of all kinds, in all entries that a session has.

const [BATCH, TIME, N] = [4, 6, 5];
const stepWith = (options: object) =>
  trainStep({
    model: {
      cells: nn.gru(3, N, { layers: 2, dropout: 0.3 }),
      read: nn.linear(N, 2),
    },
    batch: { x: f32(BATCH, TIME, 3), y: f32(BATCH, TIME, 2) },
    loss: ({ cells, read }, { x, y }) => meanSquaredError(read(cells(x)), y),
    optimizer: optim.adam(),
    ...options,
  });
const data = { x: uniform([40, TIME, 3], 1), y: uniform([40, TIME, 2], 2) };
const batch = { x: data.x.slice(0, BATCH * TIME * 3), y: data.y.slice(0, BATCH * TIME * 2) };
const NAMES = ['cells.layers.0.forward.hiddenWeight', 'cells.layers.1.forward.inputBias', 'read.weight'];

const open: { close(): Promise<void> }[] = [];
afterAll(async () => {
  for (const session of open) await session.close();
});

describe('a recurrent layer in loops', () => {
  it('ends with the same bits on any number of threads, in two parts, with diagnostics and kept gradients', async () => {
    const ways = [
      { options: {}, compile: { threads: 1 } },
      { options: { separate: true }, compile: { threads: 2 } },
      { options: { diagnostics: true, keepGradients: true }, compile: { threads: 4 } },
    ];
    const ends: number[][][] = [];
    for (const { options, compile } of ways) {
      const step = stepWith(options);
      const session = await step.compile({ seed: 5, ...compile });
      open.push(session);
      if ('separate' in options) {
        for (let i = 0; i < 3; i++) session.update(session.backward(batch).gradients, { lr: 0.01 });
      } else for (let i = 0; i < 3; i++) session.step({ batch, lr: 0.01 });
      ends.push(NAMES.map((name) => Array.from(session.read(name))));
    }
    expect(ends[1]).toEqual(ends[0]);
    expect(ends[2]).toEqual(ends[0]);
  });

  it('trains as on the tape', async () => {
    const losses: number[][] = [];
    for (const session of [
      stepWith({}).interpret({ seed: 5, precision: 'float64' }),
      await stepWith({}).compile({ seed: 5 }),
    ]) {
      open.push(session);
      session.data(data);
      const list: number[] = [];
      for await (const { loss } of session.run({ steps: 8, lr: 0.01, every: 1 })) list.push(loss);
      losses.push(list);
    }
    losses[0].forEach((loss, i) => {
      expect(Math.abs(losses[1][i] / loss - 1)).toBeLessThan(1e-5);
    });
  });
});

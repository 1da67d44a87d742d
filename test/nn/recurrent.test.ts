import { describe, expect, it } from 'vitest';
import { f32, nn, optim, type Session, type Tensor, trainStep } from '../../src/index.js';

const [BATCH, TIME, INPUTS, HIDDEN] = [2, 4, 3, 5];
const wave = (n: number) => Array.from({ length: n }, (_, i) => Math.sin(i + 0.3));
const x = wave(BATCH * TIME * INPUTS);
const KINDS = ['rnn', 'gru', 'lstm'] as const;

function sessionOf(model: object, output: (x: Tensor) => Tensor): Session {
  const inputs = { x: f32(BATCH, TIME, INPUTS) };
  return trainStep({
    model,
    batch: inputs,
    loss: (_, { x }) => output(x).square().mean(),
    optimizer: optim.sgd(),
    predict: { inputs, output: (_, { x }) => output(x) },
  }).interpret({ precision: 'float64', seed: 2 });
}

/** The same rows in the opposite order of time. */
const backwards = (values: ArrayLike<number>, width: number) =>
  Array.from({ length: BATCH * TIME }, (_, row) => {
    const from = Math.floor(row / TIME) * TIME + (TIME - 1 - (row % TIME));
    return Array.from({ length: width }, (_, i) => values[from * width + i]);
  }).flat();

function copyWeights(from: Session, fromPath: string, to: Session, toPath: string): void {
  for (const name of ['inputWeight', 'hiddenWeight', 'inputBias', 'hiddenBias'])
    to.write(`${toPath}.${name}`, Array.from(from.read(`${fromPath}.${name}`)));
}

describe.each(KINDS)('%s', (kind) => {
  it('is its cell step by step', () => {
    const layer = nn[kind](INPUTS, HIDDEN);
    const whole = sessionOf({ layer }, (x) => layer(x));
    const cell = nn[`${kind}Cell` as 'lstmCell'](INPUTS, HIDDEN) as unknown as (
      x: Tensor,
      s: unknown,
    ) => unknown;
    const first = nn.state([BATCH, HIDDEN], (shape) => new Array(shape[0] * shape[1]).fill(0));
    const isLstm = kind === 'lstm';
    const steps = sessionOf({ cell, first }, (x) => {
      let state: unknown = isLstm ? { h: first, c: first } : first;
      for (let t = 0; t < TIME; t++)
        state = cell(x.slice([0, t, 0], [BATCH, 1, INPUTS]).reshape([BATCH, INPUTS]), state);
      return isLstm ? (state as nn.LstmState).h : (state as Tensor);
    });
    copyWeights(whole, 'layer.layers.0.forward', steps, 'cell');
    const all = whole.predict({ x });
    const last = steps.predict({ x });
    for (let b = 0; b < BATCH; b++)
      for (let i = 0; i < HIDDEN; i++)
        expect(last[b * HIDDEN + i]).toBeCloseTo(all[(b * TIME + TIME - 1) * HIDDEN + i], 14);
  });

  it('runs both ways, and goes on from a state', () => {
    const both = nn[kind](INPUTS, HIDDEN, { bidirectional: true });
    const one = nn[kind](INPUTS, HIDDEN);
    const [two, forth] = [sessionOf({ both }, (x) => both(x)), sessionOf({ one }, (x) => one(x))];
    const outputs = two.predict({ x });
    const half = (which: number) =>
      Array.from(outputs).filter((_, i) => Math.floor((i % (2 * HIDDEN)) / HIDDEN) === which);
    copyWeights(two, 'both.layers.0.forward', forth, 'one.layers.0.forward');
    expect(half(0)).toEqual(Array.from(forth.predict({ x })));
    copyWeights(two, 'both.layers.0.backward', forth, 'one.layers.0.forward');
    expect(half(1)).toEqual(backwards(forth.predict({ x: backwards(x, INPUTS) }), HIDDEN));

    const halves = sessionOf({ one }, (x) => {
      const { state } = one.run(x.slice([0, 0, 0], [BATCH, 2, INPUTS]));
      return one.run(x.slice([0, 2, 0], [BATCH, 2, INPUTS]), state).state[0][0];
    });
    copyWeights(two, 'both.layers.0.backward', halves, 'one.layers.0.forward');
    const at = (b: number, i: number) => forth.predict({ x })[(b * TIME + TIME - 1) * HIDDEN + i];
    halves.predict({ x }).forEach((value, i) => {
      expect(value).toBeCloseTo(at(Math.floor(i / HIDDEN), i % HIDDEN), 14);
    });
  });
});

describe('layers of recurrent cells', () => {
  it('learn compiled as on the tape, with dropout between them', async () => {
    const layer = nn.lstm(INPUTS, 8, { layers: 2, dropout: 0.3, bidirectional: true });
    const step = trainStep({
      model: layer,
      batch: { x: f32(BATCH, TIME, INPUTS) },
      loss: (m, { x }) => m(x).sub(0.3).square().mean(),
      optimizer: optim.adam(),
    });
    const [tape, compiled] = [step.interpret({ seed: 4 }), await step.compile({ seed: 4, threads: 2 })];
    for (let i = 0; i < 4; i++)
      expect(compiled.step({ lr: 0.05, batch: { x } })).toBeCloseTo(tape.step({ lr: 0.05, batch: { x } }), 5);
    await compiled.close();
  });

  it('say what is wrong', () => {
    expect(() => nn.gru(3, 0)).toThrow('gru: hidden');
    expect(() => nn.lstm(3, 4, { layer: 2 } as never)).toThrow('did you mean layers');
    expect(() => nn.rnn(3, 4, { dropout: 1 })).toThrow('rnn: dropout');
    const gru = nn.gru(INPUTS + 1, HIDDEN);
    expect(() => sessionOf({ gru }, (x) => gru(x)).predict({ x })).toThrow(
      'gru(4, 5): expected [batch, time, 4], got [2, 4, 3]: nn.gru(3, 5) would fit',
    );
    const own = nn.gru(INPUTS, HIDDEN, { layers: 2 });
    const begin = nn.parameter([BATCH, 1], () => [0, 0]);
    const from = (state: Tensor[][]) => () =>
      sessionOf({ own, begin }, (x) => own.run(x, state).outputs).predict({ x });
    expect(from([[begin]])).toThrow(
      'gru: expected a state of 2 lists (layers times directions) of 1 tensors f32[2, 5]',
    );
    expect(from([[begin], [begin]])).toThrow('gru: expected states of [2, 5], got [2, 1]');
    const cell = nn.gruCell(INPUTS, HIDDEN);
    expect(() =>
      sessionOf({ cell, begin }, (x) =>
        cell(x.slice([0, 0, 0], [BATCH, 1, 3]).reshape([BATCH, 3]), begin),
      ).predict({ x }),
    ).toThrow('gruCell(3, 5): expected a state of [2, 5], got [2, 1]');
  });
});

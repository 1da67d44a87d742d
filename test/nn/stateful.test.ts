import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { streams } from '../../src/data/index.js';
import { crossEntropy, f32, i32, nn, optim, type Session, type Tensor, trainStep } from '../../src/index.js';

// Truncated backpropagation: what a recurrent layer carries from batch to batch.

const [VOCAB, HIDDEN, BATCH, TIME] = [5, 3, 2, 4];
const LENGTH = 2 * 14 + 1;
const tokens = Int32Array.from({ length: LENGTH }, (_, i) => (i * i + 3 * i) % VOCAB);
const data = streams(tokens, { batch: BATCH, time: TIME });
const BATCHES = data.rows / BATCH;

type Kind = 'rnn' | 'gru' | 'lstm';

function step(kind: Kind, stateful: boolean) {
  const model = {
    embed: nn.embedding(VOCAB, 2),
    layer: nn[kind](2, HIDDEN, { layers: 2, ...(stateful && { stateful: BATCH }) }),
    head: nn.linear(HIDDEN, VOCAB),
  };
  return { model, batch: { x: i32(BATCH, TIME), y: i32(BATCH, TIME), begins: i32(BATCH) } };
}

function carrying(kind: Kind) {
  return trainStep({
    ...step(kind, true),
    loss: ({ embed, layer, head }, { x, y, begins }) => crossEntropy(head(layer(embed(x), begins)), y),
    optimizer: optim.adam(),
  });
}

/** The same by hand: the state is given with each batch, and an entry says what it becomes. */
function byHand(kind: Kind) {
  const carries = kind === 'lstm' ? 2 : 1;
  const names = [0, 1].flatMap((l) => Array.from({ length: carries }, (_, c) => `state_${l}_${c}`));
  const given = Object.fromEntries(names.map((name) => [name, f32(BATCH, HIDDEN)]));
  const stateIn = (inputs: Record<string, Tensor>) =>
    [0, 1].map((l) => Array.from({ length: carries }, (_, c) => inputs[`state_${l}_${c}`]));
  const { model, batch } = step(kind, false);
  const inputs = { x: batch.x, ...given };
  const made = trainStep({
    model,
    batch: { ...inputs, y: batch.y },
    loss: ({ embed, layer, head }, { x, y, ...rest }) =>
      crossEntropy(head(layer.run(embed(x), stateIn(rest as Record<string, Tensor>)).outputs), y),
    optimizer: optim.adam(),
    entries: {
      next: {
        inputs,
        output: ({ embed, layer }, { x, ...rest }) => {
          const { state } = layer.run(embed(x), stateIn(rest as Record<string, Tensor>));
          return Object.fromEntries(names.map((name, i) => [name, state.flat()[i]]));
        },
      },
    },
  });
  return { made, names };
}

const rowsOf = (all: Int32Array, k: number) => {
  const width = all.length / data.rows;
  return all.slice(k * BATCH * width, (k + 1) * BATCH * width);
};

describe.each(['rnn', 'gru', 'lstm'] as const)('%s', (kind) => {
  it('goes on from the batch before, with the losses of states that are handed over', async () => {
    const session = carrying(kind).interpret({ precision: 'float64' });
    const { made, names } = byHand(kind);
    const other = made.interpret({ precision: 'float64' });
    for (const name of other.names('parameter')) other.write(name, session.read(name));
    session.data({ x: data.x, y: data.y, begins: data.begins }, { order: 'given' });
    const zeros = () => Object.fromEntries(names.map((name) => [name, new Float64Array(BATCH * HIDDEN)]));
    let state: Record<string, ArrayLike<number>> = zeros();
    // Two epochs: the state begins anew with each.
    for (let k = 0; k < 2 * BATCHES; k++) {
      if (k % BATCHES === 0) state = zeros();
      const [x, y] = [rowsOf(data.x, k % BATCHES), rowsOf(data.y, k % BATCHES)];
      const next = other.invoke('next', { x, ...state });
      const expected = other.step({ lr: 0.125, batch: { x, y, ...state } });
      expect(session.step({ lr: 0.125 })).toBeCloseTo(expected, 12);
      state = next;
      const carried = session.names('state').filter((name) => name.startsWith('layer.carried'));
      expect(carried).toHaveLength(names.length);
      carried.forEach((name, i) => {
        session.read(name).forEach((h, j) => {
          expect(h).toBeCloseTo(state[names[i]][j], 12);
        });
      });
    }
  });
});

describe('a compiled GRU', () => {
  let sessions: Session[];
  beforeAll(async () => {
    const made = carrying('gru');
    const module = await made.compileModule();
    sessions = [
      await made.start(module),
      await made.start(module, { threads: 2 }),
      made.interpret({ precision: 'float64' }),
      await made.start(module),
    ];
    for (const session of sessions)
      session.data({ x: data.x, y: data.y, begins: data.begins }, { order: 'given' });
  });
  afterAll(() => Promise.all(sessions.map((session) => session.close())));

  it('takes the batches in order and carries the state, for any number of threads and after a checkpoint', async () => {
    const [one, two, tape, resumed] = sessions;
    const losses = async (session: Session, steps: number) =>
      (await session.run({ steps, lr: 0.05, every: steps }))!.losses;
    const [a, b, c] = [await losses(one, 7), await losses(two, 7), await losses(tape, 7)];
    expect(b).toEqual(a);
    for (const [i, loss] of a.entries()) expect(loss).toBeCloseTo(c[i], 5);
    // In the middle of an epoch, so that the state counts.
    expect(7 % BATCHES).not.toBe(0);
    resumed.restore(one.checkpoint());
    expect(await losses(resumed, 4)).toEqual(await losses(one, 4));
    expect(resumed.checkpoint()).toEqual(one.checkpoint());
  });

  it('begins with zeros in use, and leaves the state alone', () => {
    const [session] = sessions;
    const before = session.checkpoint();
    const rows = { x: data.x, y: data.y, begins: data.begins };
    const loss = session.evaluate(rows);
    const begun = session.evaluate({ ...rows, begins: data.begins.map(() => 1) });
    expect(begun).toBe(loss);
    expect(session.checkpoint()).toEqual(before);
  });
});

it('rows that begin anew forget, and others do not', () => {
  const session = carrying('gru').interpret();
  const batch = (begins: number[]) => ({ x: rowsOf(data.x, 0), y: rowsOf(data.y, 0), begins });
  const carried = () => Array.from(session.read('layer.carried.0.0'));
  session.step({ lr: 0, batch: batch([1, 1]) });
  const first = carried();
  session.step({ lr: 0, batch: batch([0, 1]) });
  expect(carried().slice(HIDDEN)).toEqual(first.slice(HIDDEN));
  expect(carried().slice(0, HIDDEN)).not.toEqual(first.slice(0, HIDDEN));
});

it('a loss that is not finite puts the carried state back with the rest', () => {
  const session = carrying('rnn').interpret();
  session.step({ lr: 0.1, batch: { x: rowsOf(data.x, 0), y: rowsOf(data.y, 0), begins: [1, 1] } });
  const before = session.checkpoint();
  session.write('head.bias', [3e38, -3e38, 3e38, -3e38, 3e38]);
  const batch = { x: rowsOf(data.x, 1), y: rowsOf(data.y, 1), begins: [0, 0] };
  const state = Array.from(session.read('layer.carried.1.0'));
  expect(() => session.step({ lr: 3e38, batch })).toThrow();
  expect(Array.from(session.read('layer.carried.1.0'))).toEqual(state);
  session.restore(before);
});

describe('mistakes', () => {
  const run =
    (options: object, batch: number, use: (layer: nn.Recurrent, x: Tensor, i: Tensor) => Tensor) => () =>
      trainStep({
        model: nn.gru(2, 3, options),
        batch: { x: f32(batch, 4, 2), i: i32(batch), f: f32(batch) },
        loss: (layer, { x, i }) => use(layer, x, i).mean(),
        optimizer: optim.sgd(),
      }).program;

  it.each<[string, () => unknown, RegExp]>([
    ['both directions', () => nn.lstm(2, 3, { stateful: 4, bidirectional: true }), /leave one out/],
    [
      'no number of rows',
      () => nn.gru(2, 3, { stateful: true as unknown as number }),
      /gru: stateful: expected a whole number from 1/,
    ],
    [
      'another batch',
      run({ stateful: 4 }, 2, (layer, x) => layer(x)),
      /carries the state of 4 rows, and x has 2: give stateful: 2.*\(stateful\.test\.ts:\d+\)/,
    ],
    [
      'a beginning of a layer that carries nothing',
      run({}, 2, (layer, x, i) => layer(x, i)),
      /begins is for a layer that carries its state: give it stateful: 2/,
    ],
    [
      'beginnings of another shape',
      run({ stateful: 2 }, 2, (layer, x, i) => layer(x, i.reshape([2, 1]))),
      /begins must have one number a row, \[2\], not \[2, 1\]/,
    ],
    [
      'beginnings that are no whole numbers',
      run({ stateful: 2 }, 2, (layer, x, i) => layer(x, i.cast('f32'))),
      /begins must be i32 or bool\[2\], not f32\[2\]/,
    ],
  ])('%s', (_, f, message) => {
    expect(f).toThrow(message);
  });
});

it('data in order are taken from row to row, and from the last to the first', async () => {
  const made = trainStep({
    model: nn.linear(1, 1),
    batch: { x: f32(4, 1) },
    loss: (model, { x }) => model(x).mul(0).add(x).mean(),
    optimizer: optim.sgd(),
  });
  const x = Float32Array.from({ length: 10 }, (_, i) => i);
  const expected = [1.5, 5.5, (8 + 9 + 0 + 1) / 4, 3.5, 7.5];
  const sessions = [made.interpret(), await made.compile(), await made.compile({ threads: 2 })];
  for (const session of sessions) {
    session.data({ x }, { order: 'given' });
    expect([...(await session.run({ steps: 5, lr: 0, every: 5 }))!.losses]).toEqual(expected);
    expect(() => session.data({ x }, { order: 'sorted' as 'given' })).toThrow(/data: order must be/);
    expect(() => session.data({ x }, { shuffle: false } as object)).toThrow(/there is no option shuffle/);
    session.data({ x });
    expect([...(await session.run({ steps: 5, lr: 0, every: 5 }))!.losses]).not.toEqual(expected);
    await session.close();
  }
});

it('streams go on from batch to batch, and give the step that follows', () => {
  for (const [length, batch, time, width] of [
    [LENGTH, 2, 4, 1],
    [40, 3, 5, 1],
    [13, 1, 4, 1],
    [25, 2, 3, 2],
  ]) {
    const all = Float32Array.from({ length: length * width }, (_, i) => i);
    const { x, y, begins, rows } = streams(all, { batch, time, width });
    const row = (part: Float32Array, i: number) =>
      Array.from(part.slice(i * time * width, (i + 1) * time * width));
    expect([rows % batch, x.length]).toEqual([0, rows * time * width]);
    for (let i = 0; i < rows; i++) {
      expect(begins[i]).toBe(i < batch ? 1 : 0);
      expect(row(y, i)).toEqual(row(x, i).map((v) => v + width));
      if (i >= batch) expect(row(x, i)[0]).toBe(row(x, i - batch).at(-1)! + 1);
    }
    // As many as fit.
    expect(rows / batch).toBe(Math.floor(Math.floor((length - 1) / batch) / time));
  }
  expect(() => streams(tokens, { batch: 8, time: 4 })).toThrow(/29 steps are too few for 8 rows of 4/);
  expect(() => streams(new Float32Array(7), { batch: 1, time: 2, width: 2 })).toThrow(/not whole steps of 2/);
});

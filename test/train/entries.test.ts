import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  crossEntropy,
  f32,
  i32,
  nn,
  OptionError,
  optim,
  type Session,
  type Tensor,
  trainStep,
} from '../../src/index.js';

const embedding = nn.embedding(7, 4);
const hidden = nn.linear(8, 5);
const output = nn.linear(5, 7);
const model = { embedding, hidden, output };
const embed = (x: Tensor) => embedding(x).reshape([x.shape[0], 8]);
const logits = (x: Tensor) => output(hidden(embed(x)).tanh());

const base = {
  model,
  batch: { x: i32(3, 2), y: i32(3) },
  loss: (_: typeof model, { x, y }: { x: Tensor; y: Tensor }) => crossEntropy(logits(x), y),
  optimizer: optim.sgd(),
};

const step = trainStep({
  ...base,
  predict: { inputs: { x: i32(1, 2) }, output: (_, { x }) => logits(x) },
  entries: {
    'predict@2': { inputs: { x: i32(2, 2) }, output: (_, { x }) => logits(x) },
    // Integers go first in objects.
    '0': {
      inputs: { x: i32(1, 2) },
      output: (m, { x }) => ({ first: m.embedding(x), second: embed(x).mul(2) }),
    },
    '*/ evil': {
      inputs: { hidden: f32(2, 5), row: i32(2) },
      output: (m, { hidden: h, row }) => m.output(h.tanh()).gather(row),
    },
  },
});

describe('entries by names of the user', () => {
  let sessions: Session[];
  beforeAll(async () => {
    sessions = [
      step.interpret({ seed: 3 }),
      await step.compile({ seed: 3 }),
      await step.compile({ seed: 3, threads: 3 }),
    ];
    for (const session of sessions) session.step({ lr: 0.3, batch: { x: [1, 2, 3, 4, 5, 6], y: [1, 2, 3] } });
  });
  afterAll(() => Promise.all(sessions.map((session) => session.close())));

  it('run on the variables that training moves, on batches of their own, as predict does', () => {
    for (const session of sessions) {
      const rows = [session.predict({ x: [1, 2] }), session.predict({ x: [3, 4] })].flatMap((row) => [
        ...row,
      ]);
      const { output: both } = session.invoke('predict@2', { x: [1, 2, 3, 4] });
      expect([...both]).toEqual(rows);
      expect(session.invoke('predict', { x: [3, 4] }).output).toEqual(session.predict({ x: [3, 4] }));
    }
  });

  it('give as many outputs as they return, by name, which are copies', () => {
    for (const session of sessions) {
      const { first, second, ...others } = session.invoke('0', { x: [5, 6] });
      expect(others).toEqual({});
      expect([...second]).toEqual([...first].map((x) => 2 * x));
      const table = session.read('embedding.weight');
      expect([...first]).toEqual([...table.slice(20, 28)]);
      first.fill(9);
      expect(session.read('embedding.weight')).not.toContain(9);
      expect(session.invoke('0', { x: [5, 6] }).first).not.toContain(9);
    }
  });

  it('agree on the tape and compiled, whatever they are called', () => {
    const given = { hidden: Array.from({ length: 10 }, (_, i) => i / 5 - 1), row: [1, 0] };
    const [tape, one, three] = sessions.map((session) => session.invoke('*/ evil', given).output);
    expect(three).toEqual(one);
    one.forEach((x, i) => {
      expect(x).toBeCloseTo(tape[i], 5);
    });
  });

  it.each<[string, (session: Session) => unknown, RegExp]>([
    [
      'a name that is none',
      (s) => s.invoke('embd' as never, {} as never),
      /has no embd, only .*train and evaluate and predict and "predict@2"/,
    ],
    ['no name', (s) => s.invoke(undefined as never, {} as never), /has no undefined/],
    [
      'an entry of a session',
      (s) => s.invoke('train', {}),
      /^invoke: train has a method of its own: call session.step/,
    ],
    ['toString', (s) => s.invoke('toString', {}), /has no toString/],
    ['missing inputs', (s) => s.invoke('predict@2', {}), /x/],
    [
      'inputs that are no whole rows',
      (s) => s.invoke('predict@2', { x: [1, 2, 3] }),
      /x: 3 elements are not/,
    ],
    ['tokens outside of the table', (s) => s.invoke('predict@2', { x: [1, 2, 3, 7] }), /7/],
  ])('refuse %s', (_, act, message) => {
    for (const session of sessions) {
      expect(() => act(session)).toThrow(message);
    }
  });
});

describe('trainStep refuses', () => {
  // biome-ignore lint/suspicious/noExplicitAny: mistakes have any type.
  const given = (entries: any) => () => trainStep({ ...base, entries });
  const inputs = { x: i32(1, 2) };

  it.each<[string, () => unknown, string]>([
    ['entries that are a list', given([]), 'entries must name uses of the model'],
    [
      'an entry of its own',
      given({ train: { inputs, output: logits } }),
      '"train" cannot be the name of an entry',
    ],
    ['an entry that is a function', given({ a: () => 1 }), 'entries: a must be { inputs, output }'],
    [
      'an unknown option',
      given({ a: { inputs, outputs: 1 } }),
      'entries: a: there is no option outputs: did you mean output',
    ],
    ['no output', given({ a: { inputs } }), 'entries: a.output must be a function'],
    [
      'inputs that are data',
      given({ a: { inputs: { x: [1, 2] }, output: logits } }),
      'entries: a.inputs.x: expected a type',
    ],
    [
      'an input named as a parameter',
      given({ a: { inputs: { 'hidden.bias': f32(5) }, output: logits } }),
      'hidden.bias',
    ],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(OptionError);
    expect(make).toThrow(message);
  });

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'entries: a.output returns nothing'],
    ['an empty object', {}, 'entries: a.output returns'],
    ['an object with numbers', { p: 1 }, 'entries: a.output: p returns the number 1'],
    ['a promise', Promise.resolve(), 'entries: a.output returns a promise'],
  ])('an output that returns %s', (_, result, message) => {
    const made = given({ a: { inputs, output: () => result } })();
    expect(() => made.program).toThrow(message);
  });
});

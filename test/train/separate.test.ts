import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  crossEntropy,
  DataError,
  DivergedError,
  f32,
  i32,
  nn,
  OptionError,
  optim,
  type Session,
  type Tensor,
  trainStep,
} from '../../src/index.js';
import { statefulModel, variables, wordRows } from './small.js';

// A step in two parts, the gradients and the update, for loops that users write themselves.

/** All that keeps state, and a table whose updates are sparse in a whole step. */
function stepOf(optimizer: optim.Optimizer, separate = true) {
  const model = {
    body: statefulModel(),
    unused: nn.linear(2, 2),
  };
  return trainStep({
    model,
    batch: { x: i32(8, 2), y: i32(8) },
    loss: ({ body }, { x, y }) => crossEntropy(body(x), y),
    optimizer,
    allowUnused: true,
    separate,
  });
}

const data = wordRows(40);

const optimizers: [string, () => optim.Optimizer][] = [
  ['SGD', () => optim.sgd()],
  ['clipped momentum', () => optim.clip(optim.sgd({ momentum: 0.9, weightDecay: 0.1 }), { norm: 0.2 })],
  ['AdamW', () => optim.adamW()],
  ['accumulated RMSprop', () => optim.accumulate(optim.rmsprop(), 2)],
];

describe.each(optimizers)('backward and update with %s', (_, optimizer) => {
  it('give the bits of step', async () => {
    const step = stepOf(optimizer());
    const module = await step.compileModule();
    const pairs: [Session, Session][] = [
      [step.interpret({ seed: 3 }), step.interpret({ seed: 3 })],
      [await step.start(module, { seed: 3 }), await step.start(module, { seed: 3, threads: 3 })],
    ];
    for (const [whole, parts] of pairs) {
      for (const session of [whole, parts]) session.data(data);
      for (let i = 0; i < 5; i++) {
        const loss = whole.step({ lr: 0.05 });
        const given = parts.backward();
        expect(given.loss).toBe(loss);
        parts.update(given.gradients, { lr: 0.05 });
      }
      // Steps may be whole ones, too.
      expect(parts.step({ lr: 0.02 })).toBe(whole.step({ lr: 0.02 }));
      expect(parts.checkpoint()).toEqual(whole.checkpoint());
      expect(parts.at).toBe(6);
      await Promise.all([whole.close(), parts.close()]);
    }
  }, 60_000);
});

describe('the parts of a step', () => {
  let sessions: Session[];
  const step = trainStep({
    name: 'line',
    model: { w: nn.linear(2, 1) },
    batch: { x: f32(3, 2), y: f32(3, 1) },
    loss: ({ w }, { x, y }) => w(x).sub(y).square().mean(),
    optimizer: optim.sgd(),
    separate: true,
  });
  const batch = { x: [1, 2, -1, 0.5, 3, -2], y: [1, 0, -1] };
  beforeAll(async () => {
    sessions = [step.interpret(), await step.compile()];
  });
  afterAll(() => Promise.all(sessions.map((session) => session.close())));

  it('leave the parameters to the update, and the gradients to the caller', () => {
    for (const session of sessions) {
      const before = variables(session);
      const { gradients } = session.backward(batch);
      expect(variables(session)).toEqual(before);
      const kept = [...gradients['w.weight']];
      session.backward({ x: [9, 9, 9, 9, 9, 9], y: [0, 0, 0] });
      expect([...gradients['w.weight']]).toEqual(kept);
      // Whatever the caller makes of them, in arrays of any kind.
      session.update({ 'w.weight': [1, -2], 'w.bias': Float64Array.of(4) }, { lr: 0.5 });
      const [a, b] = before['w.weight'];
      const after = variables(session);
      expect(after['w.weight'].map(Math.fround)).toEqual([a - 0.5, b + 1].map(Math.fround));
      expect(after['w.bias'].map(Math.fround)).toEqual([Math.fround(before['w.bias'][0] - 2)]);
    }
  });

  it('say what is wrong with what they are given, and change nothing', () => {
    for (const session of sessions) {
      const before = variables(session);
      const { gradients } = session.backward(batch);
      const weight = gradients['w.weight'];
      const update =
        (given: unknown, options: unknown = { lr: 0.1 }) =>
        () =>
          session.update(given as Record<string, number[]>, options as { lr: number });
      expect(update({ 'w.weight': weight })).toThrow('input gradient.w.bias is missing');
      expect(update({ ...gradients, wbias: [1] })).toThrow(
        'there is no input gradient.wbias: did you mean gradient.w.bias?',
      );
      expect(update({ ...gradients, 'w.weight': [1] })).toThrow(
        'gradient.w.weight: expected 2 elements for [2, 1], got 1',
      );
      expect(update({ ...gradients, 'w.weight': [1, Number.NaN] })).toThrow(
        'gradient.w.weight: NaN at position 1 (row 1, column 0)',
      );
      expect(update({ ...gradients, 'w.weight': ['1', 2] })).toThrow('a string at position 0');
      for (const none of [undefined, null, 7, weight])
        expect(update(none)).toThrow(
          'expected an object with an array for each of gradient.w.weight, gradient.w.bias',
        );
      expect(update(gradients, null)).toThrow(OptionError);
      expect(update(gradients, { lr: Number.NaN })).toThrow(OptionError);
      expect(update(gradients, { rate: 1 })).toThrow('there is no option rate');
      expect(() => session.backward({ x: [1], y: [1] })).toThrow(DataError);
      expect(variables(session)).toEqual(before);
    }
  });

  it('have methods of their own', () => {
    for (const session of sessions) {
      expect(() => session.invoke('gradients', batch)).toThrow('call session.backward');
      expect(() => session.invoke('update', batch)).toThrow('call session.update');
    }
  });

  it('are made where they are asked for alone', () => {
    const session = stepOf(optim.sgd(), false).interpret();
    expect(() => session.backward(data)).toThrow('set separate: true in trainStep');
    expect(() => session.update({}, { lr: 0.1 })).toThrow('set separate: true in trainStep');
    const wrong = { model: nn.linear(1, 1), batch: { x: f32(1, 1) }, loss: () => 0, optimizer: optim.sgd() };
    expect(() => trainStep({ ...wrong, separate: 'yes' } as never)).toThrow('trainStep: separate');
  });

  it('go back where the loss is not finite, as a step does', () => {
    const session = sessions[1];
    const huge = { x: [3e38, 3e38, 3e38, 3e38, 3e38, 3e38], y: [3e38, -3e38, 0] };
    session.update({ 'w.weight': [-1e30, 1e30], 'w.bias': [0] }, { lr: 1 });
    const at = session.at;
    expect(() => session.backward(huge)).toThrow(DivergedError);
    expect(session.at).toBeLessThan(at);
    expect(Math.max(...variables(session)['w.weight'])).toBeLessThan(10);
  });

  it('wait for a run that is going on', async () => {
    for (const session of sessions) {
      session.data(batch);
      const end = session.at + 4;
      for await (const { at } of session.run({ steps: 4, every: 2, lr: 0.01 })) {
        if (at === end) continue;
        expect(() => session.backward(batch)).toThrow('backward: a run of this session is going on');
        expect(() => session.update({}, { lr: 1 })).toThrow('update: a run of this session is going on');
      }
    }
  });
});

it('an index outside of its table stops the gradients, and what the model keeps is as before', async () => {
  const model = { table: nn.embedding(5, 4), norm: nn.batchNorm1d(4) };
  const step = trainStep({
    model,
    batch: { x: i32(3) },
    loss: ({ table, norm }, { x }: { x: Tensor }) =>
      norm(table(x.sub(1)))
        .square()
        .mean(),
    optimizer: optim.sgd(),
    separate: true,
  });
  for (const session of [step.interpret(), await step.compile({ cache: false })]) {
    session.backward({ x: [1, 2, 5] });
    const before = variables(session);
    expect(() => session.backward({ x: [1, 0, 5] })).toThrow(DataError);
    expect(variables(session)).toEqual(before);
    await session.close();
  }
});

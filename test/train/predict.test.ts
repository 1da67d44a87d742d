import { beforeAll, describe, expect, it } from 'vitest';
import { f32, i32, nn, optim, trainStep } from '../../src/index.js';

// What a model is used for: one output or several, of any number of rows.

const step = trainStep({
  name: 'uses',
  model: nn.linear(2, 3),
  batch: { x: f32(4, 2) },
  loss: (model, { x }) => model(x).square().mean(),
  optimizer: optim.sgd(),
  predict: {
    inputs: { x: f32(5, 2) },
    output: (model, { x }) => ({ logits: model(x), taken: model(x).argmax(-1) }),
  },
  entries: {
    one: { inputs: { x: f32(1, 2) }, output: (model, { x }) => model(x) },
    alone: { inputs: { ids: i32(3) }, output: (_, { ids }) => ({ output: ids.cast('f32') }) },
    whole: { inputs: { x: f32(4, 2) }, output: (model, { x }) => model(x).sum() },
  },
});
type Used = ReturnType<typeof step.interpret>;
let sessions: Record<'tape' | 'compiled', Used>;
beforeAll(async () => {
  sessions = { tape: step.interpret(), compiled: await step.compile() };
  return () => sessions.compiled.close();
});

describe.each(['tape', 'compiled'] as const)('%s', (engine) => {
  it.each([0, 1, 4, 5, 6, 10, 10_000])('%i rows give as many', (n) => {
    const session = sessions[engine];
    const x = Float32Array.from({ length: 2 * n }, (_, i) => Math.sin(i));
    const { logits, taken } = session.predict({ x });
    expect([logits.length, taken.length]).toEqual([3 * n, n]);
    expect(taken).toBeInstanceOf(Int32Array);
    const { output } = session.invoke('one', { x: x.subarray(0, 40) });
    expect([...output]).toEqual([...logits.subarray(0, 60)]);
    for (let row = 0; row < n; row += 997) {
      const own = [...logits.subarray(3 * row, 3 * row + 3)];
      expect(taken[row]).toBe(own.indexOf(Math.max(...own)));
    }
  });

  it('what is not made row by row takes exactly its rows', () => {
    const session = sessions[engine];
    expect(session.invoke('whole', { x: [1, 2, 3, 4, 5, 6, 7, 8] }).output).toHaveLength(1);
    expect(() => session.invoke('whole', { x: [] })).toThrow('x: expected 8 elements for [4, 2], got 0');
    expect(session.invoke('alone', { ids: [] }).output).toHaveLength(0);
  });

  it('rows that are not whole, or not there to be evaluated, are told', () => {
    const session = sessions[engine];
    expect(() => session.predict({ x: [1] })).toThrow('x: 1 elements are not whole rows of [2]');
    expect(() => session.evaluate({ x: [] })).toThrow('there are no rows: x without elements');
  });
});

import { describe, expectTypeOf, it } from 'vitest';
import { accuracy, confusionMatrix, crossEntropy, f32, i32, nn, optim, trainStep } from '../../src/index.js';

// What an editor says of mistakes. Nothing here runs: types are checked with those of the whole project.

const step = trainStep({
  model: nn.linear(2, 3),
  batch: { x: f32(4, 2), y: i32(4) },
  loss: (model, { x, y }) => crossEntropy(model(x), y),
  optimizer: optim.sgd(),
  evaluate: {
    accuracy: (model, { x, y }) => accuracy(model(x), y),
    confusion: { sum: (model, { x, y }) => confusionMatrix(model(x), y) },
  },
  predict: { inputs: { x: f32(1, 2) }, output: (model, { x }) => model(x) },
  entries: { embed: { inputs: { ids: i32(8) }, output: (_, { ids }) => ids.cast('f32') } },
});
type Of = ReturnType<typeof step.interpret>;
const never = (_: (session: Of) => unknown) => {};
const [x, y] = [new Float32Array(8), new Int32Array(4)];

describe('a session knows its step', () => {
  it('columns, by name and dtype', () => {
    never((s) => s.data({ x, y }));
    never((s) => s.data({ x: [1, 2], y: [0] }));
    // @ts-expect-error a column is missing
    never((s) => s.data({ x }));
    // @ts-expect-error a column that the batch does not have
    never((s) => s.data({ x, y, z: x }));
    // @ts-expect-error a misspelled column
    never((s) => s.data({ x, Y: y }));
    // @ts-expect-error fractions for indices
    never((s) => s.data({ x, y: x }));
    // @ts-expect-error text
    never((s) => s.data({ x: 'abc', y }));
    // @ts-expect-error rows in place of flat numbers
    never((s) => s.data({ x: [[1, 2]], y: [0] }));
    // @ts-expect-error an option that does not exist
    never((s) => s.data({ x, y }, { shuffle: true }));
    // @ts-expect-error a batch without its targets
    never((s) => s.step({ lr: 0.1, batch: { x } }));
    // @ts-expect-error no rate
    never((s) => s.step({ batch: { x, y } }));
    // @ts-expect-error no rate
    never((s) => s.run({ steps: 3 }));
    // @ts-expect-error epochs are steps here
    never((s) => s.run({ epochs: 3, lr: 0.1 }));
    // @ts-expect-error what is evaluated has to have the batch's columns
    never((s) => s.run({ steps: 3, lr: 0.1, evaluate: { x } }));
    // @ts-expect-error data of elsewhere
    never((s) => s.evaluate({ images: x, y }));
  });

  it('uses, by name and what they take', () => {
    never((s) => s.predict({ x }));
    never((s) => s.invoke('embed', { ids: y }));
    never((s) => s.invoke('predict', { x }));
    // @ts-expect-error the input of predict is x
    never((s) => s.predict({ input: x }));
    // @ts-expect-error predict wants no targets
    never((s) => s.predict({ x, y }));
    // @ts-expect-error an entry that does not exist
    never((s) => s.invoke('embedding', { ids: y }));
    // @ts-expect-error an input of another entry
    never((s) => s.invoke('embed', { x }));
    // @ts-expect-error fractions for indices
    never((s) => s.invoke('embed', { ids: x }));
  });

  it('what it gives', () => {
    expectTypeOf<ReturnType<Of['evaluate']>>().toEqualTypeOf<
      { loss: number } & { accuracy: number; confusion: Float64Array }
    >();
    never(async (s) => {
      const last = await s.run({ steps: 1, lr: 0.1, evaluate: { x, y } });
      expectTypeOf(last!.evaluated!.accuracy).toBeNumber();
      // @ts-expect-error a metric that the step does not name
      last!.evaluated!.precision;
    });
  });
});

it('a step that is made of the wrong things', () => {
  const good = { model: nn.linear(2, 3), batch: { x: f32(4, 2), y: i32(4) }, optimizer: optim.sgd() };
  const wrong = (_: () => unknown) => {};
  // @ts-expect-error an optimizer that is not called
  wrong(() => trainStep({ ...good, loss: (m, { x, y }) => crossEntropy(m(x), y), optimizer: optim.adam }));
  // @ts-expect-error a part of the batch that does not exist
  wrong(() => trainStep({ ...good, loss: (m, { x, labels }) => crossEntropy(m(x), labels) }));
  // @ts-expect-error a loss that is a number
  wrong(() => trainStep({ ...good, loss: () => 3 }));
  // @ts-expect-error no loss
  wrong(() => trainStep({ ...good }));
});

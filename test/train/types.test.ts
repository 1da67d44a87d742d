import { describe, expectTypeOf, it } from 'vitest';
import {
  accuracy,
  confusionMatrix,
  crossEntropy,
  type Eager,
  f32,
  i32,
  init,
  meanSquaredError,
  nn,
  optim,
  type RunOptions,
  type Session,
  type Tensor,
  tensor,
  trainStep,
} from '../../src/index.js';

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

  it('when it is there', () => {
    never(async () => (await step.compile({ threads: 2 })).run({ steps: 1, lr: 0.1 }));
    // @ts-expect-error a promise that is not awaited
    never(() => step.compile().run({ steps: 1, lr: 0.1 }));
    // @ts-expect-error a misspelled option
    never(() => step.compile({ thread: 2 }));
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

const deep = trainStep({
  model: {
    body: nn.sequential(nn.linear(2, 3), nn.tanh(), nn.sequential(nn.batchNorm(3), nn.dropout())),
    head: nn.layer({ scale: nn.parameter([3], init.ones) }, (x) => x),
    blocks: [nn.linear(3, 3), nn.linear(3, 3)],
    other: nn.linear(3, 3) as nn.Module,
  },
  batch: { x: f32(4, 2), y: i32(4) },
  loss: ({ body, head }, { x, y }) => crossEntropy(head(body(x)), y),
  optimizer: optim.adam(),
  predict: {
    inputs: { x: f32(1, 2) },
    output: ({ body }, { x }) => ({ hidden: body(x), most: body(x).argmax(-1) }),
  },
  entries: {
    two: { inputs: { x: f32(1, 2) }, output: ({ body }, { x }) => ({ a: body(x), b: body(x) }) },
    one: { inputs: { x: f32(1, 2) }, output: ({ body }, { x }) => body(x) },
  },
  trainable: { body: false, 'body.layers.2': true },
});
type Deep = ReturnType<typeof deep.interpret>;
const on = (_: (session: Deep) => unknown) => {};

describe('a session knows its model', () => {
  it('names of variables', () => {
    on((s) => s.read('body.layers.0.weight'));
    on((s) => s.write('body.layers.2.layers.0.runningMean', x));
    on((s) => s.read('body.layers.2.layers.1.key'));
    on((s) => s.read('head.scale'));
    on((s) => s.read('blocks.1.bias'));
    on((s) => s.read('other.whatever it has'));
    on((s) => s.read('optimizer.m.head.scale'));
    on((s) => s.names().map((name) => s.read(name)));
    // @ts-expect-error a misspelled name
    on((s) => s.read('body.layers.0.wieght'));
    // @ts-expect-error a layer without variables
    on((s) => s.read('body.layers.1.weight'));
    // @ts-expect-error a layer that there is not
    on((s) => s.write('body.layers.3.weight', x));
    // @ts-expect-error the layer, not its weight
    on((s) => s.read('body.layers.0'));
    // @ts-expect-error another part
    on((s) => s.read('tail.scale'));
    on((s) => ['body.layers.0.weight', 'head.scale'].map((name) => s.read(name)));
    // A session of any step takes any name, and a step of a layer whose parts nobody told.
    const any = (s: Session) => s.read('what');
    on(any);
    expectTypeOf<ReturnType<Session['names']>>().toEqualTypeOf<string[]>();
  });

  it('outputs, by name', () => {
    on((s) => s.predict({ x }).hidden.length + s.predict({ x }).most[0]);
    on((s) => s.invoke('two', { x }).a.length + s.invoke('one', { x }).output.length);
    on((s) => s.invoke('predict', { x }).hidden);
    // @ts-expect-error an output that predict does not have
    on((s) => s.predict({ x }).output);
    // @ts-expect-error several outputs are no array
    on((s) => s.predict({ x }).length);
    // @ts-expect-error an output of another entry
    on((s) => s.invoke('two', { x }).output);
    never((s) => s.predict({ x }).subarray(1));
    const without = () => trainStep({ ...good, loss: (m, { x }) => m(x).sum() }).interpret();
    // @ts-expect-error a step without predict
    never(() => without().predict({ x }));
  });

  it('what a run may go by', () => {
    never((s) =>
      s.run({ steps: 1, lr: 0.1, evaluate: { x, y }, best: { highest: 'accuracy' }, patience: 3 }),
    );
    never((s) =>
      s.run({ steps: 1, lr: 0.1, onProgress: ({ best, evaluated }) => [best?.at, evaluated?.accuracy] }),
    );
    // @ts-expect-error a metric that the step does not name
    never((s) => s.run({ steps: 1, lr: 0.1, best: { highest: 'precision' } }));
    // @ts-expect-error a metric of many numbers
    never((s) => s.run({ steps: 1, lr: 0.1, best: { highest: 'confusion' } }));
    // @ts-expect-error lowest or highest
    never((s) => s.run({ steps: 1, lr: 0.1, best: { lowest: 'loss', highest: 'accuracy' } }));
    const options: RunOptions = { steps: 1, lr: 0.1, every: undefined, signal: undefined };
    never((s) => s.run(options));
  });

  it('parts that may be frozen', () => {
    const model = { body: nn.linear(2, 3), head: nn.linear(3, 3) };
    const common = { ...good, model, loss: ({ head }: typeof model, { x }: { x: Tensor }) => head(x).sum() };
    const frozen = (_: () => unknown) => {};
    frozen(() => trainStep({ ...common, trainable: { '': false, 'head.bias': true } }));
    frozen(() => trainStep({ ...common, trainable: (name, shape) => name !== '' && shape.length > 1 }));
    // @ts-expect-error no word, but true or false
    frozen(() => trainStep({ ...common, trainable: { body: 'no' } }));
  });
});

it('eager tensors have their numbers', () => {
  const [a, b] = [tensor([[1, 2]]), tensor([0], { dtype: 'i32' })];
  expectTypeOf(a.mul(2).add(a).sum()).toEqualTypeOf<Eager>();
  expectTypeOf(a.split(2)[0]).toEqualTypeOf<Eager>();
  expectTypeOf(a.maxWithIndex(-1).values).toEqualTypeOf<Eager>();
  expectTypeOf(crossEntropy(a, b)).toEqualTypeOf<Eager>();
  expectTypeOf(meanSquaredError(a, 2)).toEqualTypeOf<Eager>();
  const use = (_: () => unknown) => {};
  use(() => a.tanh().item() + a.data[0]);
  use(() => a.exp().mean().backward());
  const traced = (x: Tensor, y: Tensor) => {
    expectTypeOf(crossEntropy(x, y)).toEqualTypeOf<Tensor>();
    // @ts-expect-error what is traced has no numbers
    return x.sum().item();
  };
  use(() => traced(a, b));
});

const good = { model: nn.linear(2, 3), batch: { x: f32(4, 2), y: i32(4) }, optimizer: optim.sgd() };

it('a step that is made of the wrong things', () => {
  const wrong = (_: () => unknown) => {};
  // @ts-expect-error an optimizer that is not called
  wrong(() => trainStep({ ...good, loss: (m, { x, y }) => crossEntropy(m(x), y), optimizer: optim.adam }));
  // @ts-expect-error a part of the batch that does not exist
  wrong(() => trainStep({ ...good, loss: (m, { x, labels }) => crossEntropy(m(x), labels) }));
  // @ts-expect-error a loss that is a number
  wrong(() => trainStep({ ...good, loss: () => 3 }));
  // @ts-expect-error no loss
  wrong(() => trainStep({ ...good }));
  // @ts-expect-error an activation that is not called
  wrong(() => nn.sequential(nn.linear(2, 3), nn.tanh));
  // @ts-expect-error one list of layers
  wrong(() => nn.sequential([nn.linear(2, 3), nn.tanh()]));
  // @ts-expect-error a layer without its outputs
  wrong(() => nn.linear(2));
  // @ts-expect-error an option of another engine
  wrong(() => optim.adam({ learningRate: 0.1 }));
  // @ts-expect-error numbers in place of a type
  wrong(() => trainStep({ ...good, batch: { x: [4, 2] }, loss: (m, { x }) => m(x).mean() }));
});

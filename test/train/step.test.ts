import { describe, expect, it } from 'vitest';
import { crossEntropy, f32, i32, init, nn, optim, trainStep } from '../../src/index.js';

const w = () => nn.parameter([2], init.ones);
const batch = { x: f32(3, 2) };
const optimizer = optim.sgd();

describe('trainStep', () => {
  it('names a parameter that the loss does not reach', () => {
    const model = { used: w(), left: w() };
    const step = trainStep({ model, batch, loss: (m, { x }) => x.mul(m.used).mean(), optimizer });
    expect(() => step.program).toThrow(
      'the loss does not reach left: take it out of the model, or set allowUnused',
    );
  });

  it('names all of them', () => {
    const model = { used: w(), a: [w()], b: { c: w() } };
    const step = trainStep({ model, batch, loss: (m, { x }) => x.mul(m.used).mean(), optimizer });
    expect(() => step.interpret()).toThrow(
      /^the loss does not reach a\.0, b\.c: take them out of the model, or set allowUnused \(step\.test\.ts:\d+\)$/,
    );
  });

  it('leaves them as they are where that is allowed', () => {
    const model = { used: w(), left: w() };
    const step = trainStep({
      model,
      batch,
      loss: (m, { x }) => x.mul(m.used).mean(),
      optimizer: optim.adamW({ weightDecay: 0.5 }),
      allowUnused: true,
    });
    const session = step.interpret();
    session.step({ lr: 0.5, batch: { x: [1, 2, 3, 4, 5, 6] } });
    expect(Array.from(session.read('left'))).toEqual([1, 1]);
    expect(Array.from(session.read('used'))).not.toEqual([1, 1]);
  });

  it.each([
    [
      'a tensor',
      (x: ReturnType<typeof nn.parameter>) => x.mul(2),
      /^the loss must be one f32 number, not f32\[2\]: take its mean \(step\.test\.ts:\d+\)$/,
    ],
    [
      'an integer',
      (x: ReturnType<typeof nn.parameter>) => x.sum().cast('i32'),
      /^the loss must be one f32 number, not i32\[\]: take its mean \(step\.test\.ts:\d+\)$/,
    ],
  ])('refuses a loss that is %s', (_, loss, message) => {
    const step = trainStep({ model: { w: w() }, batch, loss: (m) => loss(m.w), optimizer });
    expect(() => step.program).toThrow(
      expect.objectContaining({ message: expect.stringMatching(message), name: 'GraphError' }),
    );
  });

  it('refuses a variable that is not in the model', () => {
    const stray = w();
    const step = trainStep({
      model: { w: w() },
      batch,
      loss: (m, { x }) => x.mul(m.w).mul(stray).mean(),
      optimizer,
    });
    expect(() => step.program).toThrow(
      /^a parameter of shape \[2\] is used but not part of the model \(step\.test\.ts:\d+\): put it into the object given as model$/,
    );
  });

  it('refuses shapes that do not fit, with the line of the model', () => {
    const hidden = nn.linear(27, 200);
    const step = trainStep({
      model: hidden,
      batch: { x: f32(32, 30), y: i32(32) },
      loss: (model, { x, y }) => crossEntropy(model(x), y),
      optimizer,
    });
    expect(() => step.program).toThrow(
      /^linear\(27, 200\): expected \[batch, \.\.\., 27\], got \[32, 30\]: nn\.linear\(30, 200\) would fit \(step\.test\.ts:\d+\)$/,
    );
  });

  it.each<[string, () => unknown, string]>([
    [
      'no parameters',
      () => trainStep({ model: nn.tanh(), batch, loss: (_, { x }) => x.mean(), optimizer }),
      'trainStep: the model has no parameters',
    ],
    [
      'no batch',
      () => trainStep({ model: w(), batch: {}, loss: (m) => m.mean(), optimizer }),
      'trainStep: batch names no input',
    ],
    [
      'an input called learning_rate',
      () => trainStep({ model: w(), batch: { learning_rate: f32(1) }, loss: (m) => m.mean(), optimizer }),
      'trainStep: learning_rate is an input of its own: rename that part of the batch',
    ],
  ])('refuses %s', (_, make, message) => {
    expect(make).toThrow(expect.objectContaining({ message, name: 'OptionError' }));
  });

  it('refuses parts of a batch that have other numbers of rows', () => {
    const make = (y: ReturnType<typeof f32>) => () =>
      trainStep({ model: w(), batch: { x: f32(4, 3), y }, loss: (m) => m.mean(), optimizer });
    expect(make(f32(5))).toThrow(/^trainStep: the parts of a batch differ: x has 4 rows, y has 5 rows/);
    expect(make(f32())).toThrow(/^trainStep: the parts of a batch differ: x has 4 rows, y has no rows/);
  });
});

describe('the program of a step', () => {
  it('has train, evaluate and, where it is defined, predict', () => {
    const options = {
      model: nn.linear(2, 1),
      batch,
      loss: (m: nn.Module, { x }: { x: Parameters<nn.Module>[0] }) => m(x).mean(),
      optimizer,
    };
    expect(Object.keys(trainStep(options).program.entries)).toEqual(['train', 'evaluate']);
    const predict = { inputs: { x: f32(1, 2) }, output: options.loss };
    expect(Object.keys(trainStep({ ...options, predict }).program.entries)).toEqual([
      'train',
      'evaluate',
      'predict',
    ]);
  });

  it('is traced once', () => {
    let traced = 0;
    const step = trainStep({
      model: { w: w() },
      batch,
      loss: (m, { x }) => {
        traced++;
        return x.mul(m.w).mean();
      },
      optimizer,
    });
    expect(step.program).toBe(step.program);
    expect(traced).toBe(2);
  });

  it('gives out gradients where they are kept', () => {
    const make = (keepGradients: boolean) =>
      trainStep({
        model: { w: w() },
        batch,
        loss: (m, { x }) => x.mul(m.w).mean(),
        optimizer,
        keepGradients,
      });
    const outputs = (keep: boolean) => make(keep).program.entries.train.outputs.map((o) => o.name);
    expect(outputs(false)).toEqual(['loss']);
    expect(outputs(true)).toEqual(['loss', 'gradient.w']);
  });
});

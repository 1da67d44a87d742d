import { describe, expect, it } from 'vitest';
import {
  crossEntropy,
  diagnose,
  f32,
  i32,
  meanSquaredError,
  nn,
  optim,
  stopGradient,
  type Trainable,
  trainStep,
} from '../../src/index.js';
import { variables } from './small.js';

// A body that was trained before, and a head that is trained now.

const parts = () => ({
  body: nn.sequential(nn.linear(3, 8), nn.batchNorm(8), nn.tanh()),
  head: nn.linear(8, 2),
});
const batch = { x: f32(6, 3), y: i32(6) };
const rows = {
  x: Array.from({ length: 60 }, (_, i) => Math.sin(i * i + 1)),
  y: Array.from({ length: 20 }, (_, i) => (i * i) % 2),
};

interface Given {
  trainable?: Trainable;
  optimizer?: ReturnType<typeof optim.adam>;
  separate?: boolean;
  diagnostics?: boolean;
}

function fineTuning({ optimizer = optim.adam(), ...options }: Given = {}) {
  return trainStep({
    name: 'fine',
    model: parts(),
    batch,
    loss: ({ body, head }, { x, y }) => crossEntropy(head(body(x)), y),
    optimizer,
    ...options,
  });
}

const bodyOf = (all: Record<string, number[]>) =>
  Object.fromEntries(Object.entries(all).filter(([name]) => name.startsWith('body.')));

describe('what is frozen', () => {
  it.each(['tape', 'compiled'] as const)('keeps its bits, running statistics too: %s', async (engine) => {
    const step = fineTuning({ trainable: { body: false } });
    const session = engine === 'tape' ? step.interpret() : await step.compile();
    session.data(rows);
    const before = variables(session);
    await session.run({ steps: 12, lr: 0.05 });
    const after = variables(session);
    expect(bodyOf(after)).toEqual(bodyOf(before));
    expect(after['head.weight']).not.toEqual(before['head.weight']);
    // What the tape does, the compiled step does.
    const other = step.interpret({ precision: 'float64' });
    other.data(rows);
    await other.run({ steps: 12, lr: 0.05 });
    variables(other)['head.weight'].forEach((x, i) => {
      expect(after['head.weight'][i]).toBeCloseTo(x, 4);
    });
    await session.close();
  });

  it('has no state of the optimizer, no gradient and is not counted', () => {
    const [whole, head] = [fineTuning().interpret(), fineTuning({ trainable: { body: false } }).interpret()];
    const ofBody = (names: string[]) => names.filter((name) => name.includes('body.'));
    expect(ofBody(whole.names('state'))).toContain('optimizer.m.body.layers.0.weight');
    expect(ofBody(head.names('state')).sort()).toEqual([
      'body.layers.1.runningMean',
      'body.layers.1.runningVariance',
    ]);
    expect(head.names('parameter')).toEqual(whole.names('parameter'));
    expect([whole.parameterCount, head.parameterCount]).toEqual([24 + 8 + 16 + 18, 18]);
    const products = (step: ReturnType<typeof fineTuning>) =>
      step.program.entries.train.nodes.filter(({ op }) => op.name === 'matmul').length;
    // Forward two, and one for the head's weight; else also what flows into the body, and its weight.
    expect(products(fineTuning({ trainable: { body: false } }))).toBe(3);
    expect(products(fineTuning())).toBe(5);
  });

  it('leaves the rest the bits that it has behind stopGradient', async () => {
    const model = () => ({ body: nn.linear(3, 4), head: nn.linear(4, 2) });
    const common = { batch, optimizer: optim.sgd({ momentum: 0.9 }) };
    const frozen = trainStep({
      ...common,
      model: model(),
      loss: ({ body, head }, { x, y }) => crossEntropy(head(body(x)), y),
      trainable: { '': false, head: true },
    }).interpret();
    const stopped = trainStep({
      ...common,
      model: model(),
      loss: ({ body, head }, { x, y }) => crossEntropy(head(stopGradient(body(x))), y),
      allowUnused: true,
    }).interpret();
    for (const session of [frozen, stopped]) {
      session.data(rows);
      await session.run({ steps: 10, lr: 0.1 });
    }
    expect([...frozen.read('head.weight')]).toEqual([...stopped.read('head.weight')]);
  });

  it('is told by the longest path, or by a function', () => {
    const trained = (trainable: Given['trainable']) => {
      const { variables } = fineTuning({ trainable }).definition;
      return variables.filter((v) => v.role === 'parameter' && !v.frozen).map(({ name }) => name);
    };
    expect(trained({ body: false, 'body.layers.0.bias': true })).toEqual([
      'body.layers.0.bias',
      'head.weight',
      'head.bias',
    ]);
    expect(trained({ '': false, 'body.layers.1': true })).toEqual([
      'body.layers.1.gain',
      'body.layers.1.bias',
    ]);
    expect(trained((name, shape) => name.startsWith('head') && shape.length === 2)).toEqual(['head.weight']);
    expect(trained({})).toHaveLength(6);
    expect(trained({ body: undefined })).toHaveLength(6);
  });

  it.each<[unknown, string]>([
    [{ bodi: false }, 'trainStep: trainable: the model has no part with variables bodi: did you mean body'],
    [{ 'body.layers.2': false }, 'trainStep: trainable: the model has no part with variables body.layers.2'],
    [{ body: 0 }, 'trainStep: trainable: body must be true or false, got'],
    [false, 'trainStep: trainable must say which parts of the model are trained, as in { body: false }'],
    [['body'], 'trainStep: trainable must say which parts of the model are trained'],
    [{ '': false }, 'trainStep: trainable leaves nothing to train'],
    [() => false, 'trainStep: trainable leaves nothing to train'],
    [() => 1, "trainStep: trainable('body.layers.0.weight') must be true or false"],
  ])('%j is refused where it says nothing that can be done', (trainable, message) => {
    expect(() => fineTuning({ trainable: trainable as Given['trainable'] })).toThrow(
      expect.objectContaining({ name: 'OptionError', message: expect.stringContaining(message) }),
    );
  });

  it('is left out of gradients that are given out, of diagnostics and of what the doctor finds', async () => {
    const step = fineTuning({ trainable: { body: false }, separate: true, diagnostics: true });
    const session = step.interpret();
    session.data(rows);
    session.step({ lr: 0.1 });
    const { gradients } = session.backward();
    expect(Object.keys(gradients)).toEqual(['head.weight', 'head.bias']);
    session.update(gradients, { lr: 0.1 });
    expect(session.diagnostics().records[0].parameters.map(({ name }) => name)).toEqual(
      Object.keys(gradients),
    );
    const found = async (of: typeof step) => JSON.stringify((await diagnose(of, { data: rows })).findings);
    expect(await found(fineTuning())).toContain('body.layers.0.bias');
    expect(await found(step)).not.toContain('body.layers.0.bias');
  });

  it('does not stop the random numbers of its dropout', () => {
    const session = trainStep({
      model: { body: nn.sequential(nn.linear(2, 64), nn.dropout(0.5)), head: nn.linear(64, 1) },
      batch: { x: f32(2, 2), y: f32(2, 1) },
      loss: ({ body, head }, { x, y }) => meanSquaredError(head(body(x)), y),
      optimizer: optim.sgd(),
      trainable: { body: false },
    }).interpret();
    const one = { x: [1, 2, 3, 4], y: [0, 1] };
    const losses = Array.from({ length: 3 }, () => session.step({ lr: 0, batch: one }));
    expect(new Set(losses).size).toBe(3);
  });
});

describe('checkpoints', () => {
  it('of a frozen model go into one that is not, whose optimizer begins anew', async () => {
    const [head, whole] = [fineTuning({ trainable: { body: false } }), fineTuning()].map((s) =>
      s.interpret(),
    );
    head.data(rows);
    await head.run({ steps: 5, lr: 0.05 });
    whole.data(rows);
    await whole.run({ steps: 3, lr: 0.05 });
    whole.restore(head.checkpoint());
    const [from, to] = [variables(head), variables(whole)];
    expect(whole.at).toBe(5);
    for (const name of head.names()) if (!name.startsWith('optimizer.')) expect(to[name]).toEqual(from[name]);
    for (const name of whole.names('state'))
      if (name.startsWith('optimizer.')) expect(to[name].every((x) => x === 0)).toBe(true);
    // The first step of Adam is of the size of the rate, as with an optimizer that has just begun.
    whole.step({ lr: 0.01 });
    const moved = Math.abs(whole.read('body.layers.0.weight')[0] - to['body.layers.0.weight'][0]);
    expect(moved).toBeCloseTo(0.01, 4);
  });

  it('of a whole model go into a frozen one, with what the optimizer knows of the rest', async () => {
    const [whole, head] = [fineTuning(), fineTuning({ trainable: { body: false } })].map((s) =>
      s.interpret(),
    );
    whole.data(rows);
    await whole.run({ steps: 5, lr: 0.05 });
    head.restore(whole.checkpoint());
    for (const name of head.names()) expect([...head.read(name)]).toEqual([...whole.read(name)]);
  });

  it('of other models and optimizers are refused as before', () => {
    const sgd = fineTuning({ optimizer: optim.sgd(), trainable: { body: false } }).interpret();
    const adam = fineTuning().interpret();
    expect(() => adam.restore(sgd.checkpoint())).toThrow(
      'checkpoint: optimizer.m.body.layers.0.weight is missing: it was saved from another model',
    );
    const mild = fineTuning({ trainable: { head: false } }).interpret();
    const rest = fineTuning({ trainable: { body: false } }).interpret();
    expect(() => rest.restore(adam.checkpoint())).not.toThrow();
    expect(() => rest.restore(mild.checkpoint())).not.toThrow();
    expect(() => adam.restore(adam.checkpoint({ frozen_parameters: 'no list' }))).toThrow(
      'checkpoint: no list is not a list of what was frozen',
    );
  });
});

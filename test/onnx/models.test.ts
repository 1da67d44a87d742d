import { describe, expect, it } from 'vitest';
import {
  crossEntropy,
  f32,
  i32,
  lenet,
  mean,
  meanSquaredError,
  nn,
  optim,
  trainStep,
} from '../../src/index.js';
import { namesStep } from '../../src/models/bengio.js';
import { readingStep, textStep, writingStep } from '../../src/models/text.js';
import type { AnyTrainStep } from '../../src/run/train-step.js';
import { opsOf } from './runtime.js';
import { predictions, trainings } from './training.js';

// Models in onnxruntime against ours: what they predict, and 20 training steps.

const any = (step: unknown) => step as AnyTrainStep;

const names = any(namesStep({ vocab: 27, context: 3, embed: 10, hidden: 64, norm: 'batch', batch: 32 }));
const digits = any(
  trainStep({
    name: 'digits',
    model: lenet(),
    batch: { x: f32(4, 28, 28, 1), y: i32(4) },
    loss: (model, { x, y }) => crossEntropy(model(x), y),
    optimizer: optim.adam(),
    predict: { inputs: { x: f32(2, 28, 28, 1) }, output: (model, { x }) => model(x) },
  }),
);
const gpt = { vocab: 30, context: 16, width: 32, heads: 4, layers: 1 };
const llama = { ...gpt, norm: 'rms', mlp: 'gated', positions: 'rotary', groups: 2 } as const;
const series = any(
  trainStep({
    name: 'series',
    model: { cells: nn.gru(4, 6), head: nn.linear(6, 10) },
    batch: { x: f32(3, 7, 4), y: i32(3) },
    loss: (model, { x, y }) => crossEntropy(model.head(mean(model.cells(x), 1)), y),
    optimizer: optim.sgd({ momentum: 0.9 }),
    predict: { inputs: { x: f32(3, 7, 4) }, output: (model, { x }) => model.head(mean(model.cells(x), 1)) },
  }),
);
const both = any(
  trainStep({
    name: 'both ways',
    model: { cells: nn.lstm(4, 3, { layers: 2, bidirectional: true }), head: nn.rnn(6, 5) },
    batch: { x: f32(3, 7, 4), y: f32(3, 7, 5) },
    loss: (model, { x, y }) => meanSquaredError(model.head(model.cells(x)), y),
    optimizer: optim.sgd(),
    predict: { inputs: { x: f32(1, 7, 4) }, output: (model, { x }) => model.head(model.cells(x)) },
  }),
);

const predicting: [string, AnyTrainStep, string[], string[]][] = [
  ['names', names, ['Softmax'], ['Exp']],
  ['digits', digits, ['Conv', 'MaxPool'], ['Gather', 'ReduceMax']],
  [
    'a GPT',
    any(readingStep(gpt)),
    ['LayerNormalization', 'Attention', 'Gelu'],
    ['Exp', 'Erf', 'Tanh', 'Softmax'],
  ],
  ['a GPT as LLaMA', any(readingStep(llama)), ['RMSNormalization', 'Softmax'], ['Exp', 'Sqrt']],
  ['a GRU', series, ['Scan'], []],
  ['an LSTM', both, ['Scan', 'Concat'], []],
];

describe('what a model predicts in onnxruntime', () => {
  it.each(predicting)('is what %s predicts here', async (_, step, has, hasNot) => {
    const session = step.interpret({ seed: 3 });
    const { graph, difference, largest } = await predictions(step, session, 27, { rows: [1, 2, 5] });
    expect(graph.inputs[0].shape[0]).toBe('rows');
    const ops = Object.keys(opsOf(graph));
    expect(ops).toEqual(expect.arrayContaining(has));
    expect(ops.filter((op) => hasNot.includes(op))).toEqual([]);
    expect(difference).toBeLessThan(1e-6 * Math.max(1, largest));
    await session.close();
  });

  it('is what a GPT writes that keeps keys and values', async () => {
    const step = any(writingStep(gpt));
    const session = step.interpret({ seed: 3 });
    const { graph, difference } = await predictions(step, session, 15, { entry: 'generate' });
    const outputs = graph.outputs.map(({ name }) => name);
    expect(outputs).toContain('cache.0.keys.out');
    expect(graph.inputs.map(({ name }) => `${name}.out`)).toEqual(
      expect.arrayContaining(outputs.filter((name) => name !== 'output')),
    );
    expect(difference).toBeLessThan(1e-6);
    await session.close();
  });
});

describe('20 training steps in onnxruntime', () => {
  // Where a gradient is nothing but rounding, as that of keys' biases, Adam makes a whole step of it: few elements, which differ
  // between any two engines, and which no loss depends on.
  it.each<[string, AnyTrainStep, { lr: number; apart: number; share: number }]>([
    ['names', names, { lr: 0.1, apart: 1e-6, share: 0 }],
    ['digits', digits, { lr: 0.001, apart: 5e-4, share: 1e-3 }],
    [
      'a GPT with dropout',
      any(textStep({ ...gpt, batch: 4, clip: 1, dropout: 0.1 })),
      { lr: 0.001, apart: 5e-3, share: 2e-3 },
    ],
    ['a GRU', series, { lr: 0.1, apart: 1e-6, share: 0 }],
  ])('are those of %s here', async (_, step, most) => {
    const { losses, apart, share } = await trainings(step, 10, most.lr);
    expect(losses).toBeLessThan(2e-6);
    expect(apart).toBeLessThan(most.apart);
    expect(share).toBeLessThanOrEqual(most.share);
  });
});

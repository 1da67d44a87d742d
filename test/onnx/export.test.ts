import { describe, expect, it } from 'vitest';
import { DataError, f32, meanSquaredError, nn, optim, trainStep } from '../../src/index.js';
import { encodeOnnx } from '../../src/onnx/encode.js';
import { onnxGraph } from '../../src/onnx/export.js';
import { toOnnx } from '../../src/onnx/index.js';
import { refusal } from '../ops/run.js';
import { load } from './runtime.js';

const body = nn.linear(2, 3);
const head = nn.linear(3, 1);
const step = trainStep({
  name: 'small',
  model: { body, head },
  batch: { x: f32(4, 2), y: f32(4, 1) },
  loss: ({ body, head }, { x, y }) => meanSquaredError(head(body(x)), y),
  optimizer: optim.sgd({ momentum: 0.9 }),
  trainable: { body: false },
  predict: { inputs: { x: f32(1, 2) }, output: ({ body, head }, { x }) => ({ x, y: head(body(x)) }) },
  entries: { fixed: { inputs: { x: f32(4, 2) }, output: (_, { x }) => x.mul(x.shape[0]) } },
});
const session = step.interpret();

describe('a training step', () => {
  const { inputs, outputs, tensors, nodes } = onnxGraph(step, session, { entry: 'train' });

  it('has its state as inputs and outputs, and what is frozen inside', () => {
    expect(inputs.map(({ name }) => name)).toEqual([
      ...['x', 'y', 'learning_rate', 'head.weight', 'head.bias'],
      ...['optimizer.velocity.head.weight', 'optimizer.velocity.head.bias'],
    ]);
    expect(outputs.map(({ name }) => name)).toEqual([
      ...['loss', 'head.weight.out', 'head.bias.out'],
      ...['optimizer.velocity.head.weight.out', 'optimizer.velocity.head.bias.out'],
    ]);
    const weights = tensors.filter(({ name }) => name.startsWith('body.'));
    expect(weights.map(({ name, data }) => [name, [...(data as number[])]])).toEqual([
      ['body.weight', [...session.read('body.weight')]],
      ['body.bias', [...session.read('body.bias')]],
    ]);
  });

  it('is the same bytes each time', async () => {
    const written = () => toOnnx(step, session, { entry: 'train' });
    expect(await written()).toEqual(await written());
  });

  it('says which line of the user each op is of', () => {
    expect(nodes.filter(({ where }) => where.startsWith('export.test.ts:')).length).toBeGreaterThan(3);
  });
});

describe('what predicts', () => {
  it('has what it adds by other names than the user', async () => {
    const taken = trainStep({
      ...{ model: head, batch: { x: f32(4, 3), y: f32(4, 1) }, optimizer: optim.sgd() },
      loss: (model, { x, y }) => meanSquaredError(model(x), y),
      predict: {
        inputs: { shape_rows_4: f32(1, 2, 2) },
        output: (_, { shape_rows_4: x }) => x.reshape([x.shape[0], 4]),
      },
    });
    const running = await load(await toOnnx(taken, taken.interpret()));
    const x = { shape: [1, 2, 2], dtype: 'f32', data: [1, 2, 3, 4] } as const;
    expect((await running.run({ shape_rows_4: x })).output.data).toEqual([1, 2, 3, 4]);
  });

  it('has outputs by other names than inputs, and takes any number of rows', async () => {
    const running = await load(await toOnnx(step, session));
    const x = { shape: [2, 2], dtype: 'f32', data: [1, 2, 3, 4] } as const;
    const made = await running.run({ x });
    expect(made['x.out'].data).toEqual([1, 2, 3, 4]);
    const { y } = session.predict({ x: x.data as never });
    made.y.data.forEach((value, i) => {
      expect(value).toBeCloseTo(y[i], 5);
    });
    await running.close();
  });

  it('keeps its number of rows where that is a number in the model', () => {
    const { inputs } = onnxGraph(step, session, { entry: 'fixed' });
    expect(inputs[0].shape).toEqual([4, 2]);
  });
});

describe('what cannot be written', () => {
  const other = trainStep({
    model: { body: nn.linear(2, 5), head: nn.linear(5, 1) },
    batch: { x: f32(4, 2), y: f32(4, 1) },
    loss: ({ body, head }, { x, y }) => meanSquaredError(head(body(x)), y),
    optimizer: optim.sgd(),
  });

  it.each<[string, () => unknown]>([
    [
      'OptionError: toOnnx: step has no predict, only train, evaluate: define predict in trainStep, or choose one as entry',
      () => onnxGraph(other, other.interpret()),
    ],
    [
      'OptionError: toOnnx: small has no toString, only train, evaluate, predict, fixed: choose one of them',
      () => onnxGraph(step, session, { entry: 'toString' }),
    ],
    [
      'OptionError: toOnnx: body.weight has 6 elements in the step and 10 in the session: give a session of this step',
      () => onnxGraph(step, other.interpret()),
    ],
    [
      'OptionError: toOnnx: expected what trainStep returns first, got an object',
      () => onnxGraph({}, session),
    ],
    [
      'OptionError: toOnnx: expected a session second, as what step.compile() or step.interpret() gives, got undefined',
      () => onnxGraph(step, undefined as never),
    ],
  ])('says: %s', (message, f) => {
    expect(refusal(f)).toBe(message);
  });

  it('says which packages are missing', async () => {
    const none = () => Promise.reject(Object.assign(new Error(), { code: 'ERR_MODULE_NOT_FOUND' }));
    const encoded = encodeOnnx(onnxGraph(step, session), none);
    await expect(encoded).rejects.toThrow(
      new DataError('ONNX files need two packages: npm install onnx-buf @bufbuild/protobuf'),
    );
  });
});

import { readFile, writeFile } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import { decodeSafetensors } from '../../src/data/safetensors.js';
import { load } from '../onnx/runtime.js';
import { lastJson, quickly, run, SMALL, workspace } from './command.js';

const { path, list } = workspace();
const quick = quickly();

beforeAll(async () => {
  const data = ['--data', path('words.txt')];
  await Promise.all([
    run('train', 'names', ...SMALL, ...data, '--out', path('run'), '--steps', '20'),
    run(
      ...(['train', 'text', '--engine', 'tape', '--context', '8', '--layers', '1', '--heads', '2'] as const),
      ...(['--dim', '8', '--batch', '2', '--steps', '2', ...data, '--out', path('text')] as const),
    ),
  ]);
  await writeFile(
    path('model.mjs'),
    `import { f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
export const step = trainStep({
  name: 'line',
  model: nn.linear(1, 1),
  batch: { x: f32(4, 1), y: f32(4, 1) },
  loss: (model, { x, y }) => meanSquaredError(model(x), y),
  optimizer: optim.sgd(),
  predict: { inputs: { x: f32(1, 1) }, output: (model, { x }) => model(x) },
});
`,
  );
});

test('export writes what predicts, with the weights of a run', async () => {
  const { code, stdout, stderr } = await quick('export', path('run'), '--onnx', path('names.onnx'));
  expect([code, stderr]).toEqual([0, '']);
  const lines = stdout.trimEnd().split('\n');
  expect(lines[0]).toMatch(/^names\.predict, \d+ nodes of ONNX operator set 23, [\d,]+ bytes$/);
  expect(lines.slice(1)).toEqual([
    '  input  x: i32[rows,3]',
    '  output output: f32[rows,14]',
    `Written: ${path('names.onnx')}`,
  ]);
  const running = await load(await readFile(path('names.onnx')));
  const x = { data: [0, 1, 2, 3, 4, 5], shape: [2, 3], dtype: 'i32' } as const;
  const { output } = await running.run({ x });
  const sum = (row: number) => output.data.slice(14 * row, 14 * row + 14).reduce((a, b) => a + b);
  expect([output.shape, Math.abs(sum(0) - 1) < 1e-5, Math.abs(sum(1) - 1) < 1e-5]).toEqual([
    [2, 14],
    true,
    true,
  ]);
  await running.close();
});

test('export writes the training step, and beside it what its state begins as', async () => {
  const ended = await quick('export', path('run'), '--onnx', path('step.onnx'), '--training', '--json');
  const { inputs, state, opset } = lastJson(ended);
  expect([ended.code, opset, state]).toEqual([0, 23, path('step.state.safetensors')]);
  const { tensors } = decodeSafetensors(await readFile(state));
  const given = Object.fromEntries(
    inputs.map(({ name, shape, dtype }: { name: string; shape: number[]; dtype: 'f32' }) => {
      const size = shape.reduce((a, b) => a * b, 1);
      const data = tensors.get(name)?.data ?? new Array(size).fill(name === 'learning_rate' ? 0.1 : 1);
      return [name, { shape, dtype, data }];
    }),
  );
  const running = await load(await readFile(path('step.onnx')));
  const losses: number[] = [];
  for (let at = 0; at < 5; at++) {
    const made = await running.run(given);
    losses.push(made.loss.data[0]);
    for (const name of tensors.keys()) given[name].data = made[`${name}.out`].data;
  }
  // The same rows again and again.
  expect(losses.every((loss, i) => i === 0 || loss < losses[i - 1])).toBe(true);
  await running.close();
});

test('a text has the logits of each place, though its training predicts nothing', async () => {
  const ended = await quick('export', path('text'), '--onnx', path('text.onnx'), '--json');
  const { inputs, outputs } = lastJson(ended);
  expect([inputs[0].shape, outputs[0].shape]).toEqual([
    ['rows', 8],
    ['rows', 8, expect.any(Number)],
  ]);
});

test('a model file has weights of its own, or those that it begins with', async () => {
  const args = ['export', path('model.mjs'), '--onnx', path('line.onnx')];
  const { code, stdout } = await run(...args, '--weights', 'initial');
  expect([code, stdout.split('\n')[0]]).toEqual([0, expect.stringMatching(/^line\.predict, /)]);
});

test.each<[string[], string, number]>([
  [
    ['RUN', '--onnx', 'names.txt'],
    '--onnx names.txt: give a file whose name ends in .onnx, which is written over',
    2,
  ],
  [
    ['RUN', '--onnx', 'OUT', '--training', '--entry', 'predict'],
    '--entry predict: --training is the entry train; leave one of them out',
    2,
  ],
  [
    ['RUN', '--onnx', 'OUT', '--entry', 'score'],
    'toOnnx: names has no score, only train, evaluate, predict: choose one of them',
    2,
  ],
  [
    ['RUN', '--onnx', 'OUT', '--weights', 'initial'],
    '--weights initial: that is for a model file; a run has its own weights',
    2,
  ],
  [['MODEL', '--onnx', 'OUT', '--weights', 'MODEL'], 'MODEL: the header length reads', 1],
  [['NONE', '--onnx', 'OUT'], 'cannot read the folder "NONE": it does not exist; check the path', 1],
])('export %s is refused', async (args, message, code) => {
  const places: Record<string, string> = {
    RUN: path('run'),
    OUT: path('out.onnx'),
    NONE: path('none'),
    MODEL: path('model.mjs'),
  };
  const ended = await quick('export', ...args.map((arg) => places[arg] ?? arg));
  const told = message.replace('NONE', path('none')).replace('MODEL', path('model.mjs'));
  expect([ended.code, ended.stderr.split(' (see ')[0].trimEnd()]).toEqual([
    code,
    expect.stringContaining(`2headgrad: ${told}`),
  ]);
  expect(await list()).not.toContain('out.onnx');
});

import { readFile, writeFile } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import { readConfig } from '../../src/cli/folder.js';
import { modelFile } from '../../src/cli/kinds/file.js';
import type { Kind } from '../../src/cli/kinds/kind.js';
import { f32, nn, optim, trainStep } from '../../src/index.js';
import type { AnyTrainStep } from '../../src/run/train-step.js';
import { type Ended, json, lastJson, quickly, workspace } from './command.js';

// What a model file asks for by `setting` is given by --set, and kept with the run.

const { path } = workspace();
const quick = quickly();

const SOURCE = `import { crossEntropy, f32, i32, nn, optim, setting, softmax, trainStep } from '2headgrad';
const hidden = setting('hidden', 4, { min: 1, max: 64, integer: true });
const tie = setting('tie', false);
export const step = trainStep({
  model: nn.sequential(nn.linear(2, hidden, { bias: !tie }), nn.tanh(), nn.linear(hidden, 3)),
  batch: { x: f32(2, 2), y: i32(2) },
  loss: (model, { x, y }) => crossEntropy(model(x), y),
  optimizer: optim.sgd(),
  predict: { inputs: { x: f32(1, 2) }, output: (model, { x }) => softmax(model(x)) },
});
export const training = { steps: setting('length', 3) };
export const data = { x: [[0, 1], [1, 0], [1, 1]], y: [0, 1, 2] };
export const sample = () => \`\${hidden} \${tie}\`;
`;

let file = '';
let trained: Ended;
const train = (...args: string[]) => quick('train', file, '--engine', 'tape', ...args);

beforeAll(async () => {
  file = path('model.ts');
  await writeFile(file, SOURCE);
  await writeFile(path('space.json'), '{"lr": 1}');
  trained = await train('--set', 'hidden=1.6e1', '--set', 'tie=true', '--out', path('run'), '--json');
});

test('a run has the settings that it was begun with, and is told by them', async () => {
  expect([trained.code, trained.stderr]).toEqual([
    0,
    expect.stringContaining('hidden 16, tie true, length 3, sgd'),
  ]);
  const set = { hidden: 16, tie: true, length: 3 };
  expect(lastJson(trained)).toMatchObject({
    parameters: 2 * 16 + 16 * 3 + 3,
    steps: 3,
    set,
    samples: ['16 true'],
  });
  expect((await json(path('run', 'config.json'))).set).toEqual(set);
  const page = await readFile(path('run', 'report.html'), 'utf8');
  for (const flag of ['hidden=16', 'tie=true', 'length=3']) expect(page).toContain(`--set ${flag}`);
});

test('it goes on, and is used, with these, and refuses others', async () => {
  const more = await train('--resume', '--out', path('run'), '--steps', '5', '--set', 'hidden=16', '--json');
  expect([more.code, lastJson(more)]).toMatchObject([0, { steps: 5, samples: ['16 true'] }]);
  const sampled = await quick('sample', path('run'), '--model', file);
  expect(sampled.stdout).toBe('16 true\n');
  const onnx = path('run.onnx');
  const exported = await quick('export', path('run'), '--model', file, '--onnx', onnx);
  expect([exported.code, exported.stdout]).toEqual([0, expect.stringContaining(`Written: ${onnx}`)]);
  const has = `--set hidden=8: the run in ${path('run')} has hidden=16; leave the option out, or train into another`;
  for (const args of [
    ['train', file, '--resume', '--out', path('run')],
    ['sample', path('run'), '--model', file],
    ['export', path('run'), '--model', file, '--onnx', onnx],
  ]) {
    const { code, stderr } = await quick(...args, '--set', 'hidden=8');
    expect([code, stderr]).toEqual([2, expect.stringContaining(has)]);
  }
});

test('a run in a folder that was taken for another is not gone on with', async () => {
  const step = trainStep({
    ...{ model: nn.linear(1, 1), batch: { x: f32(2, 1) }, optimizer: optim.sgd() },
    loss: (model, { x }) => model(x).mean(),
  }) as unknown as AnyTrainStep;
  const asked = { limits: {}, where: '' };
  const settings = new Map([['hidden', { ...asked, initial: 4, value: 8 }]]);
  const own = { path: file, steps: new Map([['step', step]]), graphs: new Map(), settings, exports: {} };
  const kind = modelFile({ ...own, data: async () => undefined }, { name: 'step', step });
  await expect(readConfig(path('run'), kind as unknown as Kind)).rejects.toThrow(
    'hidden is 16, and the model file was run with 8: name the folder',
  );
});

test('a run whose settings the file does not take any more says so, and one that is damaged too', async () => {
  const changed = async (from: string, to: string) => {
    await writeFile(path('changed.ts'), SOURCE.replace(from, to));
    return quick('train', path('changed.ts'), '--engine', 'tape', '--resume', '--out', path('run'));
  };
  const [narrow, renamed] = [await changed('max: 64', 'max: 8'), await changed("'tie'", "'tied'")];
  expect([narrow.code, narrow.stderr]).toEqual([
    1,
    expect.stringMatching(
      /hidden=16, as the run in .*run has it: expected a whole number from 1 to 8 \(changed\.ts:2\)/,
    ),
  ]);
  expect([renamed.code, renamed.stderr]).toEqual([
    1,
    expect.stringMatching(
      /tie=true, as the run in .* has it: .*changed\.ts has no setting tie: did you mean tied\?/,
    ),
  ]);
  const config = await readFile(path('run', 'config.json'), 'utf8');
  await writeFile(path('run', 'config.json'), config.replace('"hidden": 16', '"hidden": [16]'));
  const damaged = await train('--resume', '--out', path('run'));
  expect([damaged.code, damaged.stderr]).toEqual([
    1,
    expect.stringContaining('config.json": set does not say what the settings of its model file are'),
  ]);
});

test.each([
  ['train'],
  ['train', '--resume'],
  ['lr-find'],
  ['inspect'],
  ['doctor'],
  ['compile', '--out', 'none'],
  ['bench'],
  ['export', '--onnx', 'none.onnx', '--weights', 'initial'],
  ['sample'],
  ['sweep', '--space', 'space.json', '--out', 'none'],
])('%s %s takes them, and says which there are', async (command, ...args) => {
  const paths = args.map((arg) => (/^(none|space)/.test(arg) ? path(arg) : arg));
  const { code, stderr } = await quick(command, file, ...paths, '--set', 'hiden=3');
  const told = `--set hiden=3: ${file} has no setting hiden: did you mean hidden? It has hidden, tie, length (see 2headgrad ${command} --help)`;
  expect([code, stderr]).toEqual([2, `2headgrad: ${told}\n`]);
});

test('they reach the graph, the rate that is looked for, and the command that trains with it', async () => {
  const graph = await quick('inspect', file, '--set', 'hidden=7');
  expect(graph.stdout).toContain('parameter "layers.0.weight" : f32[2,7]');
  const found = await quick(
    ...['lr-find', file, '--engine', 'tape', '--steps', '50', '--out', path('lr')],
    ...['--set', 'hidden=7', '--json'],
  );
  expect(lastJson(found).command).toMatch(/ --engine tape --set hidden=7$/);
  const doctor = await quick('doctor', file, '--set', 'hidden=7');
  expect(doctor.stdout).toContain(`${2 * 7 + 7 + 7 * 3 + 3} parameters`);
});

test('wrong calls are refused', async () => {
  const cases: [string[], string][] = [
    [
      ['train', file, '--set', 'hidden=0'],
      '--set hidden=0: expected a whole number from 1 to 64 (model.ts:2)',
    ],
    [['train', file, '--set', 'hidden'], 'Expected name=value, such as hidden=128.'],
    [['train', file, '--set', 'hidden=1', '--set', 'hidden=2'], 'hidden is 1 already: give each once.'],
    [['train', file, '--hidden', '8'], 'which has a setting of that name: --set hidden=8'],
    [
      ['train', 'names', '--set', 'hidden=8'],
      '--set hidden=8: that is for what a model file asks for; names has options: --context',
    ],
    [['doctor', 'names', '--set', 'hidden=8'], 'names has options: --context, --embed, --hidden,'],
    [
      ['sample', path('run'), '--set', 'hidden=8'],
      '--set hidden=8: that is for a model file: name it by --model',
    ],
    [
      ['export', path('run'), '--onnx', path('x.onnx'), '--set', 'hidden=8'],
      'that is for a model file: name it by',
    ],
  ];
  for (const [args, message] of cases) {
    const { code, stderr } = await quick(...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  }
  await writeFile(path('taken.ts'), SOURCE.replace("setting('tie', false)", "setting('seed', 1) === 1"));
  const taken = await quick('train', path('taken.ts'));
  expect([taken.code, taken.stderr]).toEqual([
    1,
    expect.stringContaining(
      'the setting seed has the name of an option of every model file, --seed: call it otherwise',
    ),
  ]);
});

import { readFile, writeFile } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import { lastJson, run, workspace } from './command.js';

// A model file may say how to sample: training ends with a sample, and `sample` makes more of the trained model.

const { path } = workspace();

/** After a comes b, after b c, after c a. */
const SOURCE = `import { crossEntropy, i32, nn, optim, softmax, trainStep } from '2headgrad';

export const step = trainStep({
  model: nn.sequential(nn.embedding(3, 4), nn.flatten(), nn.linear(4, 3)),
  batch: { x: i32(3, 1), y: i32(3) },
  loss: (model, { x, y }) => crossEntropy(model(x), y),
  optimizer: optim.adam(),
  predict: { inputs: { x: i32(1, 1) }, output: (model, { x }) => softmax(model(x)) },
});
export const training = { steps: 60, lr: 0.1 };
export const data = { x: [[0], [1], [2]], y: [1, 2, 0] };
export function sample(session, { prompt = 'a', length, next, random }) {
  const ids = [...prompt].map((c) => c.charCodeAt(0) - 97);
  for (let i = 0; i < length; i++) ids.push(next(session.predict({ x: [ids.at(-1)] })));
  return ids.map((id) => String.fromCharCode(97 + id)).join('') + (prompt === 'r' ? random() : '');
}
`;

let [file, folder] = ['', ''];
const more = (...args: string[]) => run('sample', folder, '--model', file, ...args);

beforeAll(async () => {
  [file, folder] = [path('cycle.ts'), path('run')];
  await writeFile(file, SOURCE);
});

test('training ends with a sample, and more of them begin with a prompt and are as long as asked for', async () => {
  const trained = await run('train', file, '--engine', 'tape', '--out', folder, '--json');
  expect([trained.code, lastJson(trained).samples[0].slice(0, 4)]).toEqual([0, 'abca']);
  expect(trained.stderr).toContain(`More samples: 2headgrad sample ${folder} --model ${file}`);
  expect(await readFile(path('run', 'report.html'), 'utf8')).toContain('>abcabc');
  const args = ['--prompt', 'b', '--length', '5', '--temperature', '0', '--count', '2', '--json'];
  const made = await more(...args);
  expect(JSON.parse(made.stdout)).toEqual({
    samples: ['bcabca', 'bcabca'],
    seed: 42,
    steps: 60,
    dir: folder,
  });
  const hot = ['--temperature', '30', '--length', '12'];
  const [one, again, other] = await Promise.all([more(...hot), more(...hot), more(...hot, '--seed', '1')]);
  expect(again.stdout).toBe(one.stdout);
  expect(other.stdout).not.toBe(one.stdout);
});

test.each<[string, (text: string) => string, number, RegExp]>([
  [
    'no function sample',
    (text) => text.replace('export function sample', 'function sample'),
    2,
    /changed\.ts does not say how to sample: export function sample\(session, \{ prompt, length, next, random \}\)/,
  ],
  [
    'something else as sample',
    (text) => text.replace('export function sample', 'export const sample = 5; function other'),
    1,
    /changed\.ts: sample must be a function, .* got 5/,
  ],
  [
    'a sample that throws',
    (text) => text.replace('const ids =', "throw new RangeError('no such letter'); const ids ="),
    1,
    /changed\.ts: sample\(\) threw RangeError: no such letter \(changed\.ts:13\)/,
  ],
  [
    'a sample that is no text',
    (text) => text.replace('return ids', 'return 7; return ids'),
    1,
    /changed\.ts: sample\(\) must return a text, got 7/,
  ],
  [
    'another model',
    (text) => text.replace('nn.linear(4, 3)', 'nn.linear(4, 3, { bias: false })'),
    1,
    /was begun with another model than .*changed\.ts has now/,
  ],
])('a file with %s is refused', async (_, change, code, message) => {
  await writeFile(path('changed.ts'), change(SOURCE));
  const ended = await run('sample', folder, '--model', path('changed.ts'));
  expect([ended.code, ended.stderr]).toEqual([code, expect.stringMatching(message)]);
  expect(ended.stderr.trimEnd().split('\n')).toHaveLength(1);
});

test('without its file a run is not sampled, which says how', async () => {
  const [bare, named, exported] = await Promise.all([
    run('sample', folder),
    run('sample', folder, '--model', 'names'),
    run('sample', folder, '--export', 'step'),
  ]);
  expect([bare.code, bare.stderr]).toEqual([
    2,
    expect.stringMatching(/is one of a model file, .*: 2headgrad sample \S+ --model .*cycle\.ts/),
  ]);
  expect(named.stderr).toContain('--model names: expected a model file, names needs none');
  expect(exported.stderr).toContain('--export step: give the model file too, by --model');
});

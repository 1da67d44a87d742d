import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { lastJson, quickly, run, workspace } from './command.js';

const words = workspace();
const IMPORTS = `import { crossEntropy, f32, i32, meanSquaredError, nn, optim, trainStep } from '2headgrad';\n`;
const BATCH = 'batch: { x: f32(3, 2), y: f32(3, 1) }, optimizer: optim.sgd(),';
const LOSS = 'loss: (model, { x, y }) => meanSquaredError(model(x), y)';
const GOOD = `export const step = trainStep({ model: nn.linear(2, 1), ${BATCH} ${LOSS} });\n`;
const ROWS = '{ x: [1, 2, -1, 0.5, 0.3, 0.2, 2, 2], y: [1, 2, 3, 4] }';

const FILES: Record<string, string> = {
  'good.ts': `${IMPORTS}${GOOD}export const data = ${ROWS};\n`,
  'alone.ts': `${IMPORTS}${GOOD}`,
  'broken.ts': `${IMPORTS}
const first = nn.linear(2, 8);
const model = nn.sequential(
  first,
  nn.batchNorm1d(8),
  nn.linear(8, 1),
);
export const step = trainStep({
  model: { model, extra: nn.parameter([3], () => [1, 2, 3]) },
  ${BATCH}
  loss: ({ model }, { x, y }) => meanSquaredError(model(x), y),
});
export const data = async () => (${ROWS});
`,
  'several.ts': `${IMPORTS}
const make = (width: number, bias: boolean) =>
  trainStep({ model: nn.sequential(nn.linear(width, 8, { bias }), nn.batchNorm1d(8), nn.linear(8, 1)), ${BATCH} ${LOSS} });
export const a = make(2, false);
export const b = make(2, true);
export const data = { a: ${ROWS}, b: ${ROWS} };
`,
  'half.ts': `${IMPORTS}${GOOD}export const bad = trainStep({ model: nn.linear(7, 1), ${BATCH}\n ${LOSS} });\n`,
  'throws.ts': `${IMPORTS}export const step = trainStep({ model: nn.linear(2, 1), ${BATCH}
  loss: (model, { x, y }) => {
    const gone = undefined as unknown as { y: typeof y };
    return meanSquaredError(model(x), gone.y);
  } });\n`,
  'nan.ts': `${IMPORTS}${GOOD}export const data = { x: [1, 2, 3, 4, 5, NaN], y: [1, 2, 3] };\n`,
  'infinite.ts': `${IMPORTS}${GOOD}export const data = { x: [1, 2, 3, 4, 5, Infinity], y: [1, 2, 3] };\n`,
  'columns.ts': `${IMPORTS}${GOOD}export const data = { x: [1, 2, 3, 4, 5, 6], z: [1, 2, 3] };\n`,
  'few.ts': `${IMPORTS}${GOOD}export const data = { x: [1, 2], y: [1] };\n`,
  'tokens.ts': `${IMPORTS}export const step = trainStep({ model: nn.sequential(nn.embedding(5, 4), nn.linear(4, 5)), batch: { x: i32(3), y: i32(3) },
  optimizer: optim.sgd(), loss: (model, { x, y }) => crossEntropy(model(x), y) });
export const data = { x: [0, 1, 2, 9], y: [0, 1, 2, 3] };\n`,
  'nothing.ts': 'export const width = 3;\n',
  'rows.json': '{ "x": [[1, 2], [-1, 0.5], [0.3, 0.2]], "y": [[1], [2], [3]] }',
  'words.json': '{ "x": [[1, "two"]], "y": [[1]] }',
  'twice.json': '{ "x": [1, 2], "x": [1, 2], "y": [1] }',
  'list.json': '[1, 2]',
  'broken.json': '{ "x": [1,',
};

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), '2headgrad-doctor-'));
  await Promise.all(Object.entries(FILES).map(([name, text]) => writeFile(join(folder, name), text)));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const quick = quickly();
const called = (file: string, args: readonly string[]) => [
  ...['doctor', join(folder, file)],
  ...args.map((arg) => (arg.endsWith('.json') ? join(folder, arg) : arg)),
];
const doctor = (file: string, ...args: string[]) => run(...called(file, args));

it('a healthy file gets a clean bill that says what was checked, and exit code 0', async () => {
  const { code, stdout, stderr } = await doctor('good.ts', '--lr', '0.01');
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^step \(3 parameters, batches of 3\)\n/);
  expect(stdout).toContain('✓ unreached-parameter       the loss reaches every parameter\n');
  expect(stdout).toContain('✓ learning-rate ');
  expect(stdout).toMatch(/\nHealthy: nothing found\.\n$/);
});

it('without data it says what it could not check', async () => {
  const { code, stdout } = await doctor('alone.ts');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^step \(3 parameters, batches of 3, no data\)\n/);
  expect(stdout).toContain('- initial-loss              not checked: it needs a batch\n');
});

it('a broken file is told what, where and how to mend it, with exit code 1', async () => {
  const { code, stdout, stderr } = await doctor('broken.ts');
  expect([code, stderr]).toEqual([1, '']);
  expect(stdout).toContain('✗ unreached-parameter  broken.ts:10\n  extra [3] is never used');
  expect(stdout).toContain('✗ bias-before-batch-norm  broken.ts:3\n  model.layers.0.bias is added');
  expect(stdout).toContain('(broken.ts:12)');
  expect(stdout).toMatch(/\n2 findings\n$/);
});

it('--json gives the findings as the last line, and text on standard error', async () => {
  const ended = await doctor('broken.ts', '--json');
  expect(ended.code).toBe(1);
  expect(ended.stdout.split('\n')).toHaveLength(2);
  expect(ended.stderr).toContain('✗ unreached-parameter');
  const { findings, checked, notChecked, ...rest } = lastJson(ended);
  expect(rest).toEqual({ model: join(folder, 'broken.ts') });
  expect(findings.map(({ rule, where }: Record<string, string>) => [rule, where])).toEqual([
    ['unreached-parameter', 'broken.ts:10'],
    ['bias-before-batch-norm', 'broken.ts:3'],
  ]);
  for (const finding of findings) expect(Object.keys(finding)).toEqual(['rule', 'where', 'why', 'fix']);
  expect(checked).toContainEqual({ rule: 'initial-loss', holds: expect.any(String) });
  expect(notChecked).toEqual([{ rule: 'learning-rate', why: 'no learning rate is given' }]);
});

it('a healthy file has no findings in JSON', async () => {
  const ended = await doctor('good.ts', '--json');
  expect([ended.code, lastJson(ended).findings]).toEqual([0, []]);
});

it('all steps of a file are examined, and findings say whose they are', async () => {
  const ended = await doctor('several.ts', '--json');
  expect(ended.code).toBe(1);
  expect(lastJson(ended).findings).toMatchObject([{ rule: 'bias-before-batch-norm', step: 'b' }]);
  expect(ended.stderr).toMatch(/^a \(.*\n[\s\S]*Healthy[\s\S]*\nb \(.*\n/);
});

it('--export chooses one of them', async () => {
  expect((await doctor('several.ts', '--export', 'a')).code).toBe(0);
  expect((await doctor('several.ts', '--export', 'b')).code).toBe(1);
});

it('--data reads columns from JSON, with nested rows', async () => {
  const { code, stdout } = await doctor('alone.ts', '--data', 'rows.json');
  expect(code).toBe(0);
  expect(stdout).toContain('✓ initial-loss');
});

it('a step that cannot be traced does not keep the others from being examined', async () => {
  const { code, stdout, stderr } = await doctor('half.ts', '--json');
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toContain('Healthy');
  expect(stderr).toMatch(
    /half\.ts, bad: linear\(7, 1\): expected .*, got \[3, 2\]: nn\.linear\(2, 1\) would fit \(half\.ts:4\)\n$/,
  );
});

it('Infinity anywhere in the data is a finding', async () => {
  const { code, stdout } = await doctor('infinite.ts');
  expect(code).toBe(1);
  expect(stdout).toMatch(/✗ initial-loss {2}infinite\.ts:2\n {2}x has Infinity at position 5 in the data/);
});

it.each<[string, string[], RegExp]>([
  ['missing.ts', [], /missing\.ts": it does not exist; check the path$/],
  ['nothing.ts', [], /nothing\.ts: it exports width \(a number\), none of which is a model/],
  ['throws.ts', [], /throws\.ts, step: the model threw TypeError: .*undefined.* \(throws\.ts:5\)$/],
  ['nan.ts', [], /nan\.ts, step: x: NaN at position 5 \(row 2, column 1\)$/],
  ['columns.ts', [], /columns\.ts, step: there is no input z; there are x, y$/],
  [
    'few.ts',
    [],
    /few\.ts, step: data: 1 rows are fewer than a batch of 3: give more, or make the batch smaller$/,
  ],
  ['tokens.ts', [], /x \(used by gather\): index 9 at position 3 is outside of 0 to 4$/],
  ['alone.ts', ['--data', 'missing.json'], /missing\.json": it does not exist/],
  ['alone.ts', ['--data', 'broken.json'], /broken\.json is not valid JSON \(/],
  ['alone.ts', ['--data', 'twice.json'], /twice\.json has the key "x" twice$/],
  ['alone.ts', ['--data', 'list.json'], /list\.json: expected an object with an array of numbers/],
  ['alone.ts', ['--data', 'words.json'], /words\.json: x: 'two' at position 1 is no number$/],
])('%s %j: one line, exit code 1', async (file, args, message) => {
  const { code, stdout, stderr } = await quick(...called(file, args));
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(stderr.trimEnd()).toMatch(message);
});

it.each([
  ['good.ts', ['--lr', '-1'], "argument '-1' is invalid"],
  ['good.ts', ['--lr', 'NaN'], "argument 'NaN' is invalid"],
  ['good.ts', ['--hidden', '3'], '--hidden is an option of the models names and words'],
  ['good.ts', ['--export', 'other'], 'exports no training step other: there is step'],
  ['good.ts', ['--fix'], "unknown option '--fix'"],
])('%s %j is a wrong call: exit code 2', async (file, args, message) => {
  const { code, stdout, stderr } = await quick(...called(file, args));
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain(message);
  expect(stderr).toMatch(/\(see 2headgrad doctor --help\)\n$/);
});

it('--help explains the command', async () => {
  const { code, stdout, stderr } = await quick('doctor', '--help');
  expect([code, stderr]).toEqual([0, '']);
  for (const word of ['<model>', '--data', '--export', '--lr', '--norm', '--json'])
    expect(stdout).toContain(word);
});

it('a call without a model is a wrong call', async () => {
  expect(await quick('doctor')).toMatchObject({ code: 2, stdout: '' });
});

it.each([['none'], ['batch'], ['layer']])('the model of names with norm %s is healthy', async (norm) => {
  const { code, stdout } = await quick('doctor', 'names', '--data', words.path('words.txt'), '--norm', norm);
  expect([code, stdout.match(/✗.*/g)]).toEqual([0, null]);
  expect(stdout).not.toContain('not checked');
});

it('a batch of one under batch norm is a finding, not an error', async () => {
  const args = ['--data', words.path('words.txt'), '--norm', 'batch', '--batch', '1'];
  const { code, stdout } = await quick('doctor', 'names', ...args);
  expect(code).toBe(1);
  expect(stdout).toContain('✗ batch-of-one');
});

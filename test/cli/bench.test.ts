import { writeFile } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import { lastJson, quickly, run, start, workspace } from './command.js';

const { path } = workspace();
const quick = quickly();

/** Takes indices, so that made-up rows have to be in range, and has several steps. */
const SOURCE = `import { crossEntropy, f32, i32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
export const words = trainStep({
  model: nn.sequential(nn.embedding(5, 3), nn.flatten(), nn.linear(6, 5)),
  batch: { x: i32(8, 2), y: i32(8) },
  loss: (model, { x, y }) => crossEntropy(model(x), y),
  optimizer: optim.adam(),
});
export const line = trainStep({ model: nn.linear(1, 1), batch: { x: f32(4, 1), y: f32(4, 1) },
  loss: (model, { x, y }) => meanSquaredError(model(x), y), optimizer: optim.sgd() });
`;
const DATA = 'export const data = { x: [1, 2, 3, 4], y: [2, 4, 6, 8] };\n';

interface Speed {
  engine: string;
  threads: number;
  steps_per_second: number;
  lowest: number;
  highest: number;
  rounds: number;
}

beforeAll(async () => {
  await writeFile(path('two.ts'), SOURCE);
  await writeFile(path('data.ts'), `${SOURCE}${DATA}`);
});

test('a file without data is measured on made-up rows: compiled on one thread and two, and on the tape', async () => {
  const ended = await run('bench', path('two.ts'), '--export', 'words', '--seconds', '0.3', '--json');
  expect(ended.code, ended.stderr).toBe(0);
  const { speeds, ...result } = lastJson(ended);
  expect(result).toMatchObject({
    task: `${path('two.ts')} --export words`,
    parameters: 15 + 30 + 5,
    batch: 8,
  });
  for (const what of ['compile_ms', 'wasm_bytes', 'wasm_gzipped', 'memory_bytes'])
    expect(result[what]).toBeGreaterThan(0);
  expect(result.wasm_gzipped).toBeLessThan(result.wasm_bytes);
  const engines = speeds.map(({ engine, threads }: Speed) => [engine, threads]);
  expect(engines).toEqual([
    ['compiled', 1],
    ['compiled', 2],
    ['tape', 1],
  ]);
  for (const { lowest, steps_per_second, highest, rounds } of speeds as Speed[]) {
    expect(lowest).toBeGreaterThan(0);
    expect([lowest <= steps_per_second, steps_per_second <= highest]).toEqual([true, true]);
    expect(rounds).toBeGreaterThanOrEqual(3);
  }
  expect(ended.stderr).toContain('made-up rows');
});

test('names are measured with the options of their model, and the table says how often it is the speed of the tape', async () => {
  const small = ['--hidden', '16', '--embed', '4', '--batch', '8', '--data', path('words.txt')];
  const { code, stdout } = await run('bench', 'names', ...small, '--seconds', '0.2', '--threads', '1');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^\S*words\.txt: /);
  expect(stdout).toMatch(/^[\d,]+ parameters: .*, batch 8$/m);
  expect(stdout).toMatch(
    /Compiled in .* s: [\d,]+ bytes \(.*\) of wasm, [\d,]+ gzipped; .* of memory beside the data\n/,
  );
  expect(stdout).toMatch(/ +steps\/s +rounds +a step +of the tape\n/);
  expect(stdout).toMatch(/compiled, 1 thread +[\d,.]+ +[\d,.]+ to [\d,.]+ +[\d.]+ (s|ms|us) +\d+\.\dx\n/);
  expect(stdout).toMatch(/tape +.* 1\.0x\n$/);
  expect(stdout).not.toContain('2 threads');
});

test('a file is measured on its own data, and a signal ends that with one object', async () => {
  const { child, ended } = start([
    'bench',
    path('data.ts'),
    '--export',
    'line',
    '--seconds',
    '100',
    '--json',
  ]);
  child.stderr!.on('data', (text) => {
    if (String(text).includes('Compiled')) child.kill('SIGINT');
  });
  const { code, stdout, stderr } = await ended;
  expect(stderr).toMatch(/data\.ts: data: x f32\[1\], y f32\[1\]\ntrain 4 rows\n/);
  expect([code, JSON.parse(stdout)]).toEqual([
    130,
    { task: `${path('data.ts')} --export line`, interrupted: 'SIGINT' },
  ]);
});

test.each<[string[], string]>([
  [['two.ts'], 'exports several training steps: choose one of line, words by --export'],
  [['none.ts'], 'cannot read the model'],
  [['two.ts', '--export', 'line', '--hidden', '3'], '--hidden is an option of names'],
  [
    ['two.ts', '--export', 'line', '--seconds', '0'],
    "argument '0' is invalid. expected a number above 0, to 3600",
  ],
  [['two.ts', '--export', 'line', '--threads', '0'], "argument '0' is invalid"],
])('%j is refused', async ([file, ...options], problem) => {
  // What loads a file of code wants a process of its own.
  const isWrongUse = file === 'none.ts' || problem.startsWith('argument');
  const { code, stderr } = await (isWrongUse ? quick : run)('bench', path(file), ...options);
  expect(code).toBeGreaterThan(0);
  expect(stderr).toContain(problem);
});

import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { lastJson, MAIN, SMALL, workspace } from './command.js';

// Commands take a kind of model by its name, a model file, or what they were trained into.

const { path } = workspace();

/** In the folder of the test, where `runs/` is then. */
function here(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) =>
    execFile(process.execPath, [MAIN, ...args], { cwd: path() }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    ),
  );
}

const FILE = `import { f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
export const step = trainStep({ model: nn.linear(1, 1), batch: { x: f32(2, 1), y: f32(2, 1) },
  loss: (model, { x, y }) => meanSquaredError(model(x), y), optimizer: optim.sgd() });
export const training = { steps: 3 };
export const data = { x: [1, 2, 3], y: [2, 4, 6] };
export const sample = (session, { length }) => 'x'.repeat(length);
`;

test('sample takes what was trained by its name, or by its file', async () => {
  await writeFile(path('line.ts'), FILE);
  const names = await here('train', 'names', ...SMALL, '--data', 'words.txt', '--steps', '20');
  expect(names.code, names.stderr).toBe(0);
  const [byName, byFolder] = [
    await here('sample', 'names', '--count', '3'),
    await here('sample', 'runs/names', '--count', '3'),
  ];
  expect([byName.code, byName.stdout.trim().split('\n').length]).toEqual([0, 3]);
  expect(byName.stdout).toBe(byFolder.stdout);

  const none = await here('sample', 'line.ts');
  expect([none.code, none.stderr]).toEqual([1, expect.stringMatching(/runs\/line.*\n$/)]);
  const line = await here('train', 'line.ts', '--engine', 'tape');
  expect(line.code, line.stderr).toBe(0);
  expect((await here('sample', 'line.ts', '--length', '4')).stdout).toBe('xxxx\n');
});

test('compile takes a kind by its name, with the options of its model, and no option of another', async () => {
  const small = ['--hidden', '16', '--embed', '4', '--batch', '8'];
  const ended = await here(
    'compile',
    'names',
    '--data',
    'words.txt',
    ...small,
    '--out',
    'compiled',
    '--json',
  );
  expect(ended.code, ended.stderr).toBe(0);
  expect(lastJson(ended).entries).toContain('train');
  const { start } = await import(/* @vite-ignore */ pathToFileURL(join(path('compiled'), 'model.js')).href);
  const session = await start({ seed: 1 });
  expect(session.step({ lr: 0.1, batch: { x: new Int32Array(24), y: new Int32Array(8) } })).toBeGreaterThan(
    0,
  );
  await session.close();

  await writeFile(path('line.ts'), FILE);
  for (const [args, problem] of [
    [['names', '--heads', '2'], '--heads is an option of text, not of names'],
    [['line.ts', '--hidden', '2'], '--hidden is an option of names and words, not of line.ts'],
    [
      ['line.ts', '--data', 'words.txt'],
      '--data words.txt: the step of a model file is compiled without data',
    ],
  ] as const) {
    const refused = await here('compile', ...args, '--out', 'refused');
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining(problem)]);
  }
});

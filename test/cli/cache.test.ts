import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { lastJson, start, workspace } from './command.js';

const { path } = workspace();
const cache = (home: string, ...args: string[]) =>
  start(['cache', ...args], { XDG_CACHE_HOME: home, TZ: 'UTC' }).ended;

/** One that compiles in a moment. */
const MODEL = `import { f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
export const step = trainStep({ model: nn.linear(1, 1), batch: { x: f32(2, 1), y: f32(2, 1) },
  loss: (model, { x, y }) => meanSquaredError(model(x), y), optimizer: optim.sgd() });
export const training = { steps: 3 };
export const data = { x: [1, 2, 3], y: [2, 4, 6] };
`;
const train = (home: string, out: string) =>
  start(['train', path('line.ts'), '--out', path(out)], { XDG_CACHE_HOME: home }).ended;

test('cache shows what training has kept, and cache clear removes that alone', async () => {
  await writeFile(path('line.ts'), MODEL);
  const home = path('home');
  const folder = path('home', '2headgrad');
  const empty = { folder, modules: 0, bytes: 0, oldest: null, newest: null, problem: null };
  expect(lastJson(await cache(home, '--json'))).toEqual(empty);
  expect((await cache(home, 'clear')).stdout).toBe(
    `Removed from ${folder}: 0 compiled modules, 0 bytes (0 kB)\n`,
  );

  expect((await train(home, 'kept')).stderr).not.toContain('Warning');
  const { modules, bytes, oldest, newest } = lastJson(await cache(home, 'show', '--json'));
  expect([modules, newest]).toEqual([1, oldest]);
  expect(Math.abs(Date.now() - Date.parse(oldest))).toBeLessThan(120_000);
  const { code, stdout } = await cache(home);
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^Folder {3}.*home\/2headgrad\nModules {2}1 compiled module, [\d,]+ bytes \(.*\nOldest {3}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\nNewest/,
  );

  await writeFile(path('home', '2headgrad', 'notes.txt'), 'of somebody else');
  expect(lastJson(await cache(home, 'clear', '--json'))).toEqual({ folder, removed: 1, bytes });
  expect((await readdir(folder)).sort()).toEqual(['notes.txt', 'secret']);
});

test('where nothing can be kept training goes on without, and one line says so', async () => {
  await writeFile(path('line.ts'), MODEL);
  await writeFile(path('file'), '');
  const { code, stderr } = await train(path('file'), 'unkept');
  expect(code).toBe(0);
  const warnings = stderr.split('\n').filter((line) => /warning|trace-warnings/i.test(line));
  expect(warnings).toEqual([
    expect.stringMatching(
      /^Warning: compiled modules are not kept, so each is compiled anew: cannot make the folder/,
    ),
  ]);
});

test('a folder that cannot be read is an error of one line, and so is another action', async () => {
  await mkdir(path('other'));
  await writeFile(path('other', '2headgrad'), '');
  for (const action of ['show', 'clear']) {
    const { code, stdout, stderr } = await cache(path('other'), action);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(
      /^2headgrad: cannot read the folder ".*2headgrad": it, or a part of its path, is a file\n$/,
    );
  }
  const { code, stderr } = await cache(path('home'), 'empty');
  expect(code).toBe(2);
  expect(stderr).toContain('Allowed choices are show, clear. (see 2headgrad cache --help)');
});

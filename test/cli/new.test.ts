import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { nameLike, nameProblem } from '../../src/cli/package-name.js';
import { json, lastJson, quickly, start, workspace } from './command.js';

// That such a project trains and builds is tested with the package as it is installed: test/package.

const { path, list } = workspace();
const quick = quickly();
const FILES = ['.gitignore', 'README.md', 'index.html', 'package.json', 'public', 'src', 'tsconfig.json'];

test('new writes a project of the name of its folder, and prints the next three commands', async () => {
  const folder = path('deep', 'my-model');
  const { code, stdout, stderr } = await quick('new', folder);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(
    /^my-model: 1\d files in .*\n\n {2}cd .*my-model\n {2}npm install\n {2}npm run train\n\n/,
  );
  expect(await list('deep', 'my-model')).toEqual([...FILES, 'vite.config.ts']);
  const root = await json('package.json');
  const made = await json(join(folder, 'package.json'));
  expect(made).toMatchObject({
    name: 'my-model',
    private: true,
    dependencies: { '2headgrad': `^${root.version}` },
  });
  // The versions that the tests here run with.
  const { devDependencies, dependencies } = root;
  for (const [name, range] of Object.entries(made.devDependencies))
    expect({ ...devDependencies, ...dependencies }).toHaveProperty(name, range);
  expect(await readFile(join(folder, 'index.html'), 'utf8')).toContain('<title>my-model</title>');
  for (const file of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (file.isFile())
      expect(await readFile(join(file.parentPath, file.name), 'utf8'), file.name).not.toContain(
        'PROJECT_NAME',
      );
});

test('the name can be another than that of the folder, scoped too, and the result is one JSON object', async () => {
  const { code, stdout } = await quick('new', path('Meine Modelle'), '--name', '@me/my.model-2', '--json');
  expect(code).toBe(0);
  const { name, out, files, commands } = lastJson({ code, stdout, stderr: '' });
  expect([name, out]).toEqual(['@me/my.model-2', path('Meine Modelle')]);
  expect(files).toContain('src/model.grad.ts');
  expect(commands).toEqual([`cd '${path('Meine Modelle')}'`, 'npm install', 'npm run train']);
  expect((await json(path('Meine Modelle', 'package.json'))).name).toBe('@me/my.model-2');
});

test('a folder that is there and has nothing but .git in it will do, and the package manager that runs it is named', async () => {
  await mkdir(path('cloned', '.git'), { recursive: true });
  const { ended } = start(['new', path('cloned')], { npm_config_user_agent: 'pnpm/10.1.0 npm/? node/v24' });
  const { code, stdout } = await ended;
  expect(code).toBe(0);
  expect(stdout).toContain('  pnpm install\n  pnpm run train\n');
});

describe('what is refused leaves everything as it is:', () => {
  test('a folder that has something in it', async () => {
    await mkdir(path('full'));
    await writeFile(path('full', 'b.txt'), '');
    await writeFile(path('full', 'a.txt'), '');
    const { code, stderr } = await quick('new', path('full'));
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^2headgrad: the folder ".*full" is not empty \("a\.txt" and 1 other\): give one that is/,
    );
    expect(await list('full')).toEqual(['a.txt', 'b.txt']);
  });

  test('a file, and a place in one', async () => {
    await writeFile(path('a-file'), '');
    const file = await quick('new', path('a-file'));
    expect([file.code, file.stderr]).toEqual([2, expect.stringContaining('is a file: give a folder')]);
    const inside = await quick('new', path('a-file', 'project'));
    expect([inside.code, inside.stderr]).toEqual([
      1,
      expect.stringMatching(/cannot make the folder ".*": it, or a part/),
    ]);
  });

  test('a place where nothing can be written', async () => {
    const { code, stderr } = await quick('new', '/proc/project');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^2headgrad: cannot make the folder "\/proc\/project": .*\n$/);
    await symlink(path('nowhere'), path('dangling'));
    const link = await quick('new', path('dangling'));
    expect([link.code, link.stderr]).toEqual([
      1,
      expect.stringMatching(/^2headgrad: cannot .* ".*dangling.*": .*\n$/),
    ]);
  });

  test.each([
    ['My Model', 'it has capital letters; give one: 2headgrad new .* --name my-model'],
    ['.hidden', 'it begins with a dot, a dash or an underscore; .* --name hidden'],
    ['$(touch x)', "it has other characters than letters.* new '.*' --name touch-x"],
    ['vite', 'the project uses a package of that name; .* --name my-model'],
    ['http', 'a module of Node.js is called so'],
  ])('a folder %j, whose name npm refuses', async (name, problem) => {
    const { code, stderr } = await quick('new', path('names', name));
    expect(code).toBe(2);
    expect(stderr).toMatch(new RegExp(`cannot be the name of a package: ${problem}`));
    expect(await list()).not.toContain('names');
  });

  test.each([
    '',
    '<script>',
    'a/b',
    '@/x',
    '@a/b/c',
    'x'.repeat(215),
    'ä',
    "it's",
    '../up',
    'a b',
    'node_modules',
  ])('the name %j', async (name) => {
    const { code, stderr } = await quick('new', path('named'), '--name', name);
    expect([code, stderr]).toEqual([2, expect.stringContaining('cannot be the name of a package: ')]);
    expect(await list()).not.toContain('named');
  });
});

test('names that npm takes are taken, and what is like a name is one', () => {
  for (const name of ['a', 'my-model', 'my.model_2', '@scope/model', '2headgrad-page', 'x'.repeat(214)])
    expect([name, nameProblem(name)]).toEqual([name, undefined]);
  for (const text of ['', '...', 'Ünï cödé', '日本', 'HTTP', '@A/B', 'x'.repeat(999), basename('/')])
    expect([text, nameProblem(nameLike(text))]).toEqual([text, undefined]);
});

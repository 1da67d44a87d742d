import { execFile } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';

// An example can be copied into a project of one's own: it takes nothing from around its folder but the package by its name.

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'example-copied-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The playground is an application of this repository, with parts of the compiler that no one else needs. */
const examples = readdirSync(join(root, 'examples')).filter((name) => name !== 'playground');
const code = examples.flatMap((name) => {
  const home = join(root, 'examples', name);
  return readdirSync(home, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|js|mjs|html)$/.test(file) && !file.startsWith(`compiled${sep}`))
    .map((file) => ({ name, home, path: join(home, file) }));
});

it('no example reaches out of its folder', () => {
  expect(code.length).toBeGreaterThan(20);
  for (const { home, path } of code) {
    const text = readFileSync(path, 'utf8');
    const reached = [...text.matchAll(/(?:from|import\(?|new URL\()\s*'(\.[^']*)'/g)].map(([, to]) => to);
    for (const to of reached)
      expect(relative(home, join(path, '..', to)), `${relative(root, path)} takes ${to}`).not.toMatch(
        /^\.\./,
      );
    expect(text, relative(root, path)).not.toMatch(/\.\.\/(?:src|dist)\//);
  }
});

it.each([
  ['derivatives', ['errors.svg', 'parabola.svg']],
  ['quickstart', []],
])('examples/%s runs in a folder elsewhere that has the package', async (name, pictures) => {
  const home = join(folder, name);
  cpSync(join(root, 'examples', name), home, { recursive: true });
  for (const picture of pictures) rmSync(join(home, picture));
  writeFileSync(join(home, 'package.json'), '{ "type": "module" }');
  mkdirSync(join(home, 'node_modules'));
  symlinkSync(root, join(home, 'node_modules', '2headgrad'));
  const tsx = join(root, 'node_modules', 'tsx', 'dist', 'cli.mjs');
  const { stdout } = await promisify(execFile)(process.execPath, [tsx, 'main.ts'], { cwd: home });
  expect(stdout).not.toBe('');
  const left = readdirSync(home);
  for (const picture of pictures) expect(left).toContain(picture);
});

import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Cache } from '../../src/emit/compile.js';

vi.mock('node:os', async (load) => ({ ...(await load<object>()), homedir: vi.fn() }));
// Other files of tests have it already, with the real home folder.
vi.resetModules();
const { DataError } = await import('../../src/errors.js');
const { cacheIn } = await import('../../src/run/cache-folder.js');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cache-folder-'));
  await writeFile(join(folder, 'file'), '');
  vi.stubEnv('XDG_CACHE_HOME', '');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const opened: string[] = [];
const open = (path: string): Cache => {
  opened.push(path);
  return { get: async () => new Uint8Array([1]), set: async () => {} };
};

test('a folder that the user names is made when the cache is first used', async () => {
  const cache = cacheIn(join(folder, 'a', 'b'), open);
  expect(await readdir(folder)).toEqual(['file']);
  expect(await cache.get('key')).toEqual(new Uint8Array([1]));
  expect(await readdir(join(folder, 'a'))).toEqual(['b']);
  vi.stubEnv('XDG_CACHE_HOME', join(folder, 'xdg'));
  await cacheIn(undefined, open).get('key');
  expect(opened.at(-1)).toBe(join(folder, 'xdg', '2headgrad'));
});

test('one that cannot be made is a DataError that names it', async () => {
  for (const named of [join(folder, 'file'), join(folder, 'file', 'x'), '/proc/1/x/y']) {
    const error = await cacheIn(named, open)
      .get('key')
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(DataError);
    expect((error as Error).message).toMatch(
      /^cannot make the folder ".*": (it, or a part|nothing can be|permission)/,
    );
  }
});

test.each(['file', 'file/x', '/proc/none'])(
  'where the folder of XDG_CACHE_HOME cannot be made (%s) all goes on without, and one warning says so',
  async (place) => {
    vi.resetModules();
    const { cacheIn } = await import('../../src/run/cache-folder.js');
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    vi.stubEnv('XDG_CACHE_HOME', resolve(folder, place));
    for (let i = 0; i < 2; i++) {
      const cache = cacheIn(undefined, open);
      expect(await cache.get('key')).toBeUndefined();
      await cache.set('key', new Uint8Array());
    }
    expect(warn.mock.calls).toEqual([
      [
        expect.stringMatching(
          /^compiled modules are not kept.*2headgrad": .*XDG_CACHE_HOME can name another/,
        ),
      ],
    ]);
    warn.mockRestore();
  },
);

test('without a usable home folder compiling goes on without a cache, and one warning says so', async () => {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const homes = [
    () => join(folder, 'file'),
    () => '',
    () => {
      throw new Error('uv_os_homedir returned ENOENT');
    },
  ];
  for (const home of homes) {
    vi.mocked(homedir).mockImplementation(home);
    const cache = cacheIn(undefined, open);
    expect(await cache.get('key')).toBeUndefined();
    await cache.set('key', new Uint8Array());
  }
  expect(warn.mock.calls).toEqual([
    [expect.stringMatching(/^compiled modules are not kept.*a file; give a folder/)],
  ]);
  warn.mockRestore();
});

test('a folder that may be read and not written is used as it is', async () => {
  await mkdir(join(folder, 'fixed'));
  spawnSync('chmod', ['500', join(folder, 'fixed')]);
  expect(await cacheIn(join(folder, 'fixed'), open).get('key')).toEqual(new Uint8Array([1]));
});

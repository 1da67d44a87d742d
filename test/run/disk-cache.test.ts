import { execFileSync } from 'node:child_process';
import {
  appendFile,
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Cache } from '../../src/emit/compile.js';

// What stands in the folder of the cache is of somebody else until it has proved that it is not.

let root: string;
let folder: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), '2headgrad-cache-'));
  folder = join(root, 'modules');
  vi.stubEnv('XDG_CACHE_HOME', join(root, 'home'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(root, { recursive: true, force: true });
});

/** The cache as another process has it: its modules loaded anew, so that nothing is remembered. */
async function process2(): Promise<Cache> {
  vi.resetModules();
  const { moduleCache } = await import('../../src/run/disk-cache.js');
  return moduleCache(folder);
}

const bytes = Uint8Array.of(1, 2, 3, 4, 5);

async function kept(): Promise<string> {
  await (await process2()).set('key', bytes);
  const files = await readdir(folder);
  expect(files).toHaveLength(1);
  return join(folder, files[0]);
}

it('keeps an entry as a file that only its user may read, and gives it to the next process', async () => {
  const file = await kept();
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await (await process2()).get('key')).toEqual(bytes);
  expect(await (await process2()).get('another')).toBeUndefined();
});

const replacements: [string, (file: string) => Promise<void>][] = [
  ['nothing', async () => {}],
  ['a folder', (file) => mkdir(file)],
  [
    'a folder with something in it',
    async (file) => void (await mkdir(join(file, 'in'), { recursive: true })),
  ],
  ['a pipe that nobody writes to', async (file) => void execFileSync('mkfifo', [file])],
  ['a link to a device that never ends', (file) => symlink('/dev/zero', file)],
  ['a link to another file', (file) => symlink('/etc/hostname', file)],
  ['a link to itself', (file) => symlink(file, file)],
  ['a link to nothing', (file) => symlink(`${file}.gone`, file)],
];

it.each(replacements)('%s in the place of an entry is not waited for', async (_, replace) => {
  const file = await kept();
  await rm(file);
  await replace(file);
  const began = performance.now();
  const cache = await process2();
  expect(await cache.get('key')).toBeUndefined();
  await cache.set('key', bytes);
  expect(performance.now() - began).toBeLessThan(5000);
  expect((await readdir(folder)).filter((name) => name.endsWith('.draft'))).toEqual([]);
});

it.each(replacements.filter(([what]) => !what.includes('something')))(
  '%s in the place of an entry is replaced by the module that is compiled',
  async (_, replace) => {
    const file = await kept();
    await rm(file);
    await replace(file);
    await (await process2()).set('key', bytes);
    expect(await (await process2()).get('key')).toEqual(bytes);
  },
);

it.each<[string, () => Promise<unknown>]>([
  ['that is a file', () => writeFile(folder, '')],
  ['in a file', async () => writeFile(folder, '').then(() => (folder = join(folder, 'in')))],
  ['where nothing can be made', async () => (folder = '/proc/none/modules')],
])('a folder %s is refused where the user named it', async (_, prepare) => {
  await prepare();
  const cache = await process2();
  await expect(cache.set('key', bytes)).rejects.toThrow(/^cannot make the folder/);
  await expect(cache.get('key')).rejects.toThrow(/^cannot make the folder/);
});

it('an entry that cannot be written is compiled anew each time, and one warning says so', async () => {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const file = await kept();
  await rm(file);
  await mkdir(join(file, 'in'), { recursive: true });
  const cache = await process2();
  await cache.set('key', bytes);
  await cache.set('key', bytes);
  expect(warn.mock.calls).toEqual([
    [expect.stringMatching(/^compiled modules are not kept.*: cannot write into ".*modules": /)],
  ]);
  warn.mockRestore();
});

it('drafts of a killed process go when the next module is kept; fresh ones are of a process that writes', async () => {
  const file = await kept();
  const [old, fresh] = ['1', '2'].map((digit) => `${file}.01234567-89ab-cdef-0123-45678901234${digit}.draft`);
  const novel = join(folder, 'chapter1.draft');
  for (const path of [old, fresh, novel]) await writeFile(path, '');
  for (const path of [old, novel]) await utimes(path, 0, 0);
  await (await process2()).set('other', bytes);
  const left = (await readdir(folder)).filter((name) => name.endsWith('.draft'));
  expect(left.sort()).toEqual(['chapter1.draft', basename(fresh)]);
});

describe('the secret', () => {
  const secret = async () => (await process2()).secret!();
  const path = () => join(root, 'home', '2headgrad', 'secret');

  it('is made once, for its user alone, and is another for another user', async () => {
    const first = await secret();
    expect(first).toHaveLength(32);
    expect((await stat(path())).mode & 0o777).toBe(0o600);
    expect(await secret()).toEqual(first);
    vi.stubEnv('XDG_CACHE_HOME', join(root, 'elsewhere'));
    expect(await secret()).not.toEqual(first);
  });

  it('is one even if several processes need it first at the same time', async () => {
    const caches = [await process2(), await process2(), await process2(), await process2()];
    await Promise.all(caches.map((cache) => cache.secret!()));
    const now = await secret();
    expect(await Promise.all(caches.map((cache) => cache.secret!()))).toEqual([now, now, now, now]);
  });

  it.each<[string, () => Promise<void>]>([
    ['others may read', () => chmod(path(), 0o644)],
    ['others may write', () => chmod(path(), 0o620)],
    ['was cut short', () => writeFile(path(), 'short')],
    ['is empty', () => writeFile(path(), '')],
    [
      'is a link',
      async () => {
        await rename(path(), `${path()}2`);
        await symlink(`${path()}2`, path());
      },
    ],
  ])('that %s is replaced', async (_, change) => {
    const before = await secret();
    await change();
    const after = await secret();
    expect(after).not.toEqual(before);
    expect(await secret()).toEqual(after);
  });

  it('lives as long as the process where it cannot be kept', async () => {
    await mkdir(join(path(), 'in'), { recursive: true });
    const cache = await process2();
    const one = await cache.secret!();
    expect(one).toHaveLength(32);
    expect(await cache.secret!()).toEqual(one);
    expect(await secret()).not.toEqual(one);
  });
});

describe('the version of the compiler', () => {
  /** Of all files. */
  const TIME = 1_000_000;
  let copy: string;
  const versionOf = async () => {
    const { compilerVersion } = await import('../../src/run/compiler-version.js');
    return compilerVersion(new URL(`file://${copy}/src/`));
  };
  const filesOf = async () => {
    const { compilerFiles } = await import('../../src/run/compiler-version.js');
    return [...(await compilerFiles()).keys()];
  };
  beforeAll(async () => {
    copy = await mkdtemp(join(tmpdir(), '2headgrad-version-'));
    for (const path of await filesOf()) {
      const to = join(copy, 'src', path);
      await mkdir(join(to, '..'), { recursive: true });
      await copyFile(new URL(`../../src/${path}`, import.meta.url), to);
      await utimes(to, TIME, TIME);
    }
  });
  afterAll(() => rm(copy, { recursive: true }));

  it('knows every stage, and what the stages rest on', async () => {
    const files = await filesOf();
    const folders = new Set(files.map((path) => path.slice(0, Math.max(0, path.indexOf('/')))));
    for (const stage of ['graph', 'ops', 'optimize', 'schedule', 'plan', 'emit', 'random'])
      expect(folders).toContain(stage);
    expect(files).toEqual(expect.arrayContaining(['shape.ts', 'number-text.ts', 'indices.ts', 'digest.ts']));
    expect(folders).not.toContain('cli');
  });

  it('is another when any file of any stage is another', async () => {
    const first = await versionOf();
    expect(await versionOf()).toBe(first);
    const files = await filesOf();
    const { compilerFiles } = await import('../../src/run/compiler-version.js');
    // All have their text in the hash, one by one: of each folder the first and the last are tried, which is quick.
    const texts = await compilerFiles(new URL(`file://${copy}/src/`));
    for (const path of files) expect(texts.get(path)).toBe(await readFile(join(copy, 'src', path), 'utf8'));
    const folderOf = (path: string) => path.slice(0, path.lastIndexOf('/') + 1);
    const ends = files.filter((path, i) =>
      [i - 1, i + 1].some((k) => folderOf(files[k] ?? '/') !== folderOf(path)),
    );
    expect(ends.length).toBeGreaterThan(20);
    const seen = new Set([first]);
    for (const path of ends) {
      const file = join(copy, 'src', path);
      const before = await readFile(file);
      await appendFile(file, '\n');
      // Neither the time nor the order tells: the text does.
      await utimes(file, TIME, TIME);
      seen.add(await versionOf());
      await writeFile(file, before);
      await utimes(file, TIME, TIME);
    }
    expect(await versionOf()).toBe(first);
    expect(seen.size).toBe(1 + ends.length);
  });

  it('is another when a file was written anew, or has come to a stage', async () => {
    const first = await versionOf();
    await writeFile(join(copy, 'src/optimize/another-pass.ts'), '');
    const second = await versionOf();
    expect(second).not.toBe(first);
    await utimes(join(copy, 'src/optimize/another-pass.ts'), 1, 1);
    expect(await versionOf()).not.toBe(second);
  });
});

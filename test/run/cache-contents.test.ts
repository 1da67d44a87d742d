import { mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DataError } from '../../src/errors.js';
import { cacheContents, clearCache } from '../../src/run/cache-contents.js';
import { moduleCache } from '../../src/run/disk-cache.js';

let root: string;
let folder: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), '2headgrad-contents-'));
  folder = join(root, 'modules');
  vi.stubEnv('XDG_CACHE_HOME', join(root, 'home'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(root, { recursive: true, force: true });
});

const key = (digit: number) => String(digit).repeat(64);
const none = { modules: 0, bytes: 0, oldest: null, newest: null, problem: null };

/** Modules as a session keeps them, of so many bytes, and the names of their files in the order of their keys. */
async function keep(...sizes: number[]): Promise<string[]> {
  const cache = moduleCache(folder);
  for (const [i, size] of sizes.entries()) await cache.set(key(i), new Uint8Array(size));
  return (await readdir(folder)).sort();
}

/** What no cache has written, under names that it might. */
async function strangers(): Promise<string[]> {
  const name = `${key(7)}-${'0'.repeat(16)}`;
  await writeFile(join(folder, 'notes.txt'), 'x');
  await writeFile(join(folder, 'chapter.draft'), 'x');
  await writeFile(join(folder, `${name}.bak`), 'x');
  await writeFile(join(folder, `x${name}`), 'x');
  await writeFile(join(folder, name.replace('7', 'G')), 'x');
  await mkdir(join(folder, name), { recursive: true });
  await symlink('/etc/hostname', join(folder, name.replaceAll('7', '8')));
  return (await readdir(folder)).sort();
}

it('how many modules there are, their bytes, and the times of the first and the last are told', async () => {
  const [first, second, third] = await keep(5, 10, 100);
  const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second));
  for (const [name, time] of [
    [first, at(20)],
    [second, at(10)],
    [third, at(30)],
  ] as const)
    await utimes(join(folder, name), time, time);
  const sums = { modules: 3, bytes: 115, oldest: at(10), newest: at(30), problem: null };
  expect(await cacheContents(folder)).toEqual(sums);
});

it('what others have put there is neither counted nor removed', async () => {
  await mkdir(folder);
  const others = await strangers();
  expect(await cacheContents(folder)).toEqual(none);
  await keep(3, 4);
  expect(await cacheContents(folder)).toMatchObject({ modules: 2, bytes: 7 });
  expect(await clearCache(folder)).toEqual({ modules: 2, bytes: 7 });
  expect((await readdir(folder)).sort()).toEqual(others);
  expect(await moduleCache(folder).get(key(0))).toBeUndefined();
});

it('drafts that were left behind go too, but not one that is being written, nor the secret', async () => {
  const [name] = await keep(8);
  const draft = (digit: number) => `${name}.01234567-89ab-cdef-0123-45678901234${digit}.draft`;
  for (const file of [draft(1), draft(2), 'secret']) await writeFile(join(folder, file), 'xx');
  await utimes(join(folder, draft(1)), 0, 0);
  expect(await clearCache(folder)).toEqual({ modules: 1, bytes: 10 });
  expect((await readdir(folder)).sort()).toEqual([draft(2), 'secret'].sort());
});

describe('a folder', () => {
  it('that is not there holds nothing, and is not made', async () => {
    expect(await cacheContents(folder)).toEqual(none);
    expect(await clearCache(folder)).toEqual({ modules: 0, bytes: 0 });
    await expect(readdir(folder)).rejects.toThrow('ENOENT');
  });

  it('that is a file, or in one, is named', async () => {
    await writeFile(folder, '');
    for (const place of [folder, join(folder, 'in')])
      for (const act of [cacheContents, clearCache]) {
        const error = await act(place).catch((e: unknown) => e);
        expect(error).toBeInstanceOf(DataError);
        expect((error as Error).message).toMatch(
          /^cannot read the folder ".*": it, or a part of its path, is/,
        );
      }
  });

  it('that may only be read is shown as such, and an error says that it cannot be cleared', async () => {
    await keep(8, 9);
    // Root may write everywhere, so the system is made to refuse.
    const refuse = async () => {
      throw Object.assign(new Error('EACCES'), { code: 'EACCES' });
    };
    vi.doMock('node:fs/promises', async (load) => ({
      ...(await load<object>()),
      access: refuse,
      rm: refuse,
    }));
    vi.resetModules();
    const fixed = await import('../../src/run/cache-contents.js');
    vi.doUnmock('node:fs/promises');
    expect(await fixed.cacheContents(folder)).toMatchObject({
      modules: 2,
      problem: expect.stringContaining('permission denied'),
    });
    await expect(fixed.clearCache(folder)).rejects.toThrow(
      /^cannot remove 2 of the compiled modules .*: permission denied/,
    );
    expect(await readdir(folder)).toHaveLength(2);
  });
});

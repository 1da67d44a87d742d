import type { Stats } from 'node:fs';
import { access, constants, lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { reason } from '../data/files.js';
import { DataError } from '../errors.js';

// What the folder of compiled modules holds, and how it is emptied: of that only what disk-cache.ts has written.

/** A module by its key and the version of the compiler. */
const MODULE = /^[0-9a-f]{64}-[0-9a-f]{16}$/;
const DRAFT = /^([0-9a-f]{64}-[0-9a-f]{16}|secret)\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.draft$/;
/** A draft is written in less: an older one was left behind. */
const DRAFT_MS = 60_000;

export interface CacheContents {
  readonly modules: number;
  readonly bytes: number;
  /** When the oldest and the newest were written; null where there is none. */
  readonly oldest: Date | null;
  readonly newest: Date | null;
  /** Why nothing can be kept there, where that is so. */
  readonly problem: string | null;
}

/** What a folder of compiled modules holds; one that is not there holds nothing. Throws DataError where it cannot be read. */
export async function cacheContents(folder: string): Promise<CacheContents> {
  const found = (await ownFiles(folder)).filter(({ name }) => MODULE.test(name));
  const times = found.map(({ about }) => about.mtimeMs).sort((a, b) => a - b);
  return {
    modules: found.length,
    bytes: found.reduce((sum, { about }) => sum + about.size, 0),
    oldest: times.length > 0 ? new Date(times[0]) : null,
    newest: times.length > 0 ? new Date(times[times.length - 1]) : null,
    problem: await problemOf(folder),
  };
}

/**
 * Removes the modules of a folder and drafts that were left behind; the user's secret and whatever others put there stay.
 * Throws DataError where some cannot be removed.
 */
export async function clearCache(folder: string): Promise<Pick<CacheContents, 'modules' | 'bytes'>> {
  const found = await ownFiles(folder);
  const removed = { modules: 0, bytes: 0 };
  let failed: unknown;
  for (const { name, about } of found) {
    const isModule = MODULE.test(name);
    if (!isModule && Date.now() - about.mtimeMs < DRAFT_MS) continue;
    try {
      await rm(join(folder, name), { force: true });
      if (isModule) removed.modules++;
      removed.bytes += about.size;
    } catch (error) {
      failed ??= error;
    }
  }
  if (failed === undefined) return removed;
  const left = found.filter(({ name }) => MODULE.test(name)).length - removed.modules;
  throw new DataError(
    `cannot remove ${left} of the compiled modules in ${JSON.stringify(folder)}: ${reason(failed)}`,
  );
}

/** Files that are named as ours are, and are files of this user: no folders, no links. */
async function ownFiles(folder: string): Promise<{ name: string; about: Stats }[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    const why = error.code === 'ENOTDIR' ? 'it, or a part of its path, is a file' : reason(error);
    throw new DataError(`cannot read the folder ${JSON.stringify(folder)}: ${why}`);
  });
  const user = process.getuid?.();
  const files: { name: string; about: Stats }[] = [];
  for (const name of names.filter((name) => MODULE.test(name) || DRAFT.test(name))) {
    const about = await lstat(join(folder, name)).catch(() => undefined);
    if (about?.isFile() && (user === undefined || about.uid === user)) files.push({ name, about });
  }
  return files;
}

async function problemOf(folder: string): Promise<string | null> {
  try {
    await access(folder, constants.W_OK);
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? null : reason(error);
  }
}

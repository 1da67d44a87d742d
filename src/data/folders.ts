import type { Stats } from 'node:fs';
import { mkdir, rmdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { DataError } from '../errors.js';
import { reason } from './files.js';

/** Makes a folder unless it is there. */
export async function ensureFolder(folder: string): Promise<void> {
  try {
    await makeFolder(folder);
  } catch (error) {
    throw new DataError(`cannot make the folder ${JSON.stringify(folder)}: ${folderReason(error)}`);
  }
}

/** Makes a folder and those above it; returns those that were not there. Node's own recursion never ends in /proc. */
export async function makeFolder(folder: string): Promise<string[]> {
  const missing: string[] = [];
  let path = resolve(folder);
  for (let found = await status(path); !found?.isDirectory(); found = await status(path)) {
    if (found) throw Object.assign(new Error(`${path} is no folder`), { code: 'ENOTDIR' });
    missing.unshift(path);
    path = dirname(path);
  }
  try {
    for (const path of missing) await mkdir(path).catch(present);
  } catch (error) {
    for (const path of [...missing].reverse()) await rmdir(path).catch(() => {});
    throw error;
  }
  return missing;
}

/** What is at a path, or null. */
function status(path: string): Promise<Stats | null> {
  return stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
}

/** Another process may be as fast. */
function present(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

/** Why a folder cannot be made or written into, in a user's words. */
export function folderReason(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOTDIR') return 'it, or a part of its path, is a file; give a folder';
  // What /proc answers, and a folder that was deleted while a shell stands in it.
  return code === 'ENOENT' ? 'nothing can be made there; choose another place' : reason(error);
}

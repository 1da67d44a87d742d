import type * as NodeFiles from 'node:fs';
import type * as Files from 'node:fs/promises';
import type * as Paths from 'node:path';
import { DataError } from '../errors.js';
import { builtin } from '../host.js';
import { draftIn, removeDrafts } from './drafts.js';
import { MOST, readRegular } from './read.js';
import { type Checkpoint, decodeSafetensors, encodeSafetensors, type Tensors } from './safetensors.js';

/** What the operating system said, in a user's words. */
export function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code && REASONS[code]) || String(message ?? error).replace(/\s+/g, ' ');
}

const REASONS: Record<string, string> = {
  ENOENT: 'it does not exist; check the path',
  EISDIR: 'it is a folder; give a file',
  ENOTDIR: 'a part of the path is a file, not a folder; check the path',
  EACCES: 'permission denied; choose another place or change its permissions',
  EPERM: 'permission denied; choose another place or change its permissions',
  EROFS: 'the file system is read-only; choose another place',
  ENOSPC: 'the disk is full; free some space or choose another place',
  EDQUOT: 'the disk quota is used up; free some space or choose another place',
  EFBIG:
    'the file would be larger than this account or disk may have; raise the limit or choose another place',
  ELOOP: 'its symbolic links go in a circle; check the path',
  EIO: 'the disk fails to read or write; check it, or choose another place',
  ENAMETOOLONG: 'the name is too long; choose a shorter one',
  ERR_FS_FILE_TOO_LARGE: 'it is larger than 2 GiB; split it into smaller files',
};

// Asked for when they are used: a session runs in pages too.
const files = () => builtin<typeof Files>('fs/promises');
const paths = () => builtin<typeof Paths>('path');

/**
 * Writes a file so that a reader sees the old content or the whole new one, never a part: into a new file in the
 * same folder, flushed to the disk, then renamed. A symbolic link is followed; a device or pipe is written directly.
 */
export async function writeFileAtomic(path: string, content: Uint8Array | string): Promise<void> {
  const { realpath, stat, writeFile } = await files();
  await told(path, async () => {
    const target = await realpath(path).catch(() => path);
    const found = await stat(target).catch(() => undefined);
    if (found?.isDirectory()) throw new DataError(REASONS.EISDIR);
    if (found?.isFIFO()) return writePipe(target, content);
    if (found && !found.isFile()) return writeFile(target, content);
    return replace(target, content, found?.mode);
  });
}

/** Into a pipe that somebody reads; opening one that nobody reads would wait for good. */
async function writePipe(path: string, content: Uint8Array | string): Promise<void> {
  const [{ open, writeFile }, { constants }] = await Promise.all([files(), builtin<typeof NodeFiles>('fs')]);
  const reader = await open(path, constants.O_WRONLY | constants.O_NONBLOCK).catch((error) => {
    throw error.code === 'ENXIO' ? new DataError('it is a pipe that nobody reads; give a file') : error;
  });
  // Held open while it is written through another handle, which waits where the pipe is full.
  try {
    await writeFile(path, content);
  } finally {
    await reader.close();
  }
}

/**
 * The same for a file of a folder that may come from a stranger: whatever has the name, a link, a device or a pipe, is
 * replaced, and nothing outside of the folder is touched.
 */
export async function writeInFolder(
  folder: string,
  name: string,
  content: Uint8Array | string,
): Promise<void> {
  const [{ lstat }, { join }] = await Promise.all([files(), paths()]);
  const path = join(folder, name);
  await told(path, async () => {
    const found = await lstat(path).catch(() => undefined);
    if (found?.isDirectory()) throw new DataError(REASONS.EISDIR);
    return replace(path, content, found?.isFile() ? found.mode : undefined);
  });
}

/** Writes, or throws a DataError that names the file. */
async function told(path: string, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    const { dirname } = await paths();
    const folder = JSON.stringify(dirname(path));
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const why = missing ? `the folder ${folder} does not exist; create it first` : reason(error);
    throw new DataError(`cannot write ${JSON.stringify(path)}: ${why}`);
  }
}

async function replace(target: string, content: Uint8Array | string, mode?: number): Promise<void> {
  const [{ open, rename, rm }, { dirname }] = await Promise.all([files(), paths()]);
  const folder = dirname(target);
  await removeDrafts(folder);
  const draft = await draftIn(folder);
  let handle: Files.FileHandle | undefined;
  try {
    // Exclusive: what is there already, a link too, is an error.
    handle = await open(draft, 'wx');
    await handle.writeFile(content);
    if (mode !== undefined) await handle.chmod(mode & 0o777);
    await handle.sync();
    await handle.close();
    handle = undefined;
    await rename(draft, target);
  } catch (error) {
    await handle?.close().catch(() => {});
    await rm(draft, { force: true }).catch(() => {});
    throw error;
  }
}

/** Writes tensors and metadata as a safetensors file, atomically. */
export async function writeCheckpoint(
  path: string,
  tensors: Tensors,
  metadata: Record<string, string> = {},
): Promise<void> {
  await writeFileAtomic(path, encodeSafetensors(tensors, metadata));
}

/** Reads and validates a safetensors file. Errors name the file. */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const bytes = await readRegular(path, MOST.weights).catch((error: unknown) => {
    throw new DataError(`cannot read the checkpoint ${JSON.stringify(path)}: ${reason(error)}`);
  });
  try {
    return decodeSafetensors(bytes);
  } catch (error) {
    if (error instanceof DataError)
      throw new DataError(`checkpoint ${JSON.stringify(path)}: ${error.message}`);
    throw error;
  }
}

/** The bytes of a regular file, by default one of weights, or a DataError that names it. */
export async function readBytes(path: string, most: number = MOST.weights): Promise<Uint8Array> {
  try {
    return await readRegular(path, most);
  } catch (error) {
    throw new DataError(`${path}: cannot be read: ${reason(error)}`);
  }
}

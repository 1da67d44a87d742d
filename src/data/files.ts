import type * as Files from 'node:fs/promises';
import type * as Paths from 'node:path';
import { DataError } from '../errors.js';
import { builtin } from '../host.js';
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
  const [{ realpath, stat, writeFile }, { dirname }] = await Promise.all([files(), paths()]);
  try {
    const target = await realpath(path).catch(() => path);
    const found = await stat(target).catch(() => undefined);
    if (found?.isDirectory()) throw new DataError(`cannot write ${JSON.stringify(path)}: ${REASONS.EISDIR}`);
    if (found && !found.isFile()) return await writeFile(target, content);
    await replace(target, content, found?.mode);
  } catch (error) {
    if (error instanceof DataError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const folder = JSON.stringify(dirname(path));
    const why = code === 'ENOENT' ? `the folder ${folder} does not exist; create it first` : reason(error);
    throw new DataError(`cannot write ${JSON.stringify(path)}: ${why}`);
  }
}

async function replace(target: string, content: Uint8Array | string, mode?: number): Promise<void> {
  const [{ open, rename, rm }, { dirname, join }] = await Promise.all([files(), paths()]);
  // A short name of its own: the target's may already be as long as the file system allows.
  const name = crypto.getRandomValues(new Uint32Array(2)).join('');
  const temporary = join(dirname(target), `.${name}.tmp`);
  let handle: Files.FileHandle | undefined;
  try {
    handle = await open(temporary, 'wx');
    await handle.writeFile(content);
    if (mode !== undefined) await handle.chmod(mode & 0o777);
    await handle.sync();
    await handle.close();
    handle = undefined;
    await rename(temporary, target);
  } catch (error) {
    await handle?.close().catch(() => {});
    await rm(temporary, { force: true }).catch(() => {});
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
  const { readFile } = await files();
  const bytes = await readFile(path).catch((error: unknown) => {
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

/** The bytes of a file, or a DataError that names it. */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await (await files()).readFile(path));
  } catch (error) {
    throw new DataError(`${path}: cannot be read: ${reason(error)}`);
  }
}

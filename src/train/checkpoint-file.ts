import { checkPath } from '../check.js';
import { OptionError } from '../errors.js';
import { IN_NODE } from '../host.js';

/** Writes what `bytes` gives; the file is complete or untouched. */
export async function saveFile(path: string, bytes: () => Uint8Array): Promise<void> {
  checkPath('save', path);
  if (!IN_NODE) throw new OptionError('save: a page has no files: keep the bytes of checkpoint()');
  const { writeFileAtomic } = await import('../data/files.js');
  await writeFileAtomic(path, bytes());
}

export async function loadFile(path: string): Promise<Uint8Array> {
  checkPath('load', path);
  if (!IN_NODE)
    throw new OptionError('load: a page has no files: give the bytes of a checkpoint to restore()');
  const { readBytes } = await import('../data/files.js');
  return readBytes(path);
}

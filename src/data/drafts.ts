import type * as Files from 'node:fs/promises';
import type * as Paths from 'node:path';
import { builtin } from '../host.js';
import { hasEnded, thisProcess } from './owner.js';

const DRAFT = /^\.2headgrad-([0-9a-f]{8}-\d{1,10}-[0-9a-f]{8})-\d+\.tmp$/;

/** A path in a folder for a file or folder that is not finished yet: new, and whose it is can be seen from its name. */
export async function draftIn(folder: string): Promise<string> {
  const { join } = await builtin<typeof Paths>('path');
  // Short: the target's name may already be as long as the file system allows.
  const random = crypto.getRandomValues(new Uint32Array(2)).join('');
  return join(folder, `.2headgrad-${await thisProcess()}-${random}.tmp`);
}

const cleaned = new Set<string>();

/** Once for each folder: takes away the drafts of processes that ended before they were done. */
export async function removeDrafts(folder: string): Promise<void> {
  if (cleaned.has(folder)) return;
  cleaned.add(folder);
  const [{ readdir, rm }, { join }] = await Promise.all([
    builtin<typeof Files>('fs/promises'),
    builtin<typeof Paths>('path'),
  ]);
  for (const name of await readdir(folder).catch(() => [])) {
    const [, owner] = DRAFT.exec(name) ?? [];
    // What cannot be removed only takes space.
    if (owner && (await hasEnded(owner)))
      await rm(join(folder, name), { recursive: true, force: true }).catch(() => {});
  }
}

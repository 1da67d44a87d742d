import { homedir } from 'node:os';
import { join } from 'node:path';
import { ensureFolder } from '../data/folders.js';
import type { Cache } from '../emit/compile.js';
import { printable } from '../printable.js';

/**
 * A cache in a folder, which is made when it is first asked for. One that a program named (`cache`) and that cannot be made
 * is a DataError. Without the user's, that of XDG_CACHE_HOME or the home folder, all goes on, only slower: a warning says so, once.
 */
export function cacheIn(named: string | undefined, open: (folder: string) => Cache): Cache {
  let made: Promise<Cache | undefined> | undefined;
  const cache = () => {
    made ??= usableFolder(named).then((folder) => (folder === undefined ? undefined : open(folder)));
    return made;
  };
  return {
    get: async (key) => (await cache())?.get(key),
    set: async (key, bytes) => (await cache())?.set(key, bytes),
  };
}

/** The user's folder of compiled modules, which need not be there. Throws an Error where there is no place for one. */
export function userFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(home(), '.cache'), '2headgrad');
}

async function usableFolder(named: string | undefined): Promise<string | undefined> {
  if (named !== undefined) {
    await ensureFolder(named);
    return named;
  }
  try {
    const folder = userFolder();
    await ensureFolder(folder);
    return folder;
  } catch (error) {
    warnNotKept((error as Error).message);
    return undefined;
  }
}

function home(): string {
  const found = homedir();
  if (found) return found;
  throw new Error('there is no home folder');
}

let warned = false;

/** Says once in a process that compiled modules are not kept. */
export function warnNotKept(why: string): void {
  if (warned) return;
  warned = true;
  process.emitWarning(
    printable(
      `compiled modules are not kept, so each is compiled anew: ${why} (XDG_CACHE_HOME can name another place)`,
    ),
  );
}

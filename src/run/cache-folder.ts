import { homedir } from 'node:os';
import { join } from 'node:path';
import { ensureFolder } from '../data/folders.js';
import type { Cache } from '../emit/compile.js';
import { printable } from '../printable.js';

/**
 * A cache in a folder, which is made when it is first asked for. One that the user named (`cache`, XDG_CACHE_HOME) and
 * that cannot be made is a DataError. Without the usual one all goes on, only slower: a warning says so, once.
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

async function usableFolder(named: string | undefined): Promise<string | undefined> {
  const base = process.env.XDG_CACHE_HOME;
  const chosen = named ?? (base ? join(base, '2headgrad') : undefined);
  if (chosen !== undefined) {
    await ensureFolder(chosen);
    return chosen;
  }
  try {
    const folder = join(home(), '.cache', '2headgrad');
    await ensureFolder(folder);
    return folder;
  } catch (error) {
    warnOnce((error as Error).message);
    return undefined;
  }
}

function home(): string {
  const found = homedir();
  if (found) return found;
  throw new Error('there is no home folder');
}

let warned = false;

function warnOnce(why: string): void {
  if (warned) return;
  warned = true;
  process.emitWarning(
    printable(
      `compiled modules are not kept, so each is compiled anew: ${why} (XDG_CACHE_HOME can name another place)`,
    ),
  );
}

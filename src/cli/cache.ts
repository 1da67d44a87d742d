import { bytesText, DataError } from '../errors.js';
import { type CacheContents, cacheContents, clearCache } from '../run/cache-contents.js';
import { userFolder } from '../run/cache-folder.js';
import { Output, plural } from './output.js';

export type CacheAction = 'show' | 'clear';

export interface CacheOptions {
  json?: boolean;
}

/** Shows what is kept of compiled modules, or removes it. Returns the exit code. */
export async function cache(action: CacheAction, { json = false }: CacheOptions): Promise<number> {
  const output = new Output(json);
  const folder = folderOfUser();
  if (action === 'clear') {
    const removed = await clearCache(folder);
    output.line(
      `Removed from ${folder}: ${plural(removed.modules, 'compiled module')}, ${bytesText(removed.bytes)}`,
    );
    output.result({ folder, removed: removed.modules, bytes: removed.bytes });
    return 0;
  }
  const found = await cacheContents(folder);
  for (const line of lines(folder, found)) output.line(line);
  output.result({ folder, ...found });
  return 0;
}

function lines(folder: string, { modules, bytes, oldest, newest, problem }: CacheContents): string[] {
  const rows: [string, string][] = [
    ['Folder', folder],
    ['Modules', modules === 0 ? 'none' : `${plural(modules, 'compiled module')}, ${bytesText(bytes)}`],
  ];
  if (oldest && newest) rows.push(['Oldest', timeText(oldest)], ['Newest', timeText(newest)]);
  if (problem) rows.push(['Note', `nothing more can be kept there: ${problem}`]);
  return rows.map(([what, text]) => `${what.padEnd(8)} ${text}`);
}

/** 2026-11-26 18:02:11, in the user's time: what Swedes write. */
const timeText = (time: Date) => time.toLocaleString('sv-SE');

function folderOfUser(): string {
  try {
    return userFolder();
  } catch (error) {
    throw new DataError(
      `compiled modules are not kept: ${(error as Error).message}; XDG_CACHE_HOME can name a place`,
    );
  }
}

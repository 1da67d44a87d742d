import { readFileSync, rmdirSync, rmSync } from 'node:fs';
import { link, open, rename, rm, rmdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { draftIn, removeDrafts } from '../data/drafts.js';
import { folderReason, makeFolder } from '../data/folders.js';
import { isObject, parseJson } from '../data/json.js';
import { hasEnded, OWNER, thisProcess } from '../data/owner.js';
import { readRegular } from '../data/read.js';
import { DataError } from '../errors.js';
import { clipped } from '../printable.js';

export const LOCK = '.2headgrad-lock';
const MOST_BYTES = 4096;
/** Others may take over a lock of the dead at the same time. */
const TRIES = 20;

/** Who writes into a folder. */
interface Holder {
  /** As `thisProcess` says it. */
  owner: string;
  pid: number;
  host: string;
  /** When it began, as ISO 8601 has it. */
  since: string;
}

/**
 * Makes a folder this process's until it ends, however it ends: a lock that a killed process leaves is taken over, and
 * so are its drafts taken away. The folder is made if it is not there, and goes again if nothing was written into it.
 * Throws DataError if the folder cannot be written into, or another process that may be running holds it.
 */
export async function holdFolder(folder: string): Promise<void> {
  const path = join(folder, LOCK);
  const holder = {
    owner: await thisProcess(),
    pid: process.pid,
    host: hostname(),
    since: new Date().toISOString(),
  };
  const text = `${JSON.stringify(holder)}\n`;
  let made: string[] = [];
  try {
    made = await makeFolder(folder);
    await removeDrafts(folder);
    for (let tries = 1; !(await create(folder, path, text)); tries++) {
      const found = await read(path);
      if (tries === TRIES || (found !== undefined && !(await isLeft(found))))
        throw new DataError(held(folder, path, found ?? ''));
      // What says nothing was cut off as it was made, or is no lock: a folder, a pipe, a link.
      if (found !== undefined) await takeAway(folder, path, found);
    }
  } catch (error) {
    for (const empty of made.reverse()) await rmdir(empty).catch(() => {});
    if (error instanceof DataError) throw error;
    throw new DataError(`cannot write into the folder ${JSON.stringify(folder)}: ${folderReason(error)}`);
  }
  process.once('exit', () => release(path, text, made));
}

/** Whether a process that may be running holds a folder. */
export async function isHeld(folder: string): Promise<boolean> {
  const found = await read(join(folder, LOCK));
  return found !== undefined && !(await isLeft(found));
}

/** Writes the lock if there is none; it appears with all that it says, since a link to a whole file is made. */
async function create(folder: string, path: string, text: string): Promise<boolean> {
  const draft = await draftIn(folder);
  try {
    const handle = await open(draft, 'wx');
    await handle.writeFile(text).finally(() => handle.close());
    await link(draft, path).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') throw error;
      // A file system without hard links.
      const direct = await open(path, 'wx');
      await direct.writeFile(text).finally(() => direct.close());
    });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true }).catch(() => {});
  }
}

/** The text of the lock; undefined if there is none any more. */
async function read(path: string): Promise<string | undefined> {
  try {
    return new TextDecoder().decode(await readRegular(path, MOST_BYTES));
  } catch (error) {
    // What is there and is no file of ours is nobody's lock.
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : '';
  }
}

function holderIn(text: string): Holder | undefined {
  try {
    const value = parseJson(text);
    if (!isObject(value) || typeof value.owner !== 'string' || !OWNER.test(value.owner)) return undefined;
    return value as unknown as Holder;
  } catch {
    return undefined;
  }
}

/** Whether nobody holds a lock any more. One that says nothing was cut off as it was made. */
async function isLeft(text: string): Promise<boolean> {
  const holder = holderIn(text);
  return holder === undefined || hasEnded(holder.owner);
}

/** Takes a lock away if it still is the one that was seen: another process may have taken it over meanwhile. */
async function takeAway(folder: string, path: string, seen: string): Promise<void> {
  const aside = await draftIn(folder);
  try {
    await rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if ((await read(aside)) !== seen) await link(aside, path).catch(() => {});
  await rm(aside, { recursive: true, force: true });
}

function held(folder: string, path: string, text: string): string {
  const { pid, host, since } = holderIn(text) ?? { pid: 0, host: '', since: '' };
  const place = host === hostname() ? '' : ` on ${clipped(String(host))}`;
  return `the folder ${JSON.stringify(folder)} is in use by process ${Number(pid)}${place} since ${clipped(String(since), 40)}: wait until it ends or give another --out (if it is gone, delete ${JSON.stringify(path)})`;
}

/** As the process ends there is no time to wait. */
function release(path: string, text: string, made: readonly string[]): void {
  try {
    if (readFileSync(path, 'utf8') === text) rmSync(path);
    for (const folder of [...made].reverse()) rmdirSync(folder);
  } catch {
    // Gone already, or something lies in it.
  }
}

import { randomBytes, randomUUID } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { link, mkdir, open, readdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { folderReason } from '../data/folders.js';
import type { Cache } from '../emit/compile.js';
import { cacheIn, warnNotKept } from './cache-folder.js';
import { compilerVersion } from './compiler-version.js';

/** No module is as large; what is there would not be one of ours. */
const MOST_BYTES = 2 ** 28;
const SECRET_BYTES = 32;
const DRAFT = '.draft';
/** Names of drafts: of a module or of the secret. */
const OWN_DRAFT = /^([\w-]+|secret)\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.draft$/;
/** A draft so old was left behind by a process that was killed. */
const ABANDONED_MS = 3_600_000;

/**
 * Compiled modules as files; what cannot be read or written is compiled anew, and so is all when the compiler changes.
 * Entries are signed with a secret of the user's, so that those of others who may write into the folder do not count.
 */
export function moduleCache(named?: string): Cache {
  return {
    ...cacheIn(named, filesIn),
    secret() {
      secret ??= userSecret();
      return secret;
    },
  };
}

function filesIn(folder: string): Cache {
  compiler ??= compilerVersion().catch(() => undefined);
  const path = async (key: string) => {
    const version = await compiler;
    return version ? join(folder, `${key}-${version}`) : undefined;
  };
  return {
    async get(key) {
      const file = await path(key);
      return file ? (await readPlainFile(file, MOST_BYTES))?.bytes : undefined;
    },
    async set(key, bytes) {
      const file = await path(key);
      if (!file) return;
      await makeFolder(folder)
        .then(() => sweep(folder))
        .then(() => replace(file, bytes))
        .catch((error) => warnNotKept(`cannot write into ${JSON.stringify(folder)}: ${folderReason(error)}`));
    },
  };
}

let compiler: Promise<string | undefined> | undefined;
let secret: Promise<Uint8Array> | undefined;

function defaultFolder(): string {
  const base = process.env.XDG_CACHE_HOME || (homedir() ? join(homedir(), '.cache') : tmpdir());
  return join(base, '2headgrad');
}

/**
 * The bytes of a file, if it is one, of at most so many bytes, and can be read. Whatever else stands in its place is
 * not waited for: a pipe, a device, a folder, a link.
 */
async function readPlainFile(
  path: string,
  most: number,
): Promise<{ bytes: Uint8Array; about: Stats } | undefined> {
  const { O_RDONLY, O_NONBLOCK = 0, O_NOFOLLOW = 0 } = constants;
  const file = await open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW).catch(() => undefined);
  if (!file) return undefined;
  try {
    const about = await file.stat();
    if (!about.isFile() || about.size > most) return undefined;
    const bytes = new Uint8Array(about.size);
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length);
      if (bytesRead === 0) return undefined;
      length += bytesRead;
    }
    return { bytes, about };
  } catch {
    return undefined;
  } finally {
    await file.close();
  }
}

/** Makes a folder and those above it. Node's own recursion never ends in /proc. */
async function makeFolder(path: string): Promise<void> {
  // Another process may be first.
  const make = () =>
    mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  await make().catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await make();
  });
}

/** Writes a file whole or not at all; an empty folder in its place goes. */
async function replace(path: string, bytes: Uint8Array): Promise<void> {
  const draft = `${path}.${randomUUID()}${DRAFT}`;
  try {
    await writeFile(draft, bytes, { flag: 'wx', mode: 0o600 });
    await rename(draft, path).catch(async () => {
      await rmdir(path);
      await rename(draft, path);
    });
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

async function sweep(folder: string): Promise<void> {
  const drafts = (await readdir(folder))
    .filter((name) => OWN_DRAFT.test(name))
    .map((name) => join(folder, name));
  for (const draft of drafts) {
    const { mtimeMs } = await stat(draft).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > ABANDONED_MS) await rm(draft, { force: true });
  }
}

/**
 * What this user signs entries with: made once and kept beside the cache, for nobody else to read. Where it cannot be
 * kept, or one that others may know is in its place and cannot be replaced, it lives as long as the process.
 */
async function userSecret(folder = defaultFolder()): Promise<Uint8Array> {
  const path = join(folder, 'secret');
  const fresh = randomBytes(SECRET_BYTES);
  const draft = `${path}.${randomUUID()}${DRAFT}`;
  try {
    const known = await ownSecret(path);
    if (known) return known;
    await makeFolder(folder);
    await writeFile(draft, fresh, { flag: 'wx', mode: 0o600 });
    // Of several processes that begin at once the first gives all of them the secret.
    await link(draft, path).catch(async () => {
      if (await ownSecret(path)) return;
      await rm(path);
      await link(draft, path);
    });
    return (await ownSecret(path)) ?? fresh;
  } catch {
    return fresh;
  } finally {
    await rm(draft, { force: true }).catch(() => {});
  }
}

async function ownSecret(path: string): Promise<Uint8Array | undefined> {
  const found = await readPlainFile(path, SECRET_BYTES);
  if (found?.bytes.length !== SECRET_BYTES) return undefined;
  // Windows has neither users as numbers nor modes.
  if (!process.getuid) return found.bytes;
  const { uid, mode } = found.about;
  return uid === process.getuid() && (mode & 0o077) === 0 ? found.bytes : undefined;
}

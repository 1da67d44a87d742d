import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Library } from '../emit/asc.js';
import type { Cache } from '../emit/compile.js';
import type { Helper, Spawn } from './engine.js';

/** The hand-written kernels that come with the package. */
export async function readLibrary(): Promise<Library> {
  const folder = new URL('../../assembly/', import.meta.url);
  const names = (await readdir(folder)).filter((name) => name.endsWith('.ts') && name !== 'index.ts').sort();
  const files = await Promise.all(
    names.map(async (name) => [name, await readFile(new URL(name, folder), 'utf8')]),
  );
  return Object.fromEntries(files);
}

/** Compiled modules as files; what cannot be read or written is compiled anew. */
export function moduleCache(folder = defaultFolder()): Cache {
  const path = (key: string) => join(folder, `${key}.wasm`);
  return {
    async get(key) {
      const bytes = await readFile(path(key)).catch(() => undefined);
      return bytes && WebAssembly.validate(bytes) ? new Uint8Array(bytes) : undefined;
    },
    async set(key, wasm) {
      const draft = `${path(key)}.${randomUUID()}`;
      await mkdir(folder, { recursive: true })
        .then(() => writeFile(draft, wasm))
        .then(() => rename(draft, path(key)))
        .catch(() => {});
    },
  };
}

function defaultFolder(): string {
  const base = process.env.XDG_CACHE_HOME || (homedir() ? join(homedir(), '.cache') : tmpdir());
  return join(base, '2headgrad');
}

export const spawnWorker: Spawn = (start) => {
  const worker = new Worker(new URL('./node-worker.js', import.meta.url), { workerData: start });
  const exit = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  return {
    ready: new Promise<void>((resolve, reject) => {
      worker.once('message', () => {
        // A session that nobody closes must not keep the process alive.
        worker.unref();
        resolve();
      });
      worker.once('error', reject);
    }),
    ended() {
      worker.ref();
      return exit;
    },
  } satisfies Helper;
};

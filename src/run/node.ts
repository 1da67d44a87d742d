import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Library, runAsc } from '../emit/asc.js';
import type { Cache } from '../emit/compile.js';
import { GradError } from '../errors.js';
import { cacheIn } from './cache-folder.js';
import type { Spawn } from './engine.js';
import { nodeHelper } from './helper.js';

/** The hand-written kernels that come with the package. */
export async function readLibrary(): Promise<Library> {
  const folder = new URL('../../assembly/', import.meta.url);
  const names = (await readdir(folder)).filter((name) => name.endsWith('.ts') && name !== 'index.ts').sort();
  const files = await Promise.all(
    names.map(async (name) => [name, await readFile(new URL(name, folder), 'utf8')]),
  );
  return Object.fromEntries(files);
}

/** Compiled modules as files in a folder that the user names, or where a system keeps such things. */
export const moduleCache = (named?: string): Cache => cacheIn(named, filesIn);

/** What cannot be read or written is compiled anew, and so is all when the compiler changes. */
function filesIn(folder: string): Cache {
  compiler ??= compilerVersion();
  const path = async (key: string) => join(folder, `${key}-${await compiler}`);
  return {
    async get(key) {
      return readFile(await path(key)).catch(() => undefined);
    },
    async set(key, bytes) {
      const file = await path(key);
      const draft = `${file}.${randomUUID()}`;
      await mkdir(folder, { recursive: true })
        .then(() => writeFile(draft, bytes))
        .then(() => rename(draft, file))
        .catch(() => {});
    },
  };
}

let compiler: Promise<string> | undefined;

/** Tells compilers apart by the sizes and times of their files. */
async function compilerVersion(): Promise<string> {
  const stages = ['ops', 'graph', 'optimize', 'schedule', 'plan', 'emit'];
  const files = await Promise.all(
    stages.map(async (stage) => {
      const folder = new URL(`../${stage}/`, import.meta.url);
      const names = (await readdir(folder)).sort();
      return Promise.all(
        names.map(async (name) => {
          const { size, mtimeMs } = await stat(new URL(name, folder));
          return `${stage}/${name} ${size} ${mtimeMs}`;
        }),
      );
    }),
  );
  return createHash('sha256').update(files.flat().join('\n')).digest('hex').slice(0, 16);
}

export const spawnWorker: Spawn = (start) =>
  nodeHelper(new Worker(new URL('./node-worker.js', import.meta.url), { workerData: start }));

/** Runs asc in a thread of its own, which ends with it. */
export const ascApart: typeof runAsc = (source, library, options) => {
  const url = new URL('./asc-worker.js', import.meta.url);
  const worker = new Worker(url, { workerData: { source, library, options }, execArgv: [] });
  return new Promise<Uint8Array>((resolve, reject) => {
    worker.once('message', ({ wasm, message }) => (wasm ? resolve(wasm) : reject(new GradError(message))));
    worker.once('error', reject);
    worker.once('exit', (code) =>
      reject(new GradError(`the thread of the compiler ended with code ${code}`)),
    );
  }).finally(() => worker.terminate());
};

import { readdir, readFile } from 'node:fs/promises';
import { receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { Library, runAsc } from '../emit/asc.js';
import { GradError } from '../errors.js';
import { nodeHelper } from './helper.js';
import type { Spawn } from './module.js';

export { moduleCache } from './disk-cache.js';
export { widen } from './wide/try.js';

/** The hand-written kernels that come with the package. */
export async function readLibrary(): Promise<Library> {
  const folder = new URL('../../assembly/', import.meta.url);
  const names = (await readdir(folder)).filter((name) => name.endsWith('.ts') && name !== 'index.ts').sort();
  const files = await Promise.all(
    names.map(async (name) => [name, await readFile(new URL(name, folder), 'utf8')]),
  );
  return Object.fromEntries(files);
}

export const spawnWorker: Spawn = (start) =>
  nodeHelper(
    new Worker(new URL('./node-worker.js', import.meta.url), { workerData: start }),
    receiveMessageOnPort,
  );

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

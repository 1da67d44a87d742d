import { readdir, readFile } from 'node:fs/promises';
import { receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { Library } from '../emit/asc.js';
import type { Spawn } from './engine.js';
import { nodeHelper } from './helper.js';

export { moduleCache } from './disk-cache.js';

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

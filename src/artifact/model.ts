// What `model.js` of a compiled model is made of: bundled into one file that imports nothing, so that it runs as it
// lies in a folder, in Node, Deno and Bun, in pages and in their workers.
import { MOST } from '../data/read.js';
import { loadBytes, parseJson } from './load.js';
import { type ModelSession, type StartOptions, startModel } from './session.js';
import { serveThread, spawner } from './threads.js';

export { threadSupport } from '../run/threads.js';

serveThread();

const place = {
  url: (file: string) => new URL(file, import.meta.url),
  spawn: () =>
    spawner(
      () => new URL(import.meta.url),
      // Written out, so that bundlers see that a worker is made of this file.
      () => new Worker(new URL('./model.js', import.meta.url), { type: 'module', name: '2headgrad thread' }),
    ),
};

let manifest: Promise<unknown> | undefined;

/** Starts the model that lies beside this file; several sessions may run. */
export async function start(options?: StartOptions): Promise<ModelSession> {
  manifest ??= loadBytes(new URL('./model.json', import.meta.url), MOST.json).then((bytes) =>
    parseJson('model.json', bytes),
  );
  // What could not be loaded may be there the next time.
  const known = await manifest.catch((error) => {
    manifest = undefined;
    throw error;
  });
  return startModel(known, place, options);
}

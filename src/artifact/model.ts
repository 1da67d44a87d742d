// What `model.js` of a compiled model is made of: bundled into one file that imports nothing, so that it runs as it
// lies in a folder, in Node, Deno and Bun, in pages and in their workers, and in what a bundler makes of it.
import { isObject } from '../data/json.js';
import { MOST } from '../data/read.js';
import { DataError } from '../errors.js';
import { type Awaitable, addressOf, bytesOf, loadBytes, parseJson, type Source } from './load.js';
import { type ModelSession, type Place, type StartOptions, startModel } from './session.js';
import { serveThread, spawner } from './threads.js';

export { threadSupport } from '../run/threads.js';

/** The addresses of the files beside this one, which compiling ahead of time writes before it (aot/runtime.ts). */
declare const FILES: Readonly<Record<string, () => URL>>;

const MANIFEST = 'model.json';

serveThread();

export interface ModelOptions extends StartOptions {
  /** What `model.json` holds, where it cannot be loaded from beside this file: its value, its text or where it is. */
  manifest?: Awaitable<object | Source> | undefined;
  /** The address of this file, where it is not the one that it was loaded from: threads are started from it. */
  worker?: string | URL | undefined;
}

function url(file: string): URL {
  if (!Object.hasOwn(FILES, file)) {
    throw new DataError(
      `model.json names ${file}, which was not compiled together with this model.js: copy all files of the compiled model again`,
    );
  }
  try {
    return FILES[file]();
  } catch {
    // A bundler has made something else than a module of it.
    throw new DataError(
      `model.js cannot tell where it lies, so it cannot load ${file}: give what it needs, start({ manifest, wasm, weights })`,
    );
  }
}

function placeOf(worker: ModelOptions['worker']): Place {
  return {
    url,
    spawn: async () => {
      const given = worker === undefined ? undefined : await addressOf('worker', worker);
      return spawner(
        () => given ?? new URL(import.meta.url),
        () =>
          given
            ? new Worker(given, { type: 'module', name: '2headgrad-thread' })
            : // Written out, so that bundlers see that a worker is made of this file.
              new Worker(new URL('./model.js', import.meta.url), {
                type: 'module',
                name: '2headgrad-thread',
              }),
      );
    },
  };
}

let shipped: Promise<unknown> | undefined;

function shippedManifest(): Promise<unknown> {
  shipped ??= loadBytes(url(MANIFEST), MOST.json).then((bytes) => parseJson(MANIFEST, bytes));
  // What could not be loaded may be there the next time.
  return shipped.catch((error) => {
    shipped = undefined;
    throw error;
  });
}

async function loadManifest(given: unknown): Promise<unknown> {
  if (isObject(given) && 'modules' in given) return given;
  const isText = typeof given === 'string' && /^\s*\{/.test(given);
  return parseJson(MANIFEST, isText ? new TextEncoder().encode(given) : await bytesOf('manifest', given));
}

/** Starts the model that lies beside this file, or that is given; several sessions may run. */
export async function start({ manifest, worker, ...options }: ModelOptions = {}): Promise<ModelSession> {
  const given = await manifest;
  const known = await (given === undefined ? shippedManifest() : loadManifest(given));
  return startModel(known, placeOf(worker), options);
}

import type { Library } from '../emit/asc.js';
import type { Cache as ModuleCache } from '../emit/compile.js';
import { pageHelper } from './helper.js';
import type { Spawn } from './module.js';

/** Modules that are kept for this origin; the oldest go. */
const KEPT_MODULES = 32;
const CACHE_NAME = '2headgrad';

/** The hand-written kernels, which the build has put into a module. */
export async function readLibrary(): Promise<Library> {
  return (await import('./library.js')).library;
}

/**
 * Compiled modules in the browser's cache of this origin; what cannot be read or written, was made by another build, is
 * damaged or of another key is compiled anew. All code of an origin can write there, and no secret could be kept from it:
 * who runs code of strangers gives it an origin of its own, as the playground does with its frame, or compiles with
 * `cache: false` everywhere in the origin.
 */
export function moduleCache(): ModuleCache | undefined {
  // It is there in secure contexts only.
  if (typeof caches === 'undefined') return undefined;
  // Nothing is ever fetched from here: entries are named by addresses.
  const address = async (key: string) => {
    const { build } = await import('./library.js');
    return new URL(`/2headgrad/${key}-${build}`, globalThis.location.origin).href;
  };
  const store = () => caches.open(CACHE_NAME);
  return {
    async get(key) {
      const found = await store()
        .then(async (cache) => cache.match(await address(key)))
        .catch(() => undefined);
      return found && new Uint8Array(await found.arrayBuffer().catch(() => new ArrayBuffer(0)));
    },
    async set(key, bytes) {
      await store()
        .then(async (cache) => {
          await cache.put(await address(key), new Response(bytes as BufferSource));
          const old = (await cache.keys()).slice(0, -KEPT_MODULES);
          await Promise.all(old.map((request) => cache.delete(request)));
        })
        .catch(() => {});
    },
  };
}

export const spawnWorker: Spawn = (start) =>
  pageHelper(new Worker(new URL('./web-worker.js', import.meta.url), { type: 'module' }), start);

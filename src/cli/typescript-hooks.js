// How Node reads a model's TypeScript where tsx is not installed. Node 20 runs the asynchronous hooks on a thread of its own,
// hence plain JavaScript; later versions run the others where the imports are.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { transform } from 'sucrase';

/** What is not 0 while a model is imported; the thread of the hooks shares it. */
let active = Int32Array.of(1);

/** @param {Int32Array<SharedArrayBuffer>} shared */
export function initialize(shared) {
  active = /** @type {Int32Array<any>} */ (shared);
}

/** @type {import('node:module').ResolveHook} */
export async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context);
  } catch (error) {
    for (const other of meant(specifier, context, error))
      try {
        return await next(other, context);
      } catch {}
    throw error;
  }
}

/**
 * The same for `registerHooks`.
 * @param {string} specifier @param {any} context @param {(specifier: string, context: any) => any} next
 */
export function resolveSync(specifier, context, next) {
  try {
    return next(specifier, context);
  } catch (error) {
    for (const other of meant(specifier, context, error))
      try {
        return next(other, context);
      } catch {}
    throw error;
  }
}

/** @type {import('node:module').LoadHook} */
export async function load(url, context, next) {
  return Atomics.load(active, 0) && isTypeScript(url) ? loaded(url) : next(url, context);
}

/**
 * @param {string} url @param {any} context @param {(url: string, context: any) => any} next
 */
export function loadSync(url, context, next) {
  return isTypeScript(url) ? loaded(url) : next(url, context);
}

/** @param {string} url */
const isTypeScript = (url) => /^file:[^?]*\.m?ts(\?|$)/.test(url) && !url.includes('/node_modules/');

/** As JavaScript, each line in its place. @param {string} url */
function loaded(url) {
  const filePath = fileURLToPath(url.replace(/\?.*$/, ''));
  const { code } = transform(readFileSync(filePath, 'utf8'), {
    ...{ transforms: ['typescript'], disableESTransforms: true, filePath },
  });
  return { format: /** @type {const} */ ('module'), source: code, shortCircuit: true };
}

/**
 * What an import that leads nowhere may mean, as TypeScript has it: `./rows.js` is written in rows.ts, and so is `./rows`.
 * @param {string} specifier @param {{ parentURL?: string }} context @param {unknown} error
 */
function meant(specifier, { parentURL = '' }, error) {
  const { code } = /** @type {NodeJS.ErrnoException} */ (error);
  const leadsNowhere = code === 'ERR_MODULE_NOT_FOUND' || code === 'ERR_UNSUPPORTED_DIR_IMPORT';
  if (!Atomics.load(active, 0) || !leadsNowhere || parentURL.includes('/node_modules/')) return [];
  if (!/^(\.{1,2}(\/|$)|file:)/.test(specifier)) return [];
  if (/\.m?js$/.test(specifier)) return [specifier.replace(/js$/, 'ts')];
  return ['.ts', '.mts', '.js', '/index.ts', '/index.js'].map((end) => specifier + end);
}

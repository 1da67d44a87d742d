// How a model file's imports are found. Node runs the asynchronous hook on a thread of its own, hence plain JavaScript;
// later versions of Node run the other one where the imports are.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const own = import.meta.url;

/** @type {import('node:module').ResolveHook} */
export async function resolve(specifier, context, next) {
  try {
    return again(asModule(await next(specifier, context)), specifier, context);
  } catch (error) {
    return asModule(await next(specifier, fromHere(error, specifier, context)));
  }
}

/**
 * The same for `registerHooks`.
 * @param {string} specifier @param {any} context @param {(specifier: string, context: any) => any} next
 */
export function resolveSync(specifier, context, next) {
  try {
    return again(asModule(next(specifier, context)), specifier, context);
  } catch (error) {
    return asModule(next(specifier, fromHere(error, specifier, context)));
  }
}

/**
 * A model outside of any project still finds the package whose command line loads it.
 * @template T @param {unknown} error @param {string} specifier @param {T} context
 */
function fromHere(error, specifier, context) {
  const isOurs = specifier === '2headgrad' || specifier.startsWith('2headgrad/');
  const { code } = /** @type {NodeJS.ErrnoException} */ (error);
  if (isOurs && (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND'))
    return { ...context, parentURL: own };
  throw error;
}

/**
 * Without a package.json that says "module", Node would take files written with import and export for CommonJS, and
 * tsx marks such files by a query.
 * @template {{ url: string, format?: string | null }} T @param {T} found
 */
function asModule(found) {
  const url = found.url.replace(/(%3F|\?).*$/i, '');
  const mayBe = found.format === 'commonjs' && /^file:.*\.[jt]sx?$/.test(url);
  if (mayBe && !url.includes('/node_modules/') && isModule(url)) return { ...found, url, format: 'module' };
  return found;
}

/**
 * What a file that runs anew imports of the same project runs anew too: it has the same number in its address.
 * @template {{ url: string }} T @param {T} found @param {string} specifier @param {{ parentURL?: string }} context
 */
function again(found, specifier, { parentURL = '' }) {
  const [, number] = /[?&](import=\d+)/.exec(`${specifier} ${parentURL}`) ?? [];
  const isOwn = /^(\.{0,2}\/|file:)/.test(specifier) && found.url.startsWith('file:');
  if (number === undefined || !isOwn) return found;
  if (found.url.includes(number)) return found;
  return { ...found, url: `${found.url}${found.url.includes('?') ? '&' : '?'}${number}` };
}

/** @param {string} url */
function isModule(url) {
  const text = readFileSync(fileURLToPath(url), 'utf8');
  return (
    /^\s*(import\b(?!\s*\()|export\b)/m.test(text) || !/\b(module\.exports|exports\.|require\()/.test(text)
  );
}

// How a model file's imports are found; runs on the thread of Node's module hooks, hence plain JavaScript.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const own = import.meta.url;

/** @type {import('node:module').ResolveHook} */
export async function resolve(specifier, context, next) {
  const found = await find(specifier, context, next);
  // Without a package.json that says "module", Node would take files written with import and export for CommonJS,
  // and tsx marks such files by a query.
  const url = found.url.replace(/(%3F|\?).*$/i, '');
  const mayBe = found.format === 'commonjs' && /^file:.*\.[jt]sx?$/.test(url);
  if (mayBe && !url.includes('/node_modules/') && isModule(url)) return { ...found, url, format: 'module' };
  return found;
}

/** @type {import('node:module').ResolveHook} */
async function find(specifier, context, next) {
  try {
    return await next(specifier, context);
  } catch (error) {
    // A model outside of any project still finds the package whose command line loads it.
    const isOurs = specifier === '2headgrad' || specifier.startsWith('2headgrad/');
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    if (isOurs && code === 'ERR_MODULE_NOT_FOUND') return next(specifier, { ...context, parentURL: own });
    throw error;
  }
}

/** @param {string} url */
function isModule(url) {
  const text = readFileSync(fileURLToPath(url), 'utf8');
  return (
    /^\s*(import\b(?!\s*\()|export\b)/m.test(text) || !/\b(module\.exports|exports\.|require\()/.test(text)
  );
}

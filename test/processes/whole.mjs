// Loads Binaryen as it is, in a process that runs TypeScript by tsx: that rewrites each file with an import in the midst of
// its code, and takes some seconds for the 13 MB of this one. (What users get has no such import: scripts/vendor.mjs.)
//
//   node --import tsx --import ./test/processes/whole.mjs SCRIPT

import { register } from 'node:module';

const HOOKS = `import { readFile } from 'node:fs/promises';
export async function load(url, context, next) {
  if (!/\\/node_modules\\/binaryen\\/index\\.js$/.test(url)) return next(url, context);
  return { format: 'module', source: await readFile(new URL(url)), shortCircuit: true };
}`;

register(`data:text/javascript,${encodeURIComponent(HOOKS)}`);

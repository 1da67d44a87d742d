// Makes the package 2headgrad-runtime in build/runtime of dist/: what runs compiled models, without the compiler. It is packed by
// `npm pack ./build/runtime`.

import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const dist = join(root, 'dist');
const source = join(root, 'packages', 'runtime');
const out = join(root, 'build', 'runtime');

const ENTRY = 'artifact/index';
/** Beside the runtime, since it is started by its address. */
const THREAD = 'artifact/thread';

rmSync(out, { recursive: true, force: true });
await bundle();
for (const path of declarations(`${ENTRY}.d.ts`)) {
  const text = readFileSync(join(dist, path), 'utf8').replace(/^\/\/# sourceMappingURL=.*\n?/m, '');
  mkdirSync(dirname(join(out, 'types', path)), { recursive: true });
  writeFileSync(join(out, 'types', path), text);
}
const { version, engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const about = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'));
writeFileSync(join(out, 'package.json'), `${JSON.stringify({ ...about, version, engines }, null, 2)}\n`);
cpSync(join(source, 'README.md'), join(out, 'README.md'));
cpSync(join(root, 'LICENSE'), join(out, 'LICENSE'));

async function bundle() {
  const { build } = await import('esbuild');
  await build({
    entryPoints: [ENTRY, THREAD].map((path) => join(dist, `${path}.js`)),
    outdir: out,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
    charset: 'utf8',
    logLevel: 'warning',
  });
}

/** A file of types and those that it imports, as paths in dist. @param {string} first @returns {Set<string>} */
function declarations(first) {
  const found = new Set([first]);
  // The set grows while it is walked.
  for (const path of found) {
    const text = readFileSync(join(dist, path), 'utf8');
    for (const [, target] of text.matchAll(/\b(?:from|import\()\s*'(\.[^']+)'/g))
      found.add(join(dirname(path), target.replace(/\.js$/, '.d.ts')).replaceAll('\\', '/'));
  }
  return found;
}

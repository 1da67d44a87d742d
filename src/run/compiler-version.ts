import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';

/** Where this package's sources, or what was built of them, lie. */
const ROOT = new URL('../', import.meta.url);
const START = 'emit/compile.js';
/** What is built has the files of other packages here, told apart by their versions. */
const VENDOR = 'vendor/';
// No template: those are text of what the compiler emits.
const IMPORT = /\b(?:from|import)\s*\(?\s*['"](\.[^'"${}]+)['"]/g;

/**
 * Tells compilers apart: a hash of every file that compiling may run, and of the packages that make the wasm. Which
 * files those are is found by their imports, so that no stage can be forgotten.
 */
export async function compilerVersion(root = ROOT): Promise<string> {
  const files = await compilerFiles(root);
  const hash = createHash('sha256');
  for (const [path, text] of files)
    hash.update(`${path}\0${(await stat(new URL(path, root))).mtimeMs}\0${text}\0`);
  return hash
    .update(JSON.stringify(await packageVersions(root)))
    .digest('hex')
    .slice(0, 16);
}

/** The compiler's files by path: what it imports, and all other files of their folders, which may register themselves. */
export async function compilerFiles(root = ROOT): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const folders = new Set<string>();
  let found = [pathIn(root, START)];
  while (found.length) {
    const texts = await Promise.all(found.map((path) => readFile(new URL(path, root), 'utf8')));
    const next = new Set<string>();
    for (const [i, path] of found.entries()) {
      files.set(path, texts[i]);
      for (const [, target] of texts[i].matchAll(IMPORT))
        next.add(pathIn(root, new URL(target, new URL(path, root)).href.slice(root.href.length)));
      const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/') + 1) : '';
      // Files that lie in no folder are what everything rests on, and the entries, which import all the rest.
      if (folder === '' || folders.has(folder)) continue;
      folders.add(folder);
      for (const name of await readdir(new URL(folder, root)))
        if (/(?<!\.d)\.[jt]s$/.test(name)) next.add(folder + name);
    }
    found = [...next].filter((path) => !files.has(path) && !path.startsWith(VENDOR));
  }
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Sources import each other by the names that they are built to. */
function pathIn(root: URL, path: string): string {
  if (existsSync(new URL(path, root))) return path;
  return path.replace(/js$/, 'ts');
}

/** What makes wasm of AssemblyScript: asc, and the Binaryen that it finds. */
const ASSEMBLERS = ['assemblyscript', 'binaryen'] as const;

async function packageVersions(root: URL): Promise<string[]> {
  const vendored = await readFile(new URL(`${VENDOR}packages.json`, root), 'utf8').catch(() => undefined);
  if (vendored !== undefined) {
    const packages: { name: string; version: string }[] = JSON.parse(vendored);
    return ASSEMBLERS.map((name) => `${name} ${packages.find((found) => found.name === name)?.version}`);
  }
  const read = async (name: string, from: string | URL) => {
    const path = createRequire(from).resolve(`${name}/package.json`);
    const { version } = JSON.parse(await readFile(path, 'utf8'));
    return { path, text: `${name} ${version}` };
  };
  const [first, second] = ASSEMBLERS;
  const asc = await read(first, import.meta.url);
  return [asc.text, (await read(second, asc.path)).text];
}

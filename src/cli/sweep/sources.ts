import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import type { Kind } from '../kinds/kind.js';

/** `from './layers.js'`, `import('./rows')`; of a name that is put together, as `import(`./layers/${act}.js`)`, how it begins. */
const IMPORT = /\b(?:from|import|require)\s*\(?\s*(['"`])(\.{1,2}\/.*?)(\1|\$\{)/g;
const MODULE = /\.([cm]?[jt]s|json)$/;
/** What a path may mean where there is no such file, as TypeScript has it. */
const meant = (path: string) => [
  path,
  path.replace(/js$/, 'ts'),
  ...['.ts', '.mts', '.js', '/index.ts', '/index.js'].map((end) => path + end),
];

/**
 * A hash of a model file and of what it imports by relative paths. Where settings choose what it computes, the graph that it
 * has by default does not say whether two hosts, or two days, have the same file.
 */
export async function sourcesDigest(path: string): Promise<string> {
  const main = resolve(path);
  const texts = new Map<string, string>();
  let found = [main];
  while (found.length > 0) {
    const next = new Set<string>();
    for (const file of found) {
      const text = await readFile(file, 'utf8');
      texts.set(file, text);
      for (const [, , specifier, end] of text.matchAll(IMPORT)) {
        const isBegun = end === '${' || specifier.endsWith('/');
        const found = isBegun
          ? await modulesIn(resolve(dirname(file), specifier.replace(/[^/]*$/, '')))
          : await firstFile(meant(resolve(dirname(file), specifier)));
        for (const target of found) next.add(target);
      }
    }
    found = [...next].filter((file) => !texts.has(file));
  }
  // By places in the project, which may lie elsewhere on another host; and a clone may have other ends of lines.
  const placed = [...texts].map(([file, text]) => [
    relative(dirname(main), file).split(sep).join('/'),
    text.replaceAll('\r\n', '\n'),
  ]);
  placed.sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(placed)).digest('hex');
}

/** The same of a kind, where it is a model file. */
export const sourcesOf = async ({ own, name }: Pick<Kind, 'own' | 'name'>): Promise<string | undefined> =>
  own && sourcesDigest(name);

async function firstFile(paths: readonly string[]): Promise<string[]> {
  for (const path of paths) if ((await stat(path).catch(() => undefined))?.isFile()) return [path];
  return [];
}

/** All that a name may turn out to be of which a file knows the folder alone. */
async function modulesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && MODULE.test(entry.name))
    .map(({ name }) => join(folder, name));
}

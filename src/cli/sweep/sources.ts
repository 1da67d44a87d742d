import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { dirname, relative, resolve, sep } from 'node:path';

/** `from './layers.js'`, `import('./rows')`. */
const IMPORT = /\b(?:from|import)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g;
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
      for (const [, specifier] of text.matchAll(IMPORT)) {
        const target = await firstFile(meant(resolve(dirname(file), specifier)));
        if (target !== undefined) next.add(target);
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

async function firstFile(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if ((await stat(path).catch(() => undefined))?.isFile()) return path;
  return undefined;
}

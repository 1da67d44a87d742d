import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

// What npm has put into a folder for a package.

interface Locked {
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

export interface Installed {
  /** Where the packages lie in the folder: the one that was asked for, and all that it needs. */
  readonly paths: readonly string[];
  /** Of all of their files. */
  readonly bytes: number;
}

/** A package in `node_modules` of a folder, and the packages that were installed because of it. */
export function installed(folder: string, name: string): Installed {
  const lock = readFileSync(join(folder, 'node_modules', '.package-lock.json'), 'utf8');
  const packages: Record<string, Locked> = JSON.parse(lock).packages;
  const paths = new Set([`node_modules/${name}`]);
  // The set grows while it is walked.
  for (const path of paths) {
    const { dependencies, optionalDependencies } = packages[path];
    for (const needed of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const found = placesOf(path, needed).find((place) => place in packages);
      if (found) paths.add(found);
    }
  }
  return {
    paths: [...paths],
    bytes: [...paths].reduce((sum, path) => sum + bytesIn(join(folder, path)), 0),
  };
}

/** Where a package finds another: in its own node_modules, or in one above. */
function placesOf(path: string, name: string): string[] {
  const parts = path.split('/node_modules/');
  const own = parts.map(
    (_, i) => `${parts.slice(0, parts.length - i).join('/node_modules/')}/node_modules/${name}`,
  );
  return [...own, `node_modules/${name}`];
}

/** Of the files in a folder, without packages in it. */
export function bytesIn(folder: string): number {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    if (entry.name === 'node_modules') return sum;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sum + bytesIn(path);
    return entry.isFile() ? sum + statSync(path).size : sum;
  }, 0);
}

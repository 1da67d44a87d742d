import { DataError } from '../errors.js';

/**
 * Where a file of a package lies that users install only if they want what is in it: by a name that no bundler follows.
 * Throws DataError with what is `missing` where the package is not installed.
 */
export function packagedFile(resolve: (name: string) => string, name: string, missing: string): string {
  try {
    return resolve(name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    throw new DataError(missing);
  }
}

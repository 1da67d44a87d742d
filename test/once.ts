import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { inject } from 'vitest';

/**
 * What `make` puts into a folder, made once in a run of the tests: the file of tests that comes first makes it, the others
 * wait for it. Its path.
 */
export async function once(name: string, make: (folder: string) => Promise<unknown>): Promise<string> {
  const folder = join(inject('shared'), name);
  const [done, failed] = [`${folder}.done`, `${folder}.failed`];
  const isFirst = await mkdir(`${folder}.begun`).then(
    () => true,
    () => false,
  );
  if (isFirst) {
    try {
      await make(folder);
    } catch (error) {
      await writeFile(failed, String(error));
      throw error;
    }
    await writeFile(done, '');
  }
  while (!existsSync(done)) {
    if (existsSync(failed)) throw new Error(`${name} was not made: see the file of tests that made it`);
    await setTimeout(100);
  }
  return folder;
}

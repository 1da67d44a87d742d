import { execFile } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { once } from '../once.js';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
export const run = promisify(execFile);

export const npm = (cwd: string, ...args: string[]) =>
  run('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd,
    shell: process.platform === 'win32',
    maxBuffer: 2 ** 26,
  });

/** What `npm pack --json` says of a package. */
export interface Packed {
  readonly id: string;
  readonly filename: string;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string; readonly size: number }[];
}

/** Packs the package in a folder; `--dry-run` writes no file. */
export async function pack(source: string, ...options: string[]): Promise<Packed> {
  const { stdout } = await npm(ROOT, 'pack', source, '--json', '--ignore-scripts', ...options);
  return JSON.parse(stdout)[0];
}

/** The package as users get it, packed once in a run of the tests: the path of its tarball. */
export async function tarball(): Promise<string> {
  const folder = await once('tarball', async (folder) => {
    await mkdir(folder);
    await pack('.', '--pack-destination', folder);
  });
  const [name] = await readdir(folder);
  return join(folder, name);
}

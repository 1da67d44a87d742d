// The columns of a dataset as files that a page fetches: what the page would get as text is many times as long.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Columns } from '../../src/train/engine.js';
import type { ColumnFiles } from './fetch-columns.js';

type Elements = Float32Array | Int32Array;

/** Writes each column of each part into a folder that a server has at `url`. */
export async function writeColumns<P extends string>(
  parts: Readonly<Record<P, Columns>>,
  folder: string,
  url: string,
): Promise<Record<P, ColumnFiles>> {
  await mkdir(folder, { recursive: true });
  const written: Partial<Record<P, ColumnFiles>> = {};
  for (const part of Object.keys(parts) as P[]) {
    const files: ColumnFiles = {};
    for (const [column, values] of Object.entries(parts[part])) {
      const elements = values as Elements;
      const name = `${part}-${column}.bin`;
      await writeFile(join(folder, name), elements);
      files[column] = {
        url: new URL(name, url).href,
        dtype: elements instanceof Int32Array ? 'i32' : 'f32',
      };
    }
    written[part] = files;
  }
  return written as Record<P, ColumnFiles>;
}

import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadBytes } from '../../src/artifact/load.js';
import { readBytes, readCheckpoint } from '../../src/data/files.js';
import { loadWords } from '../../src/data/names.js';
import { MOST, readBody, readRegular } from '../../src/data/read.js';
import { DataError } from '../../src/errors.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'read-'));
});
afterEach(() => rm(folder, { recursive: true }));

const DOORS: [name: string, read: (path: string) => Promise<unknown>][] = [
  ['bytes', readBytes],
  ['a checkpoint', readCheckpoint],
  ['words', loadWords],
  ["a model's file", (path) => loadBytes(pathToFileURL(path))],
];

test.each(DOORS)('%s are not read from a device, pipe, socket or folder', async (_, read) => {
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  const server = createServer().listen(join(folder, 'socket'));
  await symlink('/dev/zero', join(folder, 'link'));
  try {
    for (const [path, why] of [
      ['/dev/zero', /it is a device; give a regular file/],
      [join(folder, 'link'), /it is a device/],
      [join(folder, 'pipe'), /it is a pipe/],
      [join(folder, 'socket'), /it is a socket/],
      [folder, /it is a folder/],
    ] as const) {
      const error = (await read(path).catch((e: unknown) => e)) as Error;
      expect([path, error instanceof DataError, String(error.message)]).toEqual([
        path,
        true,
        expect.stringMatching(why),
      ]);
    }
  } finally {
    server.close();
  }
});

test('a file that is larger than its kind can be is not read', async () => {
  const path = join(folder, 'large');
  await writeFile(path, '');
  await truncate(path, MOST.weights + 1);
  await expect(readBytes(path)).rejects.toThrow(
    /4,294,967,297 bytes, which is more than the 4,294,967,296 bytes/,
  );
  await truncate(path, 11);
  await expect(readRegular(path, 10)).rejects.toThrow(/11 bytes, which is more than the 10/);
  expect(await readRegular(path, 11)).toEqual(new Uint8Array(11));
});

test('what comes through a pipe that the user named is read to its end', async () => {
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  const [{ words }] = await Promise.all([loadWords(path, { pipes: true }), writeFile(path, 'one\ntwo\n')]);
  expect(words).toEqual(['one', 'two']);
});

test('a body that does not end is left at the limit', async () => {
  let given = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(new Uint8Array(1000));
      given += 1000;
    },
  });
  await expect(readBody(endless, 10_000)).rejects.toThrow(/more than the 10,000 bytes/);
  expect(given).toBeLessThan(13_000);
  expect(await readBody(new Response('abc').body, 3)).toEqual(new TextEncoder().encode('abc'));
  expect(await readBody(null, 3)).toEqual(new Uint8Array());
});

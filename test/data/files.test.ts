import { execFileSync, spawn } from 'node:child_process';
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readCheckpoint, writeCheckpoint, writeFileAtomic } from '../../src/data/files.js';
import type { Tensors } from '../../src/data/safetensors.js';
import { DataError } from '../../src/errors.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'files-'));
});
afterEach(() => rm(folder, { recursive: true }));

const tensors: Tensors = new Map([['w', { dtype: 'F32', shape: [2], data: new Float32Array([1, 2]) }]]);

test('a file is written whole, replaces the old one, and leaves nothing beside it', async () => {
  const path = join(folder, 'a.txt');
  await writeFileAtomic(path, 'a long first content');
  await writeFileAtomic(path, 'zweitens: ü');
  expect(await readFile(path, 'utf8')).toBe('zweitens: ü');
  await writeFileAtomic(path, new Uint8Array([0, 255]));
  expect([...(await readFile(path))]).toEqual([0, 255]);
  expect(await readdir(folder)).toEqual(['a.txt']);
});

test('a name as long as the file system allows can be written', async () => {
  await writeFileAtomic(join(folder, 'n'.repeat(255)), 'x');
  expect(await readdir(folder)).toHaveLength(1);
});

test('the permissions of a replaced file stay', async () => {
  const path = join(folder, 'a.txt');
  await writeFile(path, 'old');
  await chmod(path, 0o640);
  await writeFileAtomic(path, 'new');
  expect((await stat(path)).mode & 0o777).toBe(0o640);
});

test('a symbolic link is followed, not replaced', async () => {
  await writeFile(join(folder, 'real.txt'), 'old');
  await symlink('real.txt', join(folder, 'link.txt'));
  await writeFileAtomic(join(folder, 'link.txt'), 'new');
  expect(await readFile(join(folder, 'real.txt'), 'utf8')).toBe('new');
});

test('a pipe is written to while somebody reads it, and refused where nobody does', async () => {
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  await expect(writeFileAtomic(path, 'x')).rejects.toThrow(
    /pipe": it is a pipe that nobody reads; give a file$/,
  );
  const content = 'long '.repeat(100_000);
  const reader = spawn('cat', [path]);
  let read = '';
  reader.stdout.on('data', (part) => (read += part));
  const ended = new Promise((resolve) => reader.on('close', resolve));
  // Until the reader has opened it there is none.
  await vi.waitFor(() => writeFileAtomic(path, content), 5000);
  await ended;
  expect(read).toBe(content);
});

test('a device is written to, not replaced', async () => {
  await writeFileAtomic('/dev/null', 'gone');
  expect((await stat('/dev/null')).isCharacterDevice()).toBe(true);
});

test('a folder that does not exist is named', async () => {
  const path = join(folder, 'no', 'a.txt');
  await expect(writeFileAtomic(path, 'x')).rejects.toThrow(DataError);
  await expect(writeFileAtomic(path, 'x')).rejects.toThrow(
    `the folder ${JSON.stringify(join(folder, 'no'))} does not exist; create it first`,
  );
});

test('a path through a file, and a path that is a folder, are refused', async () => {
  await writeFile(join(folder, 'file'), 'x');
  await mkdir(join(folder, 'sub'));
  await expect(writeFileAtomic(join(folder, 'file', 'a.txt'), 'x')).rejects.toThrow(
    /is a file, not a folder/,
  );
  await expect(writeFileAtomic(join(folder, 'sub'), 'x')).rejects.toThrow(/it is a folder; give a file/);
  await expect(writeFileAtomic(join(folder, 'n'.repeat(256)), 'x')).rejects.toThrow(/the name is too long/);
  expect((await readdir(folder)).sort()).toEqual(['file', 'sub']);
});

test('a folder without write permission is refused', async () => {
  await chmod(folder, 0o500);
  // Root may write anywhere: be somebody else for the while.
  const root = process.getuid?.() === 0;
  if (root) await chown(folder, 65534, 65534);
  if (root) process.seteuid!(65534);
  try {
    await expect(writeFileAtomic(join(folder, 'a.txt'), 'x')).rejects.toThrow(/permission denied/);
  } finally {
    if (root) process.seteuid!(0);
    await chmod(folder, 0o700);
  }
});

test('a failed write leaves the old file and no other', async () => {
  const path = join(folder, 'a.txt');
  await writeFile(path, 'old');
  await expect(writeFileAtomic(path, 3 as unknown as string)).rejects.toThrow(DataError);
  expect(await readFile(path, 'utf8')).toBe('old');
  expect(await readdir(folder)).toEqual(['a.txt']);
});

test('a checkpoint comes back as it was written', async () => {
  const path = join(folder, 'w.safetensors');
  await writeCheckpoint(path, tensors, { step: '3' });
  expect(await readCheckpoint(path)).toEqual({ tensors, metadata: { step: '3' } });
});

test('a checkpoint that is missing, a folder, empty or truncated is named', async () => {
  const path = join(folder, 'w.safetensors');
  const refused = async (target: string, message: string) => {
    await expect(readCheckpoint(target)).rejects.toThrow(DataError);
    await expect(readCheckpoint(target)).rejects.toThrow(message);
  };
  await refused(path, `cannot read the checkpoint ${JSON.stringify(path)}: it does not exist`);
  await refused(folder, 'it is a folder');
  await writeFile(path, '');
  await refused(path, `checkpoint ${JSON.stringify(path)}: truncated`);
  await writeCheckpoint(path, tensors);
  await writeFile(path, (await readFile(path)).subarray(0, -1));
  await refused(path, `checkpoint ${JSON.stringify(path)}: tensor "w"`);
});

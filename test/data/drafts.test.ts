import { spawn, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { draftIn } from '../../src/data/drafts.js';
import { writeFileAtomic, writeInFolder } from '../../src/data/files.js';
import { hasEnded, OWNER, thisProcess } from '../../src/data/owner.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'drafts-'));
});
afterEach(() => rm(folder, { recursive: true }));

const dead = () => spawnSync(process.execPath, ['-e', '']).pid;
/** This process's name with another number, or another beginning. */
async function owner({ pid = process.pid, start }: { pid?: number; start?: string }): Promise<string> {
  const [, place, , began] = OWNER.exec(await thisProcess())!;
  return `${place}-${pid}-${start ?? began}`;
}

test('whether a process has ended is told by its number, and by when that number began', async () => {
  expect(await hasEnded(await thisProcess())).toBe(false);
  expect(await hasEnded(await owner({ pid: dead() }))).toBe(true);
  const other = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)']);
  expect(await hasEnded(await owner({ pid: other.pid, start: '00000000' }))).toBe(false);
  if (process.platform === 'linux') expect(await hasEnded(await owner({ pid: other.pid }))).toBe(true);
  other.kill();
  expect(await hasEnded(`00000000-${dead()}-00000000`)).toBe(false);
});

test('drafts of processes that are gone go with the first file that is written; all others stay', async () => {
  const draft = (by: string) => `.2headgrad-${by}-123456.tmp`;
  const left = draft(await owner({ pid: dead() }));
  const stays = [
    basename(await draftIn(folder)),
    draft(`00000000-${dead()}-00000000`),
    '.2headgrad-x.tmp',
    '.123.tmp',
    'model.safetensors',
  ];
  for (const name of stays) await writeFile(join(folder, name), '');
  await mkdir(join(folder, left));
  await writeFile(join(folder, left, 'inside'), '');
  await writeFileAtomic(join(folder, 'a.txt'), 'a');
  expect((await readdir(folder)).sort()).toEqual([...stays, 'a.txt'].sort());
});

test('in a folder of a stranger a link, a dangling one, a device and a pipe are replaced and not followed', async () => {
  const outside = await mkdtemp(join(tmpdir(), 'outside-'));
  await writeFile(join(outside, 'private'), 'before');
  await symlink(join(outside, 'private'), join(folder, 'report.html'));
  await symlink(join(outside, 'new'), join(folder, 'loss.svg'));
  await symlink('/dev/null', join(folder, 'null'));
  spawnSync('mkfifo', [join(folder, 'pipe')]);
  const names = ['report.html', 'loss.svg', 'null', 'pipe'];
  for (const name of names) await writeInFolder(folder, name, 'after');
  const entries = await readdir(folder, { withFileTypes: true });
  expect(entries.map((e) => [e.name, e.isFile()]).sort()).toEqual(names.sort().map((name) => [name, true]));
  expect(await readdir(outside)).toEqual(['private']);
  await rm(outside, { recursive: true });
  await mkdir(join(folder, 'sub'));
  await expect(writeInFolder(folder, 'sub', 'x')).rejects.toThrow(/it is a folder/);
});

import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { json, quickly, run, SMALL, WORDS, workspace } from './command.js';

const { path } = workspace();
const quick = quickly();
// Every character that a word can bring; a line break, NUL and carriage return end a word or are refused before.
const EVIL = ['\x1b[2Jan', 'be\x9b31m', 'co\x08\x7f', 'di\u202el', '\x1b]0;x\x07', 'fa\u2028a'];
const OBEYED = /[^\P{Cc}\n]|[\p{Zl}\p{Zp}\p{Bidi_Control}\ufeff]/u;

beforeAll(async () => {
  await writeFile(path('evil.txt'), `${[...WORDS, ...EVIL, ...EVIL, ...EVIL].join('\n')}\n`);
  const ended = await run(
    ...['train', 'names', ...SMALL, '--data', path('evil.txt'), '--out', path('run'), '--steps', '30'],
  );
  expect([ended.code, ended.stdout + ended.stderr]).toEqual([0, expect.not.stringMatching(OBEYED)]);
});

/** A copy of the run, which the test may spoil. */
async function copy(name: string): Promise<string> {
  await cp(path('run'), path(name), { recursive: true });
  return path(name);
}

async function settings(folder: string, change: (config: Record<string, never>) => object): Promise<void> {
  const file = join(folder, 'config.json');
  await writeFile(file, JSON.stringify({ ...(await json(file)), ...change(await json(file)) }));
}

test('words that command a terminal reach it as text, as samples, as JSON and in the report', async () => {
  const [lines, machine] = await Promise.all([
    run('sample', path('run'), '--count', '300'),
    quick('sample', path('run'), '--count', '300', '--json'),
  ]);
  expect(lines.stdout).not.toMatch(OBEYED);
  expect(lines.stdout).toContain('\\x1b');
  expect(lines.stdout.split('\n')).toHaveLength(301);
  expect(machine.stdout).not.toMatch(OBEYED);
  expect(JSON.parse(machine.stdout).samples.join('')).toContain('\x1b');
  expect(await readFile(path('run', 'report.html'), 'utf8')).not.toMatch(/[^\P{Cc}\n\t]/u);
});

test('so do names of files and folders, and what a command line and a model file say', async () => {
  const name = `no\x1b[31m\r\nsuch\u202e\x9b`;
  const model = path('model.mjs');
  await writeFile(model, `throw new Error('\\x1b[2J\\r\\n\\u202e ' + '\\x9b31m')`);
  const all = await Promise.all([
    quick('sample', path(name)),
    quick('train', 'names', '--data', path(name)),
    quick('train', name),
    run('doctor', model),
    quick('doctor', path(name)),
  ]);
  for (const { code, stdout, stderr } of all) {
    expect(code).toBeGreaterThan(0);
    expect(stdout + stderr).not.toMatch(OBEYED);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  }
});

test('a run is written over links, never through them', async () => {
  const folder = await copy('links');
  const outside = await mkdtemp(join(tmpdir(), 'outside-'));
  const files = ['report.html', 'loss.svg', 'model.wasm'];
  for (const file of files) {
    await rm(join(folder, file), { force: true });
    await writeFile(join(outside, file), 'private');
    await symlink(join(outside, file), join(folder, file));
  }
  await symlink(folder, path('linked'));
  // The folder itself is the user's choice, and may be a link.
  expect((await quick('train', 'names', '--resume', '--out', path('linked'), '--steps', '40')).code).toBe(0);
  for (const file of files) expect(await readFile(join(outside, file), 'utf8')).toBe('private');
  expect(await readFile(join(folder, 'report.html'), 'utf8')).toContain('<!doctype html>');
  const entries = await readdir(folder, { withFileTypes: true });
  expect(entries.filter((e) => e.isSymbolicLink()).map((e) => e.name)).toEqual(['model.wasm']);
  await rm(outside, { recursive: true });
});

test.each<[string, (folder: string) => Promise<unknown>, RegExp]>([
  [
    'links to a file of the user',
    async (folder) => {
      await cp(join(folder, 'model.safetensors'), path('private.safetensors'));
      await rm(join(folder, 'model.safetensors'));
      await symlink(path('private.safetensors'), join(folder, 'model.safetensors'));
    },
    /model\.safetensors": it is a link that leads out of the folder/,
  ],
  [
    'links to a device',
    async (folder) => {
      await rm(join(folder, 'config.json'));
      await symlink('/dev/zero', join(folder, 'config.json'));
    },
    /config\.json": it is a link that leads out/,
  ],
  ['names a device as its words', (folder) => settings(folder, () => ({ data: zero })), /it is a device/],
  [
    'is of a model without end',
    (folder) => settings(folder, () => ({ hidden: 1e6, embed: 1e5 })),
    /parameters/,
  ],
  [
    'is of a larger model',
    (folder) => settings(folder, () => ({ hidden: 20_000 })),
    /do not belong together/,
  ],
  [
    'is nested without end',
    (folder) => writeFile(join(folder, 'config.json'), '['.repeat(1e6)),
    /config\.json" is nested more than 64 levels deep; the file is damaged/,
  ],
  [
    'has a checkpoint of terabytes',
    (folder) => truncate(join(folder, 'model.safetensors'), 2 ** 42),
    /model\.safetensors": it has 4,398,046,511,104 bytes/,
  ],
])('a run of a stranger that %s is refused', async (what, spoil, message) => {
  const folder = await copy(what.replaceAll(' ', '-'));
  await spoil(folder);
  const { code, stderr } = await quick('train', 'names', '--resume', '--out', folder, '--steps', '40');
  expect([code === 1 || code === 2, stderr]).toEqual([true, expect.stringMatching(message)]);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
});

const zero = { file: '/dev/zero', words: 1, sha256: '0'.repeat(64) };

test('a compiled model is written over links and beside a package.json that never ends', async () => {
  const outside = path('outside.js');
  await writeFile(outside, 'private');
  await mkdir(path('compiled'));
  await symlink(outside, path('compiled', 'model.js'));
  await symlink('/dev/zero', path('compiled', 'package.json'));
  const model = path('step.mjs');
  await writeFile(
    model,
    `import { f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
     export const step = trainStep({ name: 'a\\x1b[31m', model: nn.linear(1, 1), batch: { x: f32(2, 1), y: f32(2, 1) },
       loss: (m, { x, y }) => meanSquaredError(m(x), y), optimizer: optim.sgd() });`,
  );
  const { code, stdout, stderr } = await run(
    'compile',
    model,
    '--out',
    path('compiled'),
    '--entry',
    'evaluate',
  );
  expect([stderr, code]).toEqual(['', 0]);
  expect(stdout).toContain('a\\x1b[31m: evaluate');
  expect(await readFile(outside, 'utf8')).toBe('private');
});

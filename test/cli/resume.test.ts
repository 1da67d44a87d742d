import { copyFile, cp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import { json, lastJson, quickly, run, SMALL, start, training, workspace } from './command.js';

const { path, list } = workspace();
const SCHEDULE = ['--lr-decay-at', '60'];
const quick = quickly();
const train = (out: string, ...args: string[]) =>
  quick('train', 'names', ...SMALL, ...SCHEDULE, '--data', path('words.txt'), '--out', path(out), ...args);
const resume = (out: string, ...args: string[]) =>
  run('train', 'names', '--resume', '--out', path(out), ...args);
const again = (out: string, ...args: string[]) =>
  quick('train', 'names', '--resume', '--out', path(out), ...args);
const model = (out: string) => readFile(path(out, 'model.safetensors'));

beforeAll(async () => {
  await Promise.all([
    train('whole', '--steps', '90', '--norm', 'batch'),
    train('half', '--steps', '40', '--norm', 'batch'),
  ]);
});

/** A copy of the half-way run, which the test may spoil. */
async function half(name: string): Promise<string> {
  await cp(path('half'), path(name), { recursive: true });
  return name;
}

test('a resumed run ends with the same bits as one in a single go', async () => {
  const ended = await resume(await half('go-on'), '--steps', '90', '--json');
  expect(ended.code).toBe(0);
  expect(ended.stderr).toContain('Going on from step 40 of 90');
  expect((await model('go-on')).equals(await model('whole'))).toBe(true);
  expect((await json(path('go-on', 'losses.json'))).train).toEqual(
    (await json(path('whole', 'losses.json'))).train,
  );
  expect(lastJson(ended).steps).toBe(90);
});

test('a finished run that is resumed only measures again', async () => {
  const ended = await again(await half('finished'), '--json');
  expect(ended.code).toBe(0);
  expect(lastJson(ended)).toMatchObject({ steps: 40, steps_per_second: 0 });
  expect((await model('finished')).equals(await model('half'))).toBe(true);
});

test.each([
  ['--hidden', '32', '--hidden 32: the run in .* has 16'],
  ['--norm', 'none', '--norm none: the run in .* has batch'],
  ['--batch', '16', '--batch 16: the run in .* has 8'],
  ['--seed', '1', '--seed 1: the run in .* has 42'],
  ['--shards', '2', '--shards 2: the run in .* has 1'],
  ['--steps', '10', '--steps 10: the run in .* is already at step 40'],
])('a resumed run with another %s is refused', async (option, value, message) => {
  const ended = await again('half', option, value);
  expect(ended.code).toBe(2);
  expect(ended.stderr).toMatch(new RegExp(`^2headgrad: ${message}.*\\(see 2headgrad train --help\\)\n$`));
});

test('a run that was begun when there were no shards goes on', async () => {
  const folder = await half('whole-batches');
  const { shards, ...config } = await json(path(folder, 'config.json'));
  expect(shards).toBe(1);
  await writeFile(path(folder, 'config.json'), JSON.stringify(config));
  expect((await resume(folder)).code).toBe(0);
  expect((await json(path(folder, 'config.json'))).shards).toBe(1);
});

test('--direct is refused for a run that was begun without', async () => {
  const ended = await again('half', '--direct');
  expect([ended.code, ended.stderr]).toEqual([2, expect.stringContaining('was begun without')]);
});

test('a resumed run whose words have changed is refused', async () => {
  await writeFile(path('other.txt'), 'some\nother\nwords\nthan\nbefore\n');
  const ended = await again('half', '--data', path('other.txt'));
  expect([ended.code, ended.stderr]).toEqual([1, expect.stringContaining('was trained on other words')]);
});

test.each([
  ['a missing folder', 'nowhere', async () => {}, 'it does not exist'],
  [
    'a missing checkpoint',
    'no-model',
    () => rm(path('no-model', 'model.safetensors')),
    'model.safetensors" *: it does not exist',
  ],
  [
    'a truncated checkpoint',
    'cut',
    () => truncate(path('cut', 'model.safetensors'), 700),
    'model.safetensors": .*(truncated|damaged)',
  ],
  [
    'a checkpoint of zero bytes',
    'empty',
    () => truncate(path('empty', 'model.safetensors'), 0),
    'model.safetensors": truncated',
  ],
  [
    'a truncated config.json',
    'config',
    () => truncate(path('config', 'config.json'), 100),
    'config.json" is not valid JSON',
  ],
  [
    'losses that are damaged',
    'losses',
    () => truncate(path('losses', 'losses.json'), 30),
    'losses.json" is not valid JSON',
  ],
])('%s is named, and the folder stays as it is', async (_, name, spoil, message) => {
  if (name !== 'nowhere') await half(name);
  await spoil();
  const before = name === 'nowhere' ? [] : await list(name);
  const ended = await again(name, '--steps', '90');
  expect(ended.code).toBe(1);
  expect(ended.stderr).toMatch(new RegExp(`^2headgrad: .*${message}.*\n$`));
  if (name !== 'nowhere') expect(await list(name)).toEqual(before);
});

test.each([
  ['hidden', -1, 'hidden is -1: expected a whole number'],
  ['hidden', 0, '--hidden 0 leaves nothing but --direct'],
  ['norm', 'group', 'norm is "group": expected one of none, batch, layer'],
  ['vocabulary', { characters: [] }, 'the checkpoint is damaged'],
  ['version', 99, 'version 99 is not 1'],
])('a config.json with a wrong %s is refused', async (key, value, message) => {
  const name = await half(`wrong-${key}`);
  await writeFile(
    path(name, 'config.json'),
    JSON.stringify({ ...(await json(path(name, 'config.json'))), [key]: value }),
  );
  for (const ended of [await again(name), await quick('sample', path(name))]) {
    expect([ended.code, ended.stderr]).toEqual([1, expect.stringContaining(message)]);
  }
});

test('a checkpoint of another model is refused, and nothing is lost', async () => {
  const name = await half('mixed');
  await train('wide', '--steps', '1', '--norm', 'batch', '--hidden', '24');
  await copyFile(path('wide', 'model.safetensors'), path(name, 'model.safetensors'));
  const before = await model(name);
  const ended = await again(name, '--steps', '90');
  expect([ended.code, ended.stderr]).toEqual([
    1,
    expect.stringMatching(/is \[.*24\], the model has \[.*16\]/),
  ]);
  expect((await model(name)).equals(before)).toBe(true);
});

test('settings of a run over another that was cut off are not used with its weights', async () => {
  const name = await half('over');
  const file = path(name, 'config.json');
  const config = await json(file);
  await writeFile(file, JSON.stringify({ ...config, lr: config.lr / 2 }));
  const before = await model(name);
  for (const ended of [await again(name, '--steps', '90'), await quick('sample', path(name))])
    expect([ended.code, ended.stderr]).toEqual([1, expect.stringContaining('do not belong together')]);
  expect((await model(name)).equals(before)).toBe(true);
  // What a run that goes on with other settings leaves, cut off before its first checkpoint.
  const [, settings] = /"settings":"([0-9a-f]{64})"/.exec(before.toString('latin1'))!;
  await writeFile(file, JSON.stringify({ ...config, lr: config.lr / 2, before: settings }));
  expect((await again(name, '--steps', '45')).code).toBe(0);
  expect((await json(file)).before).toBeUndefined();
  expect((await again(name)).code).toBe(0);
});

test('Ctrl-C saves where training stands, and the resumed run ends with the same bits', async () => {
  const steps = ['--steps', '1000'];
  const interrupted = start([
    'train',
    'names',
    ...SMALL,
    ...SCHEDULE,
    '--data',
    path('words.txt'),
    '--out',
    path('stopped'),
    ...steps,
  ]);
  interrupted.child.stderr!.once('data', () => interrupted.child.kill('SIGINT'));
  const ended = await interrupted.ended;
  expect(ended.code).toBe(130);
  expect(ended.stdout).toMatch(
    /Stopped at step [\d,]+ of 1,000; saved\. Go on with: 2headgrad train names --resume/,
  );
  expect(await list('stopped')).toEqual(['config.json', 'losses.json', 'model.safetensors']);
  expect((await resume('stopped')).code).toBe(0);
  await train('unstopped', ...steps);
  expect((await model('stopped')).equals(await model('unstopped'))).toBe(true);
});

test('SIGTERM does the same with its own exit code; a second signal leaves at once', async () => {
  const long = (out: string) =>
    start([
      'train',
      'names',
      ...SMALL,
      '--data',
      path('words.txt'),
      '--out',
      path(out),
      '--steps',
      '1000000',
    ]);
  const once = long('term');
  await training(once);
  once.child.kill('SIGTERM');
  expect((await once.ended).code).toBe(143);
  expect(await list('term')).toContain('model.safetensors');
  const twice = long('twice');
  await training(twice);
  twice.child.kill('SIGINT');
  twice.child.kill('SIGTERM');
  expect([130, 143]).toContain((await twice.ended).code);
});

import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Kind } from '../../../src/cli/kinds/kind.js';
import { names } from '../../../src/cli/kinds/names.js';
import { words } from '../../../src/cli/kinds/words.js';
import type { WordsSettings } from '../../../src/cli/settings.js';
import { dataDigestOf, identify, identityName, servedBy } from '../../../src/cli/sweep/identity.js';
import { DataError } from '../../../src/errors.js';
import { answerTo } from './trial.js';

/** Words where some corpora are installed. */
const having = (...installed: string[]) =>
  ({
    ...words,
    load: async (file: string | null, { corpus }: WordsSettings) => {
      const text = file ?? corpus;
      if (file === null && !installed.includes(corpus)) throw new DataError(`${corpus} is not installed`);
      return { sha256: text, kept: { sha256: `words of ${text}` } };
    },
  }) as unknown as Kind;

const nameOf = async (kind: Kind, file: string | null, corpora?: string[]) =>
  identityName((await identify(kind, file, corpora)).identity);
const served = async (kind: Kind, file: string | null = null) =>
  (await servedBy(kind, file)).map(identityName);

test('a sweep needs the corpora that it trains on, and no others', async () => {
  const one = await nameOf(having('sotu'), null, ['sotu']);
  expect(one).not.toBe(await nameOf(having('brown'), null));
  await expect(identify(having('sotu'), null)).rejects.toThrow('brown is not installed');
  expect(await nameOf(having(), 'my.txt', ['sotu'])).toBe(await nameOf(having(), 'my.txt'));
});

test('a worker serves sweeps over the corpora that it has, and over several of them', async () => {
  const [both, sotu] = [having('brown', 'sotu'), having('sotu')];
  const names = await Promise.all(
    [['brown'], ['sotu'], ['brown', 'sotu']].map((all) => nameOf(both, null, all)),
  );
  expect(new Set(names).size).toBe(3);
  expect((await served(both)).sort()).toEqual(names.sort());
  expect(await served(sotu)).toEqual([await nameOf(sotu, null, ['sotu'])]);
  await expect(servedBy(having(), null)).rejects.toThrow('brown is not installed');
  expect(await served(having(), 'my.txt')).toEqual([await nameOf(having(), 'my.txt')]);
});

test('a training of a sweep whose data were changed meanwhile is refused', async () => {
  const folder = await mkdtemp(join(tmpdir(), '2headgrad-changed-'));
  const data = join(folder, 'names.txt');
  await writeFile(data, 'anna\nbert\ncarl\ndora\nemil\n');
  const { identity } = await identify(names, data);
  const dataDigest = dataDigestOf(names, data, identity);
  await writeFile(data, 'anna\nbert\ncarl\ndora\nemma\n');
  const options = { data, dataDigest, engine: 'tape', batch: 4, out: join(folder, 'out') };
  expect(await answerTo({ task: 'names', options })).toMatchObject({
    error: expect.stringMatching(/^the sweep was begun with other words: .*names\.txt.* has changed/),
  });
  expect(await readdir(join(folder, 'out')).catch(() => [])).not.toContain('model.safetensors');
  await rm(folder, { recursive: true });
});

test('what data trainings have is known but where settings say it', () => {
  const identity = { kind: 'x', model: null, data: 'd', version: '1' };
  const of = (kind: Partial<Kind>, file: string | null) => dataDigestOf(kind as Kind, file, identity);
  const own = new Map([['a', { initial: 1, limits: {}, value: 1, where: '' }]]);
  expect([
    of(words, null),
    of(words, 'my.txt'),
    of({ own }, 'my.json'),
    of({ own: new Map() }, null),
  ]).toEqual([...[undefined, 'd', undefined, 'd']]);
});

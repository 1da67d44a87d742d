import { expect, test } from 'vitest';
import type { Kind } from '../../../src/cli/kinds/kind.js';
import { words } from '../../../src/cli/kinds/words.js';
import type { WordsSettings } from '../../../src/cli/settings.js';
import { identify, identityName, servedBy } from '../../../src/cli/sweep/identity.js';
import { DataError } from '../../../src/errors.js';

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

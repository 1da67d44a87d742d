import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadWords, parseWords } from '../../src/data/names.js';
import { DataError } from '../../src/errors.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'names-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(content: string | Uint8Array): Promise<string> {
  const path = join(folder, `${Math.random()}.txt`);
  await writeFile(path, content);
  return path;
}

/** The DataError of a file with this content. */
async function refusal(content: string | Uint8Array): Promise<string> {
  const error = await loadWords(await file(content)).then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(DataError);
  expect((error as Error).message).not.toContain('\n');
  return (error as Error).message;
}

test('without a file there are the 8,403 distinct English first names of a to z', async () => {
  const { words, source } = await loadWords();
  expect(words).toHaveLength(8_403);
  expect(new Set(words).size).toBe(8_403);
  expect(words).toEqual([...words].sort());
  expect(words.every((word) => /^[a-z]+$/.test(word))).toBe(true);
  expect(words).toContain('emma');
  expect(source).toMatch(/first names/);
});

test('a file keeps its order, its repetitions and its letters', async () => {
  const path = await file('emma\nOlivia\nZoë\nemma\nj.r.\n');
  expect(await loadWords(path)).toEqual({ words: ['emma', 'Olivia', 'Zoë', 'emma', 'j.r.'], source: path });
});

test('a byte order mark, CRLF, surrounding spaces, blank lines and a missing last line break are no part of a word', async () => {
  const path = await file('\ufeff emma \r\n\r\n\tava\r\n  \r\nmia');
  expect((await loadWords(path)).words).toEqual(['emma', 'ava', 'mia']);
});

test('a carriage return alone ends a line too', async () => {
  expect((await loadWords(await file('emma\rava\r'))).words).toEqual(['emma', 'ava']);
});

test('spaces inside of a line stay', async () => {
  expect((await loadWords(await file('mary ann\n'))).words).toEqual(['mary ann']);
});

test('characters outside of the basic plane are kept whole', async () => {
  expect((await loadWords(await file('𝒜b\n😀\n'))).words).toEqual(['𝒜b', '😀']);
});

test('a file longer than one decoded chunk loses no word and breaks none', () => {
  const line = 'ñandú😀\n';
  const count = 3_000_000;
  const words = parseWords(Buffer.from(line.repeat(count)), 'many.txt');
  expect(words).toHaveLength(count);
  expect(words.every((word) => word === 'ñandú😀')).toBe(true);
});

test('one line longer than a chunk is one word', () => {
  const words = parseWords(Buffer.from(`a\n${'é'.repeat(20 << 20)}\nb`), 'long.txt');
  expect(words.map((word) => word.length)).toEqual([1, 20 << 20, 1]);
});

test('a missing file is named', async () => {
  const path = join(folder, 'nobody.txt');
  await expect(loadWords(path)).rejects.toThrow(DataError);
  await expect(loadWords(path)).rejects.toThrow(
    `cannot read the words from ${JSON.stringify(path)}: it does not exist`,
  );
  await expect(loadWords('')).rejects.toThrow(DataError);
});

test('a folder is not a file of words', async () => {
  await expect(loadWords(folder)).rejects.toThrow(DataError);
  await expect(loadWords(folder)).rejects.toThrow('it is a folder; give a file');
});

test('an empty file is refused', async () => {
  expect(await refusal('')).toMatch(/is empty; it needs one word a line$/);
});

test('a file of blank lines is refused', async () => {
  expect(await refusal(' \r\n\n\t\n')).toMatch(/has only blank lines/);
  expect(await refusal('\ufeff')).toMatch(/has only blank lines/);
});

test('invalid UTF-8 is refused with the line it is on', async () => {
  expect(await refusal(Buffer.from('emma\nava\nZo\xeb\nmia\n', 'latin1'))).toMatch(
    /not valid UTF-8 on line 3; save/,
  );
  expect(await refusal(Buffer.from([0x61, 0x0a, 0xc3]))).toMatch(/on line 2/);
});

test('a binary file is refused with the byte that shows it', async () => {
  expect(await refusal(Buffer.from('emma\n\0ava'))).toMatch(/NUL byte at byte 5/);
  expect(await refusal(Buffer.from('emma', 'utf16le'))).toMatch(/NUL byte at byte 1/);
});

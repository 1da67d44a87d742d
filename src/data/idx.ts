import type * as Zlib from 'node:zlib';
import { DataError } from '../errors.js';
import { builtin } from '../host.js';
import { formatShape, numel } from '../shape.js';
import { reason } from './files.js';
import { checkName } from './given.js';
import { MOST, readRegular } from './read.js';

/** An array of numbers from a file in the IDX format, row after row. */
export interface Idx {
  shape: number[];
  data: Uint8Array | Int8Array | Int16Array | Int32Array | Float32Array | Float64Array;
}

interface Kind {
  bytes: number;
  make(n: number): Exclude<Idx['data'], Uint8Array>;
  read(view: DataView, at: number): number;
}

const BYTES = 0x08;
/** By the third byte of a file. Numbers lie with their highest byte first. Bytes, which need no turning, are apart. */
const KINDS: Readonly<Record<number, Kind>> = {
  9: { bytes: 1, make: (n) => new Int8Array(n), read: (view, at) => view.getInt8(at) },
  11: { bytes: 2, make: (n) => new Int16Array(n), read: (view, at) => view.getInt16(at) },
  12: { bytes: 4, make: (n) => new Int32Array(n), read: (view, at) => view.getInt32(at) },
  13: { bytes: 4, make: (n) => new Float32Array(n), read: (view, at) => view.getFloat32(at) },
  14: { bytes: 8, make: (n) => new Float64Array(n), read: (view, at) => view.getFloat64(at) },
};
/** Axes that a file may have here; the format has room for 255. */
const MOST_AXES = 8;

interface Header {
  shape: number[];
  kind: number;
  /** Where the elements begin, and the bytes of one. */
  start: number;
  width: number;
}

/**
 * Reads an IDX file, gzipped or not, as those of MNIST are (LeCun, Cortes and Burges: two zeros, the kind of elements, the
 * number of axes, their sizes, the elements, all with the highest byte first). Throws DataError, which names the file, for one
 * that is something else, damaged, or longer or shorter than its header says.
 */
export async function readIdx(file: string): Promise<Idx> {
  checkName('readIdx', file);
  try {
    return parseIdx(await unzipped(await readRegular(file, MOST.text)));
  } catch (error) {
    throw new DataError(`cannot read ${JSON.stringify(file)} as an IDX file: ${reason(error)}`);
  }
}

/** The array in the bytes of an IDX file. */
export function parseIdx(bytes: Uint8Array): Idx {
  const header = headerOf(bytes);
  const { shape, kind, start, width } = header;
  const n = numel(shape);
  const found = bytes.length - start;
  if (found !== n * width) throw wrongSize(header, found);
  if (kind === BYTES) return { shape, data: new Uint8Array(bytes.subarray(start)) };
  const { make, read } = KINDS[kind];
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, found);
  const data = make(n);
  for (let i = 0; i < n; i++) data[i] = read(view, i * width);
  return { shape, data };
}

function headerOf(bytes: Uint8Array): Header {
  if (bytes.length < 4) throw new DataError(`it has ${bytes.length} bytes, and the header alone takes 8`);
  const [zero, second, kind, axes] = bytes;
  if (zero !== 0 || second !== 0)
    throw new DataError(`it begins with the bytes ${zero} and ${second} where such a file has 0 and 0`);
  if (kind !== BYTES && !KINDS[kind])
    throw new DataError(`its third byte is ${kind}; the kinds of elements there are: 8, 9, 11, 12, 13, 14`);
  if (axes < 1 || axes > MOST_AXES)
    throw new DataError(`its header says that it has ${axes} axes; 1 to ${MOST_AXES} are read`);
  const start = 4 + 4 * axes;
  if (bytes.length < start)
    throw new DataError(`it ends within its header, which takes ${start} bytes for ${axes} axes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const shape = Array.from({ length: axes }, (_, i) => view.getUint32(4 + 4 * i));
  return { shape, kind, start, width: KINDS[kind]?.bytes ?? 1 };
}

function wrongSize({ shape, width }: Header, found: number | string): DataError {
  const each = width === 1 ? 'a byte' : `${width} bytes`;
  return new DataError(
    `its header says ${formatShape(shape)} of ${each} each, ${numel(shape) * width} bytes, and ${found} follow: it is damaged or cut short`,
  );
}

/** What bytes hold if they are gzipped, no more of it than an IDX header at its beginning says; else the bytes. */
async function unzipped(bytes: Uint8Array): Promise<Uint8Array> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const { constants, gunzip, gunzipSync } = await builtin<typeof Zlib>('zlib');
  // Kilobytes can hold gigabytes of zeros: the first block tells how much there should be.
  const begin = gunzipSync(bytes.subarray(0, 4096), { finishFlush: constants.Z_SYNC_FLUSH });
  const header = headerOf(begin);
  const size = header.start + numel(header.shape) * header.width;
  if (size > MOST.text) throw new DataError(`its header says ${size} bytes; at most ${MOST.text} are read`);
  return new Promise((resolve, reject) => {
    gunzip(bytes, { maxOutputLength: size }, (error, all) => {
      if (!error) resolve(all);
      else if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
        reject(wrongSize(header, 'more'));
      else reject(new DataError(`what is gzipped in it is damaged or cut short (${error.message})`));
    });
  });
}

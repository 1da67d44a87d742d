// The safetensors format (https://github.com/huggingface/safetensors#format), for Node and browsers:
//   u64 little-endian N | N bytes of JSON, from '{', spaces at the end | the tensors' bytes, little-endian, no holes
import { DataError } from '../errors.js';
import { clipped, isWellFormed } from '../printable.js';
import { duplicateKey, isObject, parseWithin, quoted } from './json.js';

/** The dtypes that are written, in the order in which the format sorts them: largest alignment first. */
const DTYPES = {
  F64: { bytes: 8, array: Float64Array },
  F32: { bytes: 4, array: Float32Array },
  I32: { bytes: 4, array: Int32Array },
} as const satisfies Record<SafetensorsDType, object>;
const ORDER = Object.keys(DTYPES) as SafetensorsDType[];

/** Numbers of 16 bits, which are read as the float32 numbers that they are exactly. */
const HALVES = {
  // IEEE 754 binary16: what float32 makes of the same fields is smaller by the difference of the two biases.
  F16: {
    bytes: 2,
    value: (x: number) => {
      const special = (x & 1023) === 0 ? Number.POSITIVE_INFINITY : Number.NaN;
      const size = (x & 0x7c00) === 0x7c00 ? special : ofBits((x & 0x7fff) << 13) * 2 ** 112;
      return x >> 15 ? -size : size;
    },
  },
  BF16: { bytes: 2, value: (x: number) => ofBits(x << 16) },
} as const;
const READ = { ...DTYPES, ...HALVES };
type ReadDType = keyof typeof READ;
const isRead = (dtype: string): dtype is ReadDType => Object.hasOwn(READ, dtype);

const LENGTH_BYTES = 8;
/** The reference implementation's limit. */
const MAX_HEADER = 100_000_000;
/** Three levels: the header, the object of a tensor, its shape. 50,000 tensors; no module with more could be compiled. */
const LIMITS = { nested: 3, parts: 350_000, values: 1_000_000 };
const METADATA = '__metadata__';

/** What is written; F16 and BF16 are read too, as F32. */
export type SafetensorsDType = 'F64' | 'F32' | 'I32';

/** A tensor as it is stored: row-major, `data.length` is the product of `shape`. */
export interface StoredTensor {
  dtype: SafetensorsDType;
  shape: readonly number[];
  data: Float32Array | Int32Array | Float64Array;
}

export type Tensors = Map<string, StoredTensor>;

export interface Checkpoint {
  tensors: Tensors;
  metadata: Record<string, string>;
}

interface Entry {
  name: string;
  dtype: string;
  shape: readonly number[];
  begin: number;
  end: number;
}

/** Elements as they are stored: the dtype follows from their array. */
export function storedTensor(shape: readonly number[], data: StoredTensor['data']): StoredTensor {
  const [dtype] = Object.entries(DTYPES).find(([, { array }]) => data instanceof array)!;
  return { dtype: dtype as SafetensorsDType, shape: [...shape], data };
}

/** The bytes of a safetensors file. The same tensors and metadata give the same bytes, whatever their order. */
export function encodeSafetensors(tensors: Tensors, metadata: Record<string, string> = {}): Uint8Array {
  const sorted = [...tensors].sort(
    ([a, x], [b, y]) => ORDER.indexOf(x.dtype) - ORDER.indexOf(y.dtype) || byCodePoint(a, b),
  );
  // Members are joined by hand: an object would move names such as "0" to the front.
  const members: string[] = [];
  const pairs = Object.entries(metadata).sort(([a], [b]) => byCodePoint(a, b));
  if (pairs.length > 0) {
    members.push(
      `"${METADATA}":{${pairs.map(([key, value]) => `${JSON.stringify(wellFormed(key))}:${JSON.stringify(checkValue(key, value))}`).join()}}`,
    );
  }
  let offset = 0;
  for (const [name, tensor] of sorted) {
    checkTensor(name, tensor);
    const end = offset + tensor.data.byteLength;
    members.push(
      `${JSON.stringify(name)}:{"dtype":"${tensor.dtype}","shape":[${tensor.shape.join()}],"data_offsets":[${offset},${end}]}`,
    );
    offset = end;
  }
  const json = new TextEncoder().encode(`{${members.join()}}`);
  const headerBytes = Math.ceil(json.length / 8) * 8;
  if (headerBytes > MAX_HEADER) {
    throw new DataError(
      `the safetensors header has ${headerBytes} bytes, over ${MAX_HEADER}; store less metadata`,
    );
  }
  const start = LENGTH_BYTES + headerBytes;
  const bytes = new Uint8Array(start + offset);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true);
  bytes.fill(0x20, LENGTH_BYTES, start);
  bytes.set(json, LENGTH_BYTES);
  let at = start;
  for (const [, { data }] of sorted) {
    // Typed arrays are little-endian on every engine that has WebAssembly.
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/**
 * The tensors of a safetensors file, in the order of its bytes, each with memory of its own. What is F16 or BF16 there is
 * F32 here. `wanted` is asked for each name, in that order: what it does not want is left out, and may be of any dtype.
 * Throws DataError for bytes that are not of this format.
 *
 * @example
 * ```ts
 * import { decodeSafetensors, encodeSafetensors } from '2headgrad/data';
 * const bytes = encodeSafetensors(new Map([['w', { dtype: 'F32', shape: [2], data: Float32Array.of(1, 2) }]]));
 * console.log(decodeSafetensors(bytes).tensors.get('w')?.data.join()); // 1,2
 * ```
 */
export function decodeSafetensors(bytes: Uint8Array, wanted = (_name: string) => true): Checkpoint {
  const { header, start } = readHeader(bytes);
  const entries: Entry[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(header)) {
    if (name === METADATA) metadata = checkMetadata(value);
    else entries.push(checkEntry(name, value));
  }
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkLayout(entries, bytes.length - start);
  const tensors: Tensors = new Map();
  for (const { name, dtype, shape, begin, end } of entries) {
    if (!wanted(name)) continue;
    if (!isRead(dtype))
      throw new DataError(
        `tensor ${quoted(name)}: dtype ${quoted(dtype)} is not one of F32, I32, F64, F16 and BF16; convert it before loading`,
      );
    // Copied: the bytes in the file need not be aligned, and a Buffer's own slice would share its memory.
    const own = new Uint8Array(end - begin);
    own.set(bytes.subarray(start + begin, start + end));
    tensors.set(name, { shape, ...elementsOf(dtype, own.buffer) });
  }
  return { tensors, metadata };
}

function elementsOf(dtype: ReadDType, bytes: ArrayBuffer): Pick<StoredTensor, 'dtype' | 'data'> {
  if (!(dtype in HALVES))
    return { dtype: dtype as SafetensorsDType, data: new DTYPES[dtype as SafetensorsDType].array(bytes) };
  const { value } = HALVES[dtype as keyof typeof HALVES];
  const words = new Uint16Array(bytes);
  const data = new Float32Array(words.length);
  for (let i = 0; i < data.length; i++) data[i] = value(words[i]);
  return { dtype: 'F32', data };
}

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

function ofBits(bits: number): number {
  word[0] = bits;
  return float[0];
}

function readHeader(bytes: Uint8Array): { header: Record<string, unknown>; start: number } {
  if (bytes.length < LENGTH_BYTES) {
    throw new DataError(
      `truncated: ${bytes.length} bytes are too few for a safetensors file, which starts with 8 bytes of length`,
    );
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset, LENGTH_BYTES).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER)) {
    throw new DataError(
      `the header length reads ${length}, over the limit of ${MAX_HEADER}; this is not a safetensors file, or it is damaged`,
    );
  }
  const start = LENGTH_BYTES + Number(length);
  if (start > bytes.length) {
    throw new DataError(
      `truncated: the header should end at byte ${start} but the file has ${bytes.length} bytes; copy it again`,
    );
  }
  // A copy, since TextDecoder refuses shared memory.
  const raw = new Uint8Array(bytes.subarray(LENGTH_BYTES, start));
  if (raw[0] !== 0x7b)
    throw new DataError(
      `the header does not start with "{"; this is not a safetensors file, or it is damaged`,
    );
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(raw);
  } catch {
    throw new DataError('the header is not valid UTF-8; the file is damaged');
  }
  let header: Record<string, unknown>;
  try {
    header = parseWithin(text, LIMITS) as Record<string, unknown>;
  } catch (error) {
    throw new DataError(`the header ${(error as Error).message}; the file is damaged`);
  }
  const twice = duplicateKey(text);
  if (twice) {
    const [owner] = twice.path;
    const what =
      owner === undefined ? `tensor ${quoted(twice.key)}` : `${quoted(twice.key)} of ${quoted(owner)}`;
    throw new DataError(`${what} is in the header twice; the file is damaged`);
  }
  return { header, start };
}

function checkMetadata(value: unknown): Record<string, string> {
  if (!isObject(value)) throw new DataError(`${METADATA} is not an object of strings; the file is damaged`);
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string')
      throw new DataError(`${METADATA} ${quoted(key)} is not a string; the file is damaged`);
    if (!isWellFormed(key) || !isWellFormed(text))
      throw new DataError(`${METADATA} ${quoted(key)} has half of a surrogate pair; the file is damaged`);
  }
  return value as Record<string, string>;
}

function checkEntry(name: string, value: unknown): Entry {
  const fail = (what: string): never => {
    throw new DataError(`tensor ${quoted(name)}: ${what}`);
  };
  if (!isWellFormed(name)) return fail('its name has half of a surrogate pair; the file is damaged');
  if (!isObject(value))
    return fail('its header is not an object with dtype, shape and data_offsets; the file is damaged');
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string')
    return fail(`dtype ${quoted(dtype)} is not one of F32, I32, F64, F16 and BF16; the file is damaged`);
  if (!isSizes(shape)) return fail(`shape ${quoted(shape)} is not a list of sizes; the file is damaged`);
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    return fail(`data_offsets ${quoted(offsets)} are not a begin and an end; the file is damaged`);
  }
  const [begin, end] = offsets;
  const expected = isRead(dtype) ? shape.reduce((a, b) => a * b, 1) * READ[dtype].bytes : end - begin;
  if (end - begin !== expected) {
    return fail(
      `${dtype}${clipped(`[${shape}]`)} takes ${expected} bytes but its data_offsets span ${end - begin}; the file is damaged`,
    );
  }
  return { name, dtype, shape, begin, end };
}

/** In order of their offsets the tensors must fill the data exactly: each begins where the one before ends. */
function checkLayout(entries: Entry[], dataBytes: number): void {
  let at = 0;
  let previous = '';
  for (const { name, begin, end } of entries) {
    if (end > dataBytes) {
      throw new DataError(
        `tensor ${quoted(name)}: its data ends at byte ${end} but there are ${dataBytes} bytes; the file is truncated or damaged`,
      );
    }
    if (begin < at) {
      throw new DataError(
        `tensor ${quoted(name)}: its data overlaps that of ${quoted(previous)}; the file is damaged`,
      );
    }
    if (begin > at) {
      throw new DataError(
        `tensor ${quoted(name)}: a hole of ${begin - at} bytes before its data; the file is damaged`,
      );
    }
    at = end;
    previous = name;
  }
  if (at !== dataBytes) {
    const after = previous ? `after tensor ${quoted(previous)}, the last` : 'but no tensors';
    throw new DataError(`${dataBytes - at} bytes of data ${after}; the file is damaged`);
  }
}

function checkTensor(name: string, { dtype, shape, data }: StoredTensor): void {
  const fail = (what: string): never => {
    throw new DataError(`tensor ${quoted(name)}: ${what}`);
  };
  wellFormed(name);
  if (name === METADATA) fail('the name is reserved by the safetensors format; choose another');
  if (!Object.hasOwn(DTYPES, dtype)) fail(`dtype ${quoted(dtype)} is not one of F32, I32 and F64`);
  if (!(data instanceof DTYPES[dtype].array))
    fail(`${dtype} is held in ${DTYPES[dtype].array.name}, not in ${data?.constructor?.name}`);
  if (!isSizes(shape)) fail(`shape ${quoted(shape)} is not a list of sizes`);
  const expected = shape.reduce((a, b) => a * b, 1);
  if (expected !== data.length)
    fail(`shape [${shape}] has ${expected} elements but there are ${data.length}`);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function checkValue(key: string, value: string): string {
  if (typeof value === 'string') return wellFormed(value);
  throw new DataError(
    `metadata ${quoted(key)} is not a string; the safetensors format has only strings there`,
  );
}

/** Half a surrogate pair is no character: other readers would refuse the whole file. */
function wellFormed(text: string): string {
  if (isWellFormed(text)) return text;
  throw new DataError(
    `${quoted(text)} has half of a surrogate pair, which a safetensors file cannot store; remove it`,
  );
}

/** The order of UTF-8 bytes, in which the reference implementation sorts names. */
function byCodePoint(a: string, b: string): number {
  const x = [...a];
  const y = [...b];
  const at = x.findIndex((character, i) => character !== y[i]);
  if (at < 0) return x.length - y.length;
  return at < y.length ? x[at].codePointAt(0)! - y[at].codePointAt(0)! : 1;
}

import type * as NodeFiles from 'node:fs';
import type * as Files from 'node:fs/promises';
import type * as Streams from 'node:stream';
import { DataError } from '../errors.js';
import { builtin } from '../host.js';

const MIB = 2 ** 20;
/** What a file of a kind has at most, in bytes: what is larger was not made to be read here. */
export const MOST = {
  /** Settings, manifests. */
  json: 256 * MIB,
  wasm: 256 * MIB,
  /** As much as one wasm memory addresses. */
  weights: 4096 * MIB,
  text: 2048 * MIB,
  /** A text whose every token becomes several numbers. */
  corpus: 128 * MIB,
} as const;

const KINDS: [
  test: 'isDirectory' | 'isFIFO' | 'isSocket' | 'isCharacterDevice' | 'isBlockDevice',
  what: string,
][] = [
  ['isDirectory', 'it is a folder; give a file'],
  ['isFIFO', 'it is a pipe; give a regular file'],
  ['isSocket', 'it is a socket; give a regular file'],
  ['isCharacterDevice', 'it is a device; give a regular file'],
  ['isBlockDevice', 'it is a device; give a regular file'],
];

/**
 * The bytes of a regular file of at most `most` bytes; no more are read than it had when it was opened. Throws before
 * anything is read if it is a folder, device, pipe or socket, whose bytes may never come or never end.
 */
export async function readRegular(path: string | URL, most: number): Promise<Uint8Array> {
  const [{ open, stat }, { constants }] = await Promise.all([
    builtin<typeof Files>('fs/promises'),
    builtin<typeof NodeFiles>('fs'),
  ]);
  // Before it is opened, since some devices do something then.
  check(await stat(path), most);
  // And of what was opened, which may be another file by now; without waiting for the writer of a pipe.
  const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const found = await handle.stat();
    check(found, most);
    return await readUpTo(handle, found.size);
  } finally {
    await handle.close();
  }
}

function check(found: NodeFiles.Stats, most: number): void {
  if (!found.isFile())
    throw new DataError(KINDS.find(([test]) => found[test]())?.[1] ?? 'it is no regular file');
  if (found.size > most) throw tooLarge(found.size, most);
}

/** The same for a file that the user named: what is a pipe is read to its end, as `<(command)` and /dev/stdin may be. */
export async function readRegularOrPipe(path: string, most: number): Promise<Uint8Array> {
  const [{ open, stat }, { Readable }] = await Promise.all([
    builtin<typeof Files>('fs/promises'),
    builtin<typeof Streams>('stream'),
  ]);
  if (!(await stat(path)).isFIFO()) return readRegular(path, most);
  waiting++;
  try {
    const handle = await open(path);
    const body = Readable.toWeb(handle.createReadStream()) as unknown as ReadableStream<Uint8Array>;
    return await readBody(body, most);
  } finally {
    waiting--;
  }
}

let waiting = 0;

/** Whether a pipe is being read, whose writer may stay silent for ever: until it speaks, Node.js cannot exit. */
export const waitsForPipe = (): boolean => waiting > 0;

/** Node reads at most 2 GiB at once. */
const PIECE = 1024 * MIB;

/** So many bytes, or fewer if the file ends before. */
async function readUpTo(handle: Files.FileHandle, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  let at = 0;
  while (at < size) {
    const { bytesRead } = await handle.read(bytes, at, Math.min(PIECE, size - at), at);
    if (bytesRead === 0) return bytes.slice(0, at);
    at += bytesRead;
  }
  return bytes;
}

/** The bytes of a body, of which no more are taken than `most`. */
export async function readBody(body: ReadableStream<Uint8Array> | null, most: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  const reader = body?.getReader();
  for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
    pieces.push(next.value);
    size += next.value.length;
    if (size > most) {
      await reader?.cancel();
      throw tooLarge(undefined, most);
    }
  }
  return joined(pieces);
}

/** Pieces one after the other. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((size, { length }) => size + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function tooLarge(size: number | undefined, most: number): DataError {
  const has = size === undefined ? 'it' : `it has ${size.toLocaleString('en-US')} bytes, which`;
  return new DataError(
    `${has} is more than the ${most.toLocaleString('en-US')} bytes that are read of such a file`,
  );
}

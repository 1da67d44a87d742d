import { mebibytes, OutOfMemoryError } from '../errors.js';
import { CONTROL_BYTES, LOSSES, MAX_STEPS, RATES } from '../plan/layout.js';

const PAGE = 65536;

/** What the host writes and reads in every step, as typed arrays on a memory's buffer. */
export interface Cells {
  readonly buffer: ArrayBufferLike;
  readonly words: Uint32Array;
  readonly rates: Float32Array;
  readonly losses: Float32Array;
  /** The elements of buffers of the layout. */
  readonly views: WeakMap<object, Float32Array | Int32Array>;
}

export function cellsOf(buffer: ArrayBufferLike): Cells {
  return {
    buffer,
    words: new Uint32Array(buffer, 0, CONTROL_BYTES / 4),
    rates: new Float32Array(buffer, RATES, MAX_STEPS),
    losses: new Float32Array(buffer, LOSSES, MAX_STEPS),
    views: new WeakMap(),
  };
}

/** Pages that a memory may come to have, tried in turn: some engines set aside at once what a shared one may need. */
const MAXIMA = [65536, 16384, 4096];

/** A memory of at least so many bytes that may grow. */
export function memoryOf(bytes: number, shared: boolean): WebAssembly.Memory {
  const initial = Math.ceil(bytes / PAGE);
  for (const maximum of [...MAXIMA.filter((most) => most > initial), initial]) {
    try {
      return new WebAssembly.Memory({ initial, maximum, shared });
    } catch {
      // Less may be had.
    }
  }
  throw new OutOfMemoryError(
    `the model needs ${mebibytes(bytes)} of memory, which is not to be had here: close other sessions, or use a smaller batch or model`,
  );
}

/** Lets a memory have so many bytes, for a dataset. */
export function growTo(memory: WebAssembly.Memory, bytes: number): void {
  const missing = Math.ceil((bytes - memory.buffer.byteLength) / PAGE);
  if (missing <= 0) return;
  try {
    memory.grow(missing);
  } catch {
    throw new OutOfMemoryError(
      `the dataset needs ${mebibytes(bytes)} of memory, more than a session can have here: give it fewer rows`,
    );
  }
}

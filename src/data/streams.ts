import { checkGiven, checkOptions, wholeNumber } from '../check.js';
import { DataError, OptionError } from '../errors.js';

export interface StreamOptions {
  /** Rows in a batch: so many parts of the sequence are read side by side. */
  batch: number;
  /** Steps in a row. */
  time: number;
  /** Numbers that a step of the sequence has; 1 unless given. */
  width?: number | undefined;
}

/** A sequence as rows in the order of batches: row b of a batch goes on where row b of the one before ended. */
export interface Streams<T> {
  /** [rows, time], or [rows, time, width]. */
  x: T;
  /** The same, one step later. */
  y: T;
  /** 1 in the rows of the first batch, where what a layer carries is to be zeros, else 0; i32[rows]. */
  begins: Int32Array;
  rows: number;
}

type Numbers = Int32Array | Float32Array | Float64Array;

/**
 * Cuts a long sequence for truncated backpropagation: into `batch` parts of one length, and each of these into rows of `time` steps.
 * Give the result to `session.data(streams, { order: 'given' })` and train a layer with `stateful: batch` on it; what does not
 * fill a last row of all parts is left out. (Williams and Peng 1990.)
 */
export function streams<T extends Numbers>(sequence: T, options: StreamOptions): Streams<T> {
  checkGiven('streams', options, '{ batch, time }');
  checkOptions('streams', options, ['batch', 'time', 'width']);
  const { batch, time, width = 1 } = options;
  wholeNumber('streams: batch', batch);
  wholeNumber('streams: time', time);
  wholeNumber('streams: width', width);
  if (!ArrayBuffer.isView(sequence) || sequence instanceof DataView)
    throw new OptionError('streams: expected a typed array of numbers first');
  if (sequence.length % width !== 0)
    throw new DataError(`streams: ${sequence.length} numbers are not whole steps of ${width}`);
  const steps = sequence.length / width;
  const each = Math.floor((steps - 1) / batch);
  const batches = Math.floor(each / time);
  if (batches < 1)
    throw new DataError(
      `streams: ${steps} steps are too few for ${batch} rows of ${time} and the step behind: ${batch * time + 1} are needed`,
    );
  const rows = batches * batch;
  const size = time * width;
  const make = () => new (sequence.constructor as new (n: number) => T)(rows * size);
  const [x, y, begins] = [make(), make(), new Int32Array(rows)];
  for (let row = 0; row < rows; row++) {
    const from = ((row % batch) * each + Math.floor(row / batch) * time) * width;
    x.set(sequence.subarray(from, from + size), row * size);
    y.set(sequence.subarray(from + width, from + width + size), row * size);
    begins[row] = row < batch ? 1 : 0;
  }
  return { x, y, begins, rows };
}

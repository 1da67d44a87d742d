import { DataError } from '../errors.js';
import { checkIndices, type IndexBound } from '../indices.js';
import { randomIndex, STREAMS } from '../random/philox.js';
import { formatShape, numel, type TensorType } from '../shape.js';
import type { EntryDescription } from './description.js';
import type { Columns, Numbers } from './engine.js';

// Data on its way from the user into an engine: checked here, so that engines can trust it.

/** Rows in one batch of an entry. */
export function rowsPerBatch({ inputs }: EntryDescription): number {
  return inputs[0].shape[0] ?? 1;
}

/** Data in batches of `size` rows. */
export interface Batches {
  readonly rows: number;
  readonly size: number;
  /** The batch from row `start`; where rows run out it is filled with copies of the last. */
  at(start: number): Record<string, Numbers>;
}

/** Checked data as batches of the size that an entry takes. */
export function batchesOf(entry: EntryDescription, columns: Columns): Batches {
  const { checked, rows } = checkColumns(entry, columns);
  const size = rowsPerBatch(entry);
  return {
    rows,
    size,
    at: (start) =>
      Object.fromEntries(
        Object.entries(checked).map(([name, all]) => [name, rowsOf(all, rows, start, size)]),
      ),
  };
}

function rowsOf(all: Numbers, rows: number, start: number, size: number): Numbers {
  const width = all.length / rows;
  const part = all.subarray(start * width, (start + size) * width);
  if (part.length === size * width) return part;
  const out = new (all.constructor as new (n: number) => Numbers)(size * width);
  out.set(part);
  const last = all.subarray((rows - 1) * width, rows * width);
  for (let i = part.length; i < out.length; i += width) out.set(last, i);
  return out;
}

/** The rows that a step draws, as every engine draws them. */
export function drawnRows(seed: number, step: number, size: number, rows: number): number[] {
  return Array.from({ length: size }, (_, i) => randomIndex(seed, STREAMS.batch, step, i, rows));
}

/** All parts of a batch, of exactly its size. */
export function checkBatch(
  entry: EntryDescription,
  columns: Columns,
  without?: string,
): Record<string, Numbers> {
  return check(entry, columns, without, batchLength);
}

function batchLength({ name, shape, numel }: Part, length: number): number {
  if (length !== numel)
    throw new DataError(`${name}: expected ${numel} elements for ${formatShape(shape)}, got ${length}`);
  return numel;
}

/** All parts of a dataset: whole rows, as many of each. */
export function checkColumns(
  entry: EntryDescription,
  columns: Columns,
  without?: string,
): { checked: Record<string, Numbers>; rows: number } {
  let rows = -1;
  const checked = check(entry, columns, without, ({ name, shape }, length) => {
    const width = numel(shape.slice(1));
    if (length % width !== 0 || length === 0) {
      throw new DataError(`${name}: ${length} elements are not whole rows of ${formatShape(shape.slice(1))}`);
    }
    if (rows >= 0 && length / width !== rows)
      throw new DataError(`${name}: ${length / width} rows, but ${rows} of the part before`);
    rows = length / width;
    return length;
  });
  return { checked, rows };
}

/** A part of a batch. */
interface Part extends TensorType {
  readonly name: string;
  readonly numel: number;
  /** For indices: what they must stay below, and what uses them. */
  readonly bound: IndexBound | undefined;
}

const partsOf = new WeakMap<EntryDescription, readonly Part[]>();

/** The parts that an entry takes: made once, since a batch may come with every step. */
function parts(entry: EntryDescription): readonly Part[] {
  let found = partsOf.get(entry);
  if (!found) {
    found = entry.inputs.map(({ bound, ...input }) => ({
      ...input,
      numel: numel(input.shape),
      bound: bound && { ...bound, what: `${input.name} (used by ${bound.what})` },
    }));
    partsOf.set(entry, found);
  }
  return found;
}

/** Integers for the inputs of an entry: whole, of 32 bits, and inside of what they are indices of. */
export function checkIntegers(entry: EntryDescription, inputs: Columns): void {
  for (const part of parts(entry)) {
    if (part.dtype !== 'i32') continue;
    const values = convert(part.name, inputs[part.name], part, part.numel);
    if (part.bound) checkIndices(values, part.bound);
  }
}

function check(
  entry: EntryDescription,
  columns: Columns,
  without: string | undefined,
  lengthOf: (part: Part, length: number) => number,
): Record<string, Numbers> {
  const wanted = parts(entry);
  let others = 0;
  for (const _ in columns) others++;
  for (const { name } of wanted) if (name !== without && name in columns) others--;
  if (others > 0) {
    const names = wanted.map((part) => part.name).filter((name) => name !== without);
    const unknown = Object.keys(columns).find((name) => !names.includes(name));
    throw new DataError(`there is no input ${unknown}; there are ${names.join(', ')}`);
  }
  const checked: Record<string, Numbers> = {};
  for (const part of wanted) {
    const { name, bound } = part;
    if (name === without) continue;
    const column = columns[name];
    if (column === undefined && !(name in columns)) throw new DataError(`input ${name} is missing`);
    requireArray(name, column);
    const values = convert(name, column, part, lengthOf(part, column.length));
    if (bound) checkIndices(values, bound);
    checked[name] = values;
  }
  return checked;
}

/** The values in the dtype of their place; anything that would change a value on the way is an error. */
export function convert(name: string, values: ArrayLike<number>, type: TensorType, n: number): Numbers {
  requireArray(name, values);
  if (values.length !== n) throw new DataError(`${name}: expected ${n} elements, got ${values.length}`);
  requireNumbers(name, values);
  if (type.dtype === 'f32') {
    const floats =
      values instanceof Float32Array || values instanceof Float64Array ? values : Float32Array.from(values);
    for (let i = 0; i < floats.length; i++) {
      if (Number.isNaN(floats[i])) throw new DataError(`${name}: NaN at position ${i}`);
    }
    return floats;
  }
  const whole = values instanceof Int32Array ? values : Int32Array.from(values);
  for (let i = 0; i < whole.length; i++) {
    if (whole[i] !== values[i])
      throw new DataError(`${name}: ${values[i]} at position ${i} is not a whole number of 32 bits`);
  }
  return whole;
}

/** Text and nested arrays would be turned into numbers without a word. */
function requireNumbers(name: string, values: ArrayLike<unknown>): void {
  const isTyped = ArrayBuffer.isView(values) && typeof values[0] !== 'bigint';
  if (isTyped) return;
  for (let i = 0; i < values.length; i++) {
    const kind = typeof values[i];
    if (kind === 'number') continue;
    const article = kind === 'object' ? 'an' : 'a';
    const mend = kind === 'object' ? ': give one flat array, row by row' : '';
    throw new DataError(
      `${name}: ${kind === 'undefined' ? 'nothing' : `${article} ${kind}`} at position ${i}, where a number belongs${mend}`,
    );
  }
}

function requireArray(name: string, values: ArrayLike<number>): void {
  if (values === null || typeof values !== 'object' || typeof values.length !== 'number') {
    throw new DataError(`${name}: expected an array of numbers`);
  }
}

import { shown, unknown } from '../check.js';
import { DataError } from '../errors.js';
import { checkIndices, type IndexBound } from '../indices.js';
import { randomIndex, STREAMS } from '../random/philox.js';
import { BEYOND_F32, type DType, formatShape, numel, type TensorType } from '../shape.js';
import {
  type EntryDescription,
  gradientName,
  LEARNING_RATE,
  type VariableDescription,
} from './description.js';
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

/** `size` rows from row `start`; where they run out the last is repeated. */
export function rowsOf(all: Numbers, rows: number, start: number, size: number): Numbers {
  const width = all.length / rows;
  const part = all.subarray(start * width, (start + size) * width);
  if (part.length === size * width) return part;
  const out = new (all.constructor as new (n: number) => Numbers)(size * width);
  out.set(part);
  const last = all.subarray((rows - 1) * width, rows * width);
  for (let i = part.length; i < out.length; i += width) out.set(last, i);
  return out;
}

/** The rows that a step draws, as every engine draws them; `inOrder`: the next ones, and behind the last the first. */
export function drawnRows(seed: number, step: number, size: number, rows: number, inOrder = false): number[] {
  if (inOrder) return Array.from({ length: size }, (_, i) => (step * size + i) % rows);
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

/** All parts of a dataset: whole rows, as many of each, and at least one. */
export function checkColumns(
  entry: EntryDescription,
  columns: Columns,
  without?: string,
  beside: Beside = 'nothing',
): { checked: Record<string, Numbers>; rows: number } {
  const all = checkAnyRows(entry, columns, without, beside);
  if (all.rows === 0)
    throw new DataError(`there are no rows: ${Object.keys(all.checked).join(' and ')} without elements`);
  return all;
}

/** The same of any number of rows, none too. */
export function checkAnyRows(
  entry: EntryDescription,
  columns: Columns,
  without?: string,
  beside: Beside = 'nothing',
): { checked: Record<string, Numbers>; rows: number } {
  let rows = -1;
  let first = '';
  const checked = check(
    entry,
    columns,
    without,
    ({ name, shape }, length) => {
      const width = numel(shape.slice(1));
      if (length % width !== 0) {
        throw new DataError(
          `${name}: ${length} elements are not whole rows of ${formatShape(shape.slice(1))}`,
        );
      }
      if (rows >= 0 && length / width !== rows)
        throw new DataError(
          `${name}: ${counted(length, shape)}, but ${first}: the numbers of rows must be the same`,
        );
      rows = length / width;
      first ||= `${name} has ${counted(length, shape)}`;
      return length;
    },
    beside,
  );
  return { checked, rows };
}

/** How many rows there are, and of what: who is wrong about the size of a row sees it here. */
function counted(length: number, [, ...row]: readonly number[]): string {
  const width = numel(row);
  const each = width === 1 ? 'a number' : `${width} numbers`;
  return `${length / width} rows of ${each}`;
}

/** A part of a batch. */
interface Part extends TensorType {
  readonly name: string;
  readonly numel: number;
  /** Whether every object has something by this name, such as a constructor. */
  readonly inherited: boolean;
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
      inherited: input.name in {},
      bound: bound && { ...bound, what: `${input.name} (used by ${bound.what})` },
    }));
    partsOf.set(entry, found);
  }
  return found;
}

/** A gradient for each parameter that has one, all finite, as inputs of the entry `update`. */
export function checkGradients(entry: EntryDescription, gradients: Columns): Record<string, Numbers> {
  const isNamed = typeof gradients === 'object' && gradients !== null && !ArrayBuffer.isView(gradients);
  const named = isNamed && Object.entries(gradients).map(([name, values]) => [gradientName(name), values]);
  return checkBatch(entry, named ? Object.fromEntries(named) : gradients, LEARNING_RATE);
}

/** The inputs of a function, which may make something of Infinity and NaN; integers are inside of what they index. */
export function checkInputs(entry: EntryDescription, inputs: Columns): Record<string, Numbers> {
  return check(entry, inputs, undefined, inputLength, 'anything');
}

function inputLength({ name, shape, numel }: Part, length: number): number {
  if (length !== numel)
    throw new DataError(`${name}: expected ${numel} elements for [${shape}], got ${length}`);
  return numel;
}

function check(
  entry: EntryDescription,
  columns: Columns,
  without: string | undefined,
  lengthOf: (part: Part, length: number) => number,
  beside: Beside = 'nothing',
): Record<string, Numbers> {
  const wanted = parts(entry);
  const names = () => wanted.map((part) => part.name).filter((name) => name !== without);
  if (
    typeof columns !== 'object' ||
    columns === null ||
    Array.isArray(columns) ||
    ArrayBuffer.isView(columns)
  ) {
    const got = ArrayBuffer.isView(columns) ? 'an array' : shown(columns);
    throw new DataError(`expected an object with an array for each of ${names().join(', ')}, got ${got}`);
  }
  let others = 0;
  for (const _ in columns) others++;
  for (const part of wanted) if (part.name !== without && has(columns, part)) others--;
  if (others > 0) {
    const other = Object.keys(columns).find((name) => !names().includes(name)) ?? '';
    throw new DataError(`there is no input ${unknown(other, names())}`);
  }
  const checked: Record<string, Numbers> = {};
  for (const part of wanted) {
    const { name, bound } = part;
    if (name === without) continue;
    if (!has(columns, part)) throw new DataError(`input ${name} is missing`);
    const column = columns[name];
    requireArray(name, column);
    const values = convert(name, column, part, lengthOf(part, column.length), beside);
    if (bound) checkIndices(values, bound);
    checked[name] = values;
  }
  return checked;
}

function has(columns: Columns, { name, inherited }: Part): boolean {
  return inherited ? Object.hasOwn(columns, name) : name in columns;
}

/** What may stand beside finite numbers: for variables of state Infinity, for functions NaN too. */
type Beside = 'nothing' | 'infinity' | 'anything';

/** What a variable may be given: state may hold infinities. */
export function elementsOf(variable: VariableDescription, values: ArrayLike<number>): Numbers {
  const { name, dtype, shape, role } = variable;
  return convert(name, values, { dtype, shape }, numel(shape), role === 'state' ? 'infinity' : 'nothing');
}

/**
 * The values in the dtype of their place; anything that would change a value on the way is an error, and so is what is
 * not finite, unless it may stand there.
 */
export function convert(
  name: string,
  values: ArrayLike<number>,
  type: TensorType,
  n: number,
  beside: Beside = 'nothing',
): Numbers {
  requireArray(name, values);
  if (values.length !== n) throw new DataError(`${name}: expected ${n} elements, got ${values.length}`);
  requireNumbers(name, values, type.dtype);
  const place = (i: number) => `${name}: ${values[i]} at position ${i}`;
  if (type.dtype === 'f32') {
    for (let i = 0; i < values.length; i++) {
      const x = values[i];
      if (Math.abs(x) < BEYOND_F32) continue;
      if (!Number.isFinite(x) && (beside === 'anything' || (beside === 'infinity' && !Number.isNaN(x))))
        continue;
      const where = rowOf(type, i);
      throw new DataError(
        Number.isFinite(x) ? `${place(i)} is beyond float32${where}: scale it` : `${place(i)}${where}`,
      );
    }
    return values instanceof Float32Array || values instanceof Float64Array
      ? values
      : Float32Array.from(values);
  }
  const whole = values instanceof Int32Array ? values : Int32Array.from(values);
  for (let i = 0; i < whole.length; i++) {
    if (type.dtype === 'bool' && whole[i] !== 0 && whole[i] !== 1)
      throw new DataError(`${place(i)} is not a truth value: 0 or 1`);
    if (whole[i] !== Number(values[i])) throw new DataError(`${place(i)} is not a whole number of 32 bits`);
  }
  return whole;
}

/** Where an element stands in its row. */
function rowOf({ shape }: TensorType, i: number): string {
  const width = numel(shape.slice(1));
  return shape.length > 1 ? ` (row ${Math.floor(i / width)}, column ${i % width})` : '';
}

/** Text and nested arrays would be turned into numbers without a word. */
function requireNumbers(name: string, values: ArrayLike<unknown>, dtype: DType): void {
  const isTyped = ArrayBuffer.isView(values) && typeof values[0] !== 'bigint';
  if (isTyped) return;
  for (let i = 0; i < values.length; i++) {
    const kind = typeof values[i];
    if (kind === 'number' || (kind === 'boolean' && dtype === 'bool')) continue;
    const article = kind === 'object' ? 'an' : 'a';
    const mend = kind === 'object' ? ': give one flat array, row by row' : '';
    throw new DataError(
      `${name}: ${kind === 'undefined' ? 'nothing' : `${article} ${kind}`} at position ${i}, where a number belongs${mend}`,
    );
  }
}

function requireArray(name: string, values: ArrayLike<number>): void {
  if (values === null || typeof values !== 'object' || typeof values.length !== 'number') {
    const mend = (values as unknown) instanceof Promise ? ', got a promise: await it' : '';
    throw new DataError(`${name}: expected an array of numbers${mend}`);
  }
}

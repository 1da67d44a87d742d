import { createHash } from 'node:crypto';
import { isObject } from '../check.js';
import { DataError, GradError } from '../errors.js';
import type { AnyTrainStep } from '../run/train-step.js';
import { formatType, type TensorType } from '../shape.js';
import { checkColumns } from '../train/columns.js';
import { LEARNING_RATE } from '../train/description.js';
import type { Columns } from '../train/engine.js';
import type { Part, Rows } from './kinds/kind.js';
import { type ModelFile, whereIs } from './model.js';

// The data of a model file: columns, or an object of them with what is held out.

/** What the parts of such an object may be called. */
const PART_NAMES: Readonly<Record<string, Part>> = {
  train: 'train',
  validation: 'dev',
  valid: 'dev',
  val: 'dev',
  dev: 'dev',
  test: 'test',
};

/** The data of one step, checked; parts that are not held out are missing. */
export type FileData = { train: Rows } & Partial<Record<Part, Rows>>;

/**
 * What a file gives one of its steps to train on, unchecked; undefined where it has nothing for it. A file with several steps
 * may have an object of data by their names, or data that fits some of them.
 */
export function columnsOf(
  file: ModelFile,
  data: unknown,
  { name, step }: { name: string; step: AnyTrainStep },
): Partial<Record<Part, Columns>> | undefined {
  if (!isObject(data)) return undefined;
  const several = file.steps.size > 1;
  if (several && Object.keys(data).every((key) => file.steps.has(key)))
    return columnsOf({ ...file, steps: new Map([[name, step]]) }, data[name], { name, step });
  const wanted = Object.keys(step.definition.options.batch);
  const parts = partsOf(data, wanted);
  if (parts) {
    const found: Partial<Record<Part, Columns>> = {};
    for (const [key, columns] of Object.entries(parts)) {
      const part = PART_NAMES[key];
      if (found[part]) throw new DataError(`${file.path}: data has ${key} and another part for the same use`);
      if (columns !== undefined) found[part] = flat(`${file.path}: data: ${key}`, columns);
    }
    return found;
  }
  const fits = Object.keys(data).length === wanted.length && wanted.every((part) => part in data);
  return several && !fits ? undefined : { train: flat(`${file.path}: data`, data) };
}

/** The object itself, where it is one of parts and not of columns. */
function partsOf(data: Record<string, unknown>, wanted: readonly string[]): Record<string, unknown> | null {
  const keys = Object.keys(data);
  const named = keys.length > 0 && keys.every((key) => Object.hasOwn(PART_NAMES, key));
  return named && !wanted.includes('train') && isObject(data.train) && !ArrayBuffer.isView(data.train)
    ? data
    : null;
}

/** Columns whose rows may be lists of numbers as columns of numbers, row by row. */
export function flat(where: string, columns: unknown): Columns {
  if (!isObject(columns) || ArrayBuffer.isView(columns))
    throw new DataError(`${where}: expected an object with an array for each input`);
  return Object.fromEntries(
    Object.entries(columns).map(([name, column]) => [name, flatColumn(`${where}: ${name}`, column)]),
  );
}

const isList = (value: unknown): value is ArrayLike<unknown> =>
  Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));

function flatColumn(where: string, column: unknown): ArrayLike<number> {
  if (!isList(column)) return column as ArrayLike<number>;
  if (!Array.isArray(column) || !column.some(isList)) return column as ArrayLike<number>;
  const width = (column[0] as { length?: number })?.length;
  const rows = column.map((row: unknown, i) => {
    if (!isList(row)) throw new DataError(`${where}: row ${i} is no list of numbers, as others are`);
    if (row.length !== width)
      throw new DataError(`${where}: row ${i} has ${row.length} elements, and row 0 has ${width}`);
    return flatColumn(`${where}: row ${i}`, row);
  });
  const all: number[] = [];
  for (const row of rows) for (let i = 0; i < row.length; i++) all.push(row[i]);
  return all;
}

/** One row of a part of a batch: `f32[28, 28, 1]`, or `i32` where it is one number. */
export const rowText = ({ shape, dtype }: TensorType): string =>
  shape.length > 1 ? formatType({ shape: shape.slice(1), dtype }) : dtype;

/** The data of a step, each part checked as a session does. Throws DataError that names the part. */
export function checkData(
  file: ModelFile,
  found: Partial<Record<Part, Columns>> | undefined,
  { step }: { step: AnyTrainStep },
  source: string,
): FileData {
  const entry = step.description.entries.train;
  const inputs = entry.inputs.filter(({ name }) => name !== LEARNING_RATE);
  const wanted = inputs.map((input) => `${input.name} (${rowText(input)} a row)`);
  if (!found?.train)
    throw new DataError(
      `${file.path} has no data to train on: export data, an object with an array for each of ${wanted.join(', ')}, or a function that returns one`,
    );
  const checked = Object.entries(found).map(([part, columns]) => {
    try {
      const { checked, rows } = checkColumns(entry, columns, LEARNING_RATE);
      return [part, { columns: checked, rows }];
    } catch (error) {
      if (!(error instanceof GradError)) throw error;
      const where = part === 'train' ? '' : ` ${part === 'dev' ? 'validation' : part}:`;
      throw new DataError(`${source}:${where} ${error.message}${whereIs(file, 'data')}`);
    }
  });
  return Object.fromEntries(checked) as FileData;
}

/** Of all parts, names and numbers. */
export function digestOf(data: FileData): string {
  const hash = createHash('sha256');
  for (const [part, { columns, rows }] of Object.entries(data))
    for (const [name, all] of Object.entries(columns)) {
      hash.update(JSON.stringify([part, name, rows, all.constructor.name]));
      const { buffer, byteOffset, byteLength } = all as Float32Array;
      hash.update(new Uint8Array(buffer, byteOffset, byteLength));
    }
  return hash.digest('hex');
}

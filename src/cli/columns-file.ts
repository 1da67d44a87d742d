import { inspect } from 'node:util';
import { reason } from '../data/files.js';
import { parseJson } from '../data/json.js';
import { MOST, readRegularOrPipe } from '../data/read.js';
import { DataError } from '../errors.js';

/** Rows may be lists of lists, as many as there is memory for. */
const COLUMNS = { nested: 64, parts: 20_000_000, values: Number.POSITIVE_INFINITY };

/**
 * Data from a JSON file: an object with an array of numbers, nested or flat, for each part of the batch, or an object of such
 * objects, as the export `data` of a model file.
 */
export async function readColumns(path: string): Promise<Record<string, unknown>> {
  const bytes = await readRegularOrPipe(path, MOST.json).catch((error: unknown) => {
    throw new DataError(`cannot read the data from ${JSON.stringify(path)}: ${reason(error)}`);
  });
  let value: unknown;
  try {
    value = parseJson(new TextDecoder().decode(bytes), COLUMNS);
  } catch (error) {
    throw new DataError(`${path} ${(error as Error).message}`);
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new DataError(`${path}: expected an object with an array of numbers for each input`);
  }
  for (const [name, column] of Object.entries(value)) {
    const inner: unknown[] = isPlain(column) ? Object.values(column) : [column];
    for (const one of inner) checkNumbers(`${path}: ${name}`, one);
  }
  return value as Record<string, unknown>;
}

const isPlain = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function checkNumbers(where: string, column: unknown): void {
  if (!Array.isArray(column)) throw new DataError(`${where}: expected an array of numbers`);
  const flat: unknown[] = column.flat(Number.POSITIVE_INFINITY);
  const wrong = flat.findIndex((x) => typeof x !== 'number');
  if (wrong >= 0) throw new DataError(`${where}: ${inspect(flat[wrong])} at position ${wrong} is no number`);
}

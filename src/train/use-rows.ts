import type { DType } from '../shape.js';
import { checkAnyRows, checkBatch, rowsOf } from './columns.js';
import type { EntryDescription } from './description.js';
import type { Columns, Engine, Numbers } from './engine.js';

/**
 * The rows that an entry takes at a time, if it makes as many of as many and remembers nothing: then it may be given any number of
 * rows. Else 0.
 */
function rowsAtOnce({ inputs, outputs, assigns }: EntryDescription): number {
  const size = inputs[0]?.shape[0] ?? 0;
  if (assigns || outputs.length === 0) return 0;
  return [...inputs, ...outputs].every(({ shape }) => shape[0] === size) ? size : 0;
}

/** What is made of no rows. */
function nothing({ outputs }: EntryDescription): Record<string, Numbers> {
  const empty = (dtype: DType) => (dtype === 'f32' ? new Float32Array(0) : new Int32Array(0));
  return Object.fromEntries(outputs.map(({ name, dtype }) => [name, empty(dtype)]));
}

/** What an entry makes of rows, however many, or else of exactly what it takes; rows must not influence each other. */
export function useRows(
  engine: Engine,
  name: string,
  entry: EntryDescription,
  columns: Columns,
): Record<string, Numbers> {
  const size = rowsAtOnce(entry);
  if (size === 0) return engine.invoke(name, checkBatch(entry, columns));
  const { checked, rows } = checkAnyRows(entry, columns);
  if (rows === 0) return nothing(entry);
  if (rows === size) return engine.invoke(name, checked);
  const all: Record<string, Numbers> = {};
  for (let start = 0; start < rows; start += size) {
    const batch = Object.entries(checked).map(([part, values]) => [part, rowsOf(values, rows, start, size)]);
    for (const [output, values] of Object.entries(engine.invoke(name, Object.fromEntries(batch)))) {
      const width = values.length / size;
      all[output] ??= new (values.constructor as new (n: number) => Numbers)(rows * width);
      // The last batch is filled with copies of the last row, which nobody asked for.
      all[output].set(values.subarray(0, Math.min(size, rows - start) * width), start * width);
    }
  }
  return all;
}

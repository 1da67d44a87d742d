import { DataError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { inputAttrs } from '../graph/graph.js';
import { checkIndices } from '../ops/gather.js';
import { formatShape, numel, type TensorType } from '../shape.js';
import type { Columns, Numbers } from './engine.js';
import { indexBounds } from './program.js';

// Data on its way from the user into an engine: checked here, so that engines can trust it.

/** A batch of rows from `start`; where rows run out, copies of the last if `repeat`. */
export function rowsOf(all: Numbers, rows: number, start: number, size: number, repeat: boolean): Numbers {
  const width = all.length / rows;
  const part = all.subarray(start * width, (start + size) * width);
  if (!repeat || part.length === size * width) return part;
  const out = new (all.constructor as new (n: number) => Numbers)(size * width);
  out.set(part);
  const last = all.subarray((rows - 1) * width, rows * width);
  for (let i = part.length; i < out.length; i += width) out.set(last, i);
  return out;
}

/** All parts of a batch, of exactly its size. */
export function checkBatch(graph: Graph, columns: Columns, without?: string): Record<string, Numbers> {
  return check(graph, columns, without, batchLength);
}

function batchLength({ name, shape, numel }: Part, length: number): number {
  if (length !== numel)
    throw new DataError(`${name}: expected ${numel} elements for ${formatShape(shape)}, got ${length}`);
  return numel;
}

/** All parts of a dataset: whole rows, as many of each. */
export function checkColumns(
  graph: Graph,
  columns: Columns,
  without?: string,
): { checked: Record<string, Numbers>; rows: number } {
  let rows = -1;
  const checked = check(graph, columns, without, ({ name, shape }, length) => {
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
  readonly bound: { readonly size: number; readonly what: string } | undefined;
}

const partsOf = new WeakMap<Graph, readonly Part[]>();

/** The parts that a graph takes: found once, since a batch may come with every step. */
function parts(graph: Graph): readonly Part[] {
  let found = partsOf.get(graph);
  if (!found) {
    const bounds = indexBounds(graph);
    found = graph.inputs
      .map(inputAttrs)
      .filter((a) => a.role === 'input')
      .map(({ name, shape, dtype }) => {
        const bound = bounds.get(name);
        const named = bound && { ...bound, what: `${name} (used by ${bound.what})` };
        return { name, shape, dtype, numel: numel(shape), bound: named };
      });
    partsOf.set(graph, found);
  }
  return found;
}

function check(
  graph: Graph,
  columns: Columns,
  without: string | undefined,
  lengthOf: (part: Part, length: number) => number,
): Record<string, Numbers> {
  const wanted = parts(graph);
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
    if (bound) checkIndices(values, bound.size, bound.what);
    checked[name] = values;
  }
  return checked;
}

/** The values in the dtype of their place; anything that would change a value on the way is an error. */
export function convert(name: string, values: ArrayLike<number>, type: TensorType, n: number): Numbers {
  requireArray(name, values);
  if (values.length !== n) throw new DataError(`${name}: expected ${n} elements, got ${values.length}`);
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

function requireArray(name: string, values: ArrayLike<number>): void {
  if (values === null || typeof values !== 'object' || typeof values.length !== 'number') {
    throw new DataError(`${name}: expected an array of numbers`);
  }
}

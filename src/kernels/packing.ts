import { digitsOf, isMapped, wholeK } from './index-map.js';
import type { Operand } from './kernel.js';
import { isOfParts } from './sum-order.js';
import type { Segment, Tiling, tilingOf } from './tiling.js';

/** Panels from which on it pays to pack rows that are slow to read. */
const AGAIN = 4;
/** Steps of a run of k that are worth a loop in each tile, by how many panels pass them. */
const RUNS = [
  { panels: 8, run: 16 },
  { panels: 3, run: 4 },
];

/**
 * Whether rows of A, as an index map, are copied to lie as tiles read them. They are read in runs where those are long, but
 * lines of them that have gaps between, or a place of its own each, come faster to the second panel if they are packed.
 */
export function packsMap(
  product: Parameters<typeof tilingOf>[0],
  rowsA: Tiling['rowsA'],
  panels: number,
): boolean {
  const { k, a, members } = product;
  if (!isMapped(a, -1) && !isMapped(a, -2)) return false;
  const [aRow, aColumn] = a.strides.slice(-2);
  if (aColumn < 0 || (aColumn === 0 && k > 1) || (aRow === 1 && aColumn !== 1)) return true;
  if (panels >= AGAIN && rowsA === 'each') return true;
  if (!isMapped(a, -1)) return panels >= AGAIN && aRow > k;
  if (isOfParts(members[0].node)) return true;
  const runs = digitsOf(a, -1, wholeK(product));
  const least = RUNS.find((worth) => panels >= worth.panels)?.run ?? 0;
  return runs.some(({ stride }) => stride < 0) || runs.at(-1)!.size < least;
}

/** Whether the rows of each tile lie in one run of an index map. */
export function inRows(a: Operand, m: number, segments: readonly Segment[]): boolean {
  const { size } = digitsOf(a, -2, m).at(-1)!;
  return segments.every(({ rows }) => size % rows === 0);
}

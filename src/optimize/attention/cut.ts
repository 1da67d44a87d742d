import { numel } from '../../shape.js';
import { exportedRows } from './exports.js';
import type { Staged } from './find.js';
import { seenKeys } from './seen.js';
import { isBetterWhole } from './whole.js';

// How attention is cut into blocks: by shapes alone, so that the same model has the same bits everywhere.

/** Queries of a block; with fewer, products are slower. */
const QUERIES = 64;
/** No fewer than these, however long rows are. */
const LEAST = 16;
/**
 * Contexts are short whose scores, of one head, fit so often into the cache: there it takes less time to pass all heads at
 * once, though they do not stay in it, unless a mask hides enough.
 */
const SHORT = 16;
/** Loops for causal attention, each over blocks that see about as many keys: more skip more, and are more code. */
const LOOPS = 4;

/** An axis of the scores, from the end, that is passed in blocks. */
export interface Cut {
  readonly axis: number;
  readonly runs: readonly Run[];
}

/** Blocks of equal size that one loop goes through, and the keys that any of them sees. */
export interface Run {
  readonly from: number;
  readonly size: number;
  readonly count: number;
  readonly keys: readonly [from: number, to: number];
}

/** Blocks whose scores take no more than so many bytes, if that can be; null: all are better made at once. */
export function cutOf(region: Staged, bytes: number): Cut | null {
  const { scores } = region;
  const [queries, keys] = scores.slice(-2);
  const leading = scores.slice(0, -2);
  const fitting = (matrices: number) => Math.floor(bytes / (4 * keys * matrices));
  const enough = (matrices: number) => fitting(matrices) >= Math.min(QUERIES, queries);
  const all = numel(leading);
  const isShort = SHORT * 4 * queries * keys <= bytes;
  const isWhole = isShort || (!hides(region) && isBetterWhole(region, bytes));
  if (isWhole && !enough(all)) return null;
  for (let axis = -scores.length; axis < -2 && !enough(all); axis++) {
    const n = scores.at(axis)!;
    if (n === 1 || !isEverywhere(region, axis, n)) continue;
    const size = divisors(n).find((d) => d === 1 || enough((all / n) * d))!;
    return { axis, runs: [{ from: 0, size, count: n / size, keys: [0, keys] }] };
  }
  const size = rowsOf(queries, Math.max(LEAST, fitting(all)));
  if (size >= queries) return null;
  const runs = runsOf(region, size);
  const skips = runs.some((run) => run.keys[0] > 0 || run.keys[1] < keys);
  return isWhole && !skips ? null : { axis: -2, runs };
}

/** Whether a mask hides keys from the first query or from the last. */
function hides(region: Staged): boolean {
  const [queries, keys] = region.scores.slice(-2);
  const seen = seenKeys(region);
  return [0, queries - 1].some((query) => {
    const [from, to] = seen(query, query + 1);
    return from > 0 || to < keys;
  });
}

/** Divisors of n but n itself, the largest first. */
function divisors(n: number): number[] {
  return Array.from({ length: n - 1 }, (_, i) => n - 1 - i).filter((d) => n % d === 0);
}

/** Whether all results have an axis of this size. */
function isEverywhere(region: Staged, axis: number, n: number): boolean {
  const results = [...region.exits.keys(), ...exportedRows(region)];
  return results.every(({ shape }) => shape.at(axis) === n);
}

/** Rows of a block, of at most so many: as many as divide all, if those are not far fewer. */
function rowsOf(all: number, most: number): number {
  if (most >= all) return all;
  const even = Math.ceil(all / Math.ceil(all / most));
  for (let size = most; size > most / 2; size--) if (all % size === 0 && size % 4 === 0) return size;
  return Math.min(most, 4 * Math.ceil(even / 4));
}

function runsOf(region: Staged, size: number): Run[] {
  const [queries, keys] = region.scores.slice(-2);
  const seen = seenKeys(region);
  const full = Math.floor(queries / size);
  const blocks = Array.from({ length: Math.ceil(queries / size) }, (_, i) => {
    const from = i * size;
    return { from, keys: seen(from, Math.min(queries, from + size)) };
  });
  const isCut = blocks.some(({ keys: [from, to] }) => from > 0 || to < keys);
  const loops = Math.min(isCut ? LOOPS : 1, full);
  const parts = Array.from({ length: loops }, (_, i) =>
    blocks.slice(Math.round((i * full) / loops), Math.round(((i + 1) * full) / loops)),
  );
  const runs = parts.map(
    (part): Run => ({
      from: part[0].from,
      size,
      count: part.length,
      keys: [Math.min(...part.map((b) => b.keys[0])), Math.max(...part.map((b) => b.keys[1]))],
    }),
  );
  const rest = blocks.slice(full).map((b): Run => ({ ...b, size: queries - b.from, count: 1 }));
  return [...runs, ...rest];
}

import { DataError } from './errors.js';

/** What integers must stay below, and what uses them so. */
export interface IndexBound {
  readonly size: number;
  readonly what: string;
}

/** The error for an index outside of its table; `where`: the user's file and line, or ''. */
export function indexError(
  { size, what }: IndexBound,
  index: number,
  position: number,
  where = '',
): DataError {
  const place = where ? ` (${where})` : '';
  return new DataError(
    `${what}: index ${index} at position ${position} is outside of 0 to ${size - 1}${place}`,
  );
}

/** Throws DataError for the first id outside of [0, size); `where` is asked for only then. */
export function checkIndices(ids: ArrayLike<number>, bound: IndexBound, where?: () => string): void {
  for (let i = 0; i < ids.length; i++) {
    if (!(ids[i] >= 0 && ids[i] < bound.size)) throw indexError(bound, ids[i], i, where?.());
  }
}

import { DataError } from './errors.js';

/** Throws DataError for the first id outside of [0, size). */
export function checkIndices(ids: ArrayLike<number>, size: number, what: string): void {
  for (let i = 0; i < ids.length; i++) {
    if (!(ids[i] >= 0 && ids[i] < size)) {
      throw new DataError(`${what}: index ${ids[i]} at position ${i} is outside of 0 to ${size - 1}`);
    }
  }
}

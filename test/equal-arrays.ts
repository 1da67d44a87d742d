import { expect } from 'vitest';

// Typed arrays of the same bytes are equal: toEqual would otherwise compare a hundred thousand elements one by one in a
// second. Where bytes differ it still does, and says which elements these are.

const bytesOf = (a: unknown) =>
  ArrayBuffer.isView(a) && !(a instanceof DataView)
    ? Buffer.from(a.buffer, a.byteOffset, a.byteLength)
    : undefined;

function sameBytes(a: unknown, b: unknown): boolean | undefined {
  const [left, right] = [bytesOf(a), bytesOf(b)];
  if (!left || !right) return undefined;
  const same = Object.getPrototypeOf(a) === Object.getPrototypeOf(b) && left.equals(right);
  return same || undefined;
}

// The files of a process share one list of testers.
const once = globalThis as { equalArrays?: boolean };
if (!once.equalArrays) expect.addEqualityTesters([sameBytes]);
once.equalArrays = true;

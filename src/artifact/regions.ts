import { FIRST_REGION, MAX_MEMORY } from '../plan/layout.js';
import { numel } from '../shape.js';

/** Where something lies in the memory of a session. */
interface Region {
  readonly name: string;
  readonly address: number;
  readonly shape: readonly number[];
}

/** More axes than any model has. */
const MOST_AXES = 32;

/** Whether a shape and an address stand for bytes of a memory that ends at `end`, behind its control cells. */
export function isRegion(shape: unknown, address: unknown, end: number): boolean {
  return (
    Array.isArray(shape) &&
    shape.length <= MOST_AXES &&
    shape.every((size) => Number.isInteger(size) && size >= 0 && size <= MAX_MEMORY) &&
    Number.isInteger(address) &&
    Number(address) >= FIRST_REGION &&
    Number(address) % 4 === 0 &&
    // A product that is too large for a number is Infinity.
    Number(address) + 4 * numel(shape) <= end
  );
}

/** What is wrong with regions, each of which needs bytes of its own; undefined if nothing is. */
export function overlap(regions: readonly Region[]): string | undefined {
  const sorted = regions.filter(({ shape }) => numel(shape) > 0).sort((a, b) => a.address - b.address);
  const second = sorted.findIndex((region, i) => {
    const before = sorted[i - 1];
    return before !== undefined && before.address + 4 * numel(before.shape) > region.address;
  });
  if (second < 0) return undefined;
  const [a, b] = [sorted[second - 1].name, sorted[second].name].map((name) =>
    JSON.stringify(name.slice(0, 100)),
  );
  return `${a} and ${b} lie on the same bytes`;
}

/** A name that a list has twice, or that JavaScript gives a meaning of its own. */
export function wrongName(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  for (const name of names) {
    if (name === '__proto__' || seen.has(name)) return name;
    seen.add(name);
  }
  return undefined;
}

/**
 * Marks what users export from a model file, so that tools know it when they see it, whichever copy of this package
 * made it: `instanceof` would be false across copies, and silent about why.
 */
export const BRAND = Symbol.for('2headgrad.kind');

export type Kind = 'train step' | 'graph';

/** What a value was made as, by this or by another copy of the package. */
export function kindOf(value: unknown): Kind | undefined {
  if (value === null || typeof value !== 'object') return undefined;
  return (value as { [BRAND]?: Kind })[BRAND];
}

import type { ScaleOptions } from '@observablehq/plot';

/** An axis of squares with their names. */
export function band(names: readonly string[]): ScaleOptions {
  return {
    type: 'band',
    domain: names.map((_, i) => i),
    tickFormat: (i: number) => names[i],
    tickSize: 0,
    padding: 0,
  };
}

import type { Contexts } from '../../data/dataset.js';
import type { Baseline, Rows } from './kind.js';

// What kinds that guess the next token have in common.

export const rowsFrom = ({ x, y, rows }: Contexts): Rows => ({ columns: { x, y }, rows });

/** The loss of a guess by whoever knows no more than how many there are. */
export const uniform = (size: number, what: string): Baseline => ({
  loss: Math.log(size),
  why: `ln(${size}): every ${what} as likely as any other`,
});

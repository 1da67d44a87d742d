import { numel } from '../shape.js';
import type { Node } from './graph.js';

/** Rows of a table for each index from which it is cheaper to go through the indices than through the table. */
const SPARSE = 2;

/** What a scatter_add adds: so many rows of so many elements, to a table of so many rows. */
export function scatterSizes({ shape, inputs }: Node): { rows: number; count: number; width: number } {
  return { rows: shape[0], count: numel(inputs[1].shape), width: numel(shape.slice(1)) };
}

/** Whether a scatter_add, or so many of its kind, touches so little of its table that what follows should touch no more. */
export function isSparse(scatter: Node, times = 1): boolean {
  const { rows, count } = scatterSizes(scatter);
  return rows > SPARSE * count * times;
}

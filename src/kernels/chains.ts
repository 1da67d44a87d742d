import { scatterSizes } from '../graph/scatter.js';
import { numel } from '../shape.js';
import type { FoldKernel, ScatterKernel } from './kernel.js';

// How the rows of an index are summed. Where there are many, the positions of each index are chained, and a chain is
// summed in blocks: the error of n numbers then grows with the square root of n.

/** Rows that are added straight into a table: at most so many of one index. */
const STRAIGHT = 256;

/** Rows of one block of a chain of at most so many. */
export function blockOf(count: number): number {
  return Math.max(64, 2 ** Math.ceil(Math.log2(count) / 2));
}

/** Where a thread keeps the chains of a kernel, in bytes of its scratch. */
export interface Chains {
  /** Heads of the chains: one a row of the table, or slots of a hash table. */
  readonly heads: number;
  /** The next position of each. */
  readonly next: number;
  /** A byte for each position: whether one of the same index stands before it. */
  readonly repeated: number;
  readonly bytes: number;
}

/** None where rows are added straight into a table. */
export function chainsOf(kernel: ScatterKernel | FoldKernel): Chains | null {
  if (kernel.kind === 'fold') {
    const count = numel(kernel.ids.source.shape);
    return chains(2 ** Math.ceil(Math.log2(2 * count + 1)), count, count);
  }
  const { rows, count } = scatterSizes(kernel.node);
  return kernel.node.attrs.distinct || count <= STRAIGHT ? null : chains(rows, count, 0);
}

function chains(heads: number, count: number, flags: number): Chains {
  const next = 4 * heads;
  const repeated = next + 4 * count;
  return { heads, next, repeated, bytes: repeated + flags };
}

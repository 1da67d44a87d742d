import { checkOptions, oneOf } from '../check.js';
import { checkColumns, rowsPerBatch } from './columns.js';
import { type EntryDescription, LEARNING_RATE } from './description.js';
import type { Columns } from './engine.js';
import { tooFewRows } from './refusals.js';

export interface DataOptions {
  /**
   * How a run comes to its batches: `drawn` (unless given) takes rows at random, `given` the next ones, and behind the last the first:
   * step k, over the session's life, has the rows from k times the batch's size on.
   */
  order?: 'drawn' | 'given' | undefined;
}

/** A dataset that a run can take batches of. */
export function checkDataset(train: EntryDescription, columns: Columns, options: DataOptions) {
  checkOptions('data', options, ['order']);
  const order = oneOf('data: order', options.order ?? 'drawn', ['drawn', 'given'] as const);
  const { checked, rows } = checkColumns(train, columns, LEARNING_RATE);
  const batch = rowsPerBatch(train);
  if (rows < batch) throw tooFewRows(rows, batch);
  return { checked, rows, inOrder: order === 'given' };
}

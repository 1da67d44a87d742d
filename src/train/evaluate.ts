import type { Batches } from './columns.js';
import type { Engine } from './engine.js';

/** Mean loss over all rows. */
export function meanLoss(engine: Engine, { rows, size, at }: Batches): number {
  let total = 0;
  let start = 0;
  for (; start + size <= rows; start += size) total += engine.evaluate(at(start)) * size;
  const rest = rows - start;
  if (rest > 0) {
    // The last batch is filled with copies of the last row, whose own loss is then taken off again.
    const last = engine.evaluate(at(rows - 1));
    total += engine.evaluate(at(start)) * size - last * (size - rest);
  }
  return total / rows;
}

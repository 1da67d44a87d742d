import type { Rule } from '../finding.js';
import { batchMeans } from '../match.js';

/** Batch norm on one row: each element is its own mean, so that nothing is left after it is taken off. */
export const batchOfOne: Rule = {
  name: 'batch-of-one',
  holds: 'no mean is taken over a batch of one row',
  examine({ definition, forward, rows }) {
    if (definition.batchSize !== 1) return [];
    const lines = new Set(batchMeans(forward, rows).map(({ node }) => node.where));
    return [...lines].map((where) => ({
      where,
      why: 'the batch has 1 row, and batch norm takes the mean over the batch off: every activation becomes 0',
      fix: 'train on batches of two rows or more (32 is usual), or use layer norm (nn.layerNorm), which needs one row only',
    }));
  },
};

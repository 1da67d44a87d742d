import { expand, isLoop } from '../graph/expand.js';
import type { Pass } from './pass.js';

// Writes out what is made of other ops, nodes of several results among it, so that all that follows knows single tensors
// alone. (Where it is left out, the scheduler does it.) What is run in a loop stays: the scheduler knows it.
export const expandComposites: Pass = {
  name: 'expand-composites',
  contract: {
    changes: 'rounding',
    because:
      'a convolution is written in products, whose sums have its terms and zeros beside them, overlapping windows in sums of theirs; all else in ops that give the bits that it stands for',
  },
  run: (graph) => expand(graph, (node) => !isLoop(node)),
};

import { CACHE_BYTES } from '../../cache-bytes.js';
import type { Graph } from '../../graph/graph.js';
import type { Pass } from '../pass.js';
import { blocked } from './blocked.js';
import { type Cut, cutOf } from './cut.js';
import { findAttention, type Refusal, type Staged } from './find.js';

// Attention whose scores would not stay in the second-level cache is made in blocks: of queries, each against all keys that
// any of them sees, or of heads. Scores are then never in memory as a whole. The gradient makes them again from queries and
// keys and from what is kept of each query: its largest score and the sum of its exponentials (Dao et al. 2022 keep the
// logarithm of their product). With rows whole, no sum has to be corrected as later keys come in, and weights have the
// very bits that they have in one piece; a row takes no more than its keys, so memory grows with the length.
export const blockAttention: Pass = {
  name: 'block-attention',
  contract: {
    changes: 'rounding',
    because:
      'rows are those of the whole; sums over queries are made of those of blocks, with the same terms but for zeros, and of what a mask hides NaN and Infinity are gone',
  },
  late: true,
  run(graph, _inner, bytes = CACHE_BYTES) {
    const { regions } = findAttention(graph, bytes);
    const cuts = new Map<Staged, Cut>();
    for (const region of regions) {
      const cut = cutOf(region, bytes);
      if (cut) cuts.set(region, cut);
    }
    return (cuts.size > 0 && blocked(graph, cuts)) || graph;
  },
};

/** Large attention that is not made in blocks, and why. */
export function attentionInOnePiece(graph: Graph, bytes = CACHE_BYTES): readonly Refusal[] {
  return findAttention(graph, bytes).refusals;
}

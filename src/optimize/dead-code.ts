import { rewrite } from '../graph/graph.js';
import type { Pass } from './pass.js';

// Keeps what outputs and updates need, and the inputs, which are the signature; an update of a variable
// with its own value goes. Nothing else can be seen from outside.
export const deadCode: Pass = {
  name: 'dead-code',
  contract: {
    changes: 'nothing',
    because: 'what is left out is neither returned nor kept',
  },
  run(graph) {
    const updates = graph.updates.filter((u) => u.variable !== u.value);
    return rewrite(updates.length < graph.updates.length ? { ...graph, updates } : graph, (node) => node);
  },
};

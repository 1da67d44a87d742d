import { rewrite } from '../graph/graph.js';
import { is } from './build.js';
import type { Pass } from './pass.js';

// Removes markers (stop_gradient, index), and casts to the dtype that is there. All are identities once derivatives
// are taken and the bounds of indices are read off the graph as traced.
export const dropMarkers: Pass = {
  name: 'drop-markers',
  contract: {
    changes: 'nothing',
    because: 'the ops that go are identities',
  },
  run: (graph) =>
    rewrite(graph, (node) => {
      const idle = is(node, 'cast') && node.dtype === node.inputs[0].dtype;
      return idle || node.op.marker ? node.inputs[0] : node;
    }),
};

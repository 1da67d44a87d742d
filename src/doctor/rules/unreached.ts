import { formatShape } from '../../shape.js';
import type { Rule } from '../finding.js';
import { readers } from '../match.js';

/** A parameter that no gradient flows to: no step would ever change it. */
export const unreached: Rule = {
  name: 'unreached-parameter',
  holds: 'the loss reaches every parameter',
  examine({ definition, parameters, graph }) {
    // Who sets this has said that it is meant.
    if (definition.options.allowUnused) return [];
    const readBy = readers(graph.nodes);
    return parameters
      .filter((p) => !p.gradient)
      .map(({ name, variable, node }) => ({
        where: variable.madeAt,
        why:
          readBy.get(node)!.length === 0
            ? `${name} ${formatShape(variable.shape)} is never used: no step would change it`
            : `the loss does not depend on ${name} ${formatShape(variable.shape)} in a way that can be differentiated, so no step would change it`,
        fix: `use ${name} in the loss, take it out of the model, or set allowUnused if it is meant to stay as it is`,
      }));
  },
};

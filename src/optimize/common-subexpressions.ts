import { isInput, type Node, rewrite } from '../graph/graph.js';
import { formatAttrs } from '../graph/print.js';
import type { Attrs } from '../ops/op.js';
import type { Pass } from './pass.js';

// Computes once what is computed twice from the same inputs, in either order where the op does not mind. Ops have no side
// effects.

export const commonSubexpressions: Pass = {
  name: 'common-subexpressions',
  contract: {
    changes: 'nothing',
    because: 'an op gives the same bits for the same inputs and attributes',
  },
  run(graph) {
    const numbers = new Map<Node, number>();
    const seen = new Map<string, Node>();
    const numberOf = (node: Node) => {
      if (!numbers.has(node)) numbers.set(node, numbers.size);
      return numbers.get(node)!;
    };
    return rewrite(graph, (node) => {
      if (isInput(node)) return node;
      const inputs = node.inputs.map(numberOf);
      if (node.op.commutative) inputs.sort((a, b) => a - b);
      const key = `${node.op.name} ${inputs} ${attrsText(node.attrs)}`;
      const first = seen.get(key);
      if (!first) seen.set(key, node);
      return first ?? node;
    });
  },
};

/** Attributes as text; nodes that a pass rebuilds on other inputs keep the object. */
const texts = new WeakMap<Attrs, string>();
export function attrsText(attrs: Attrs): string {
  let text = texts.get(attrs);
  if (text === undefined) {
    text = formatAttrs(attrs).sort().join();
    texts.set(attrs, text);
  }
  return text;
}

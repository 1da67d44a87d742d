import { type Graph, makeNode, type Node, rewrite } from '../graph/graph.js';
import type { MatmulAttrs } from '../ops/matmul.js';
import { contiguousOp } from '../ops/movement.js';
import { type Op, opTable } from '../ops/op.js';
import { numel, sameShape } from '../shape.js';
import { identityStrides, viewOf } from './view.js';

/**
 * Makes the copies explicit that kernels need: a product walks the rows of its right operand, a scatter walks
 * rows of all operands. What already lies that way is read in place.
 */
export function legalize(graph: Graph): Graph {
  return rewrite(graph, (node) => {
    switch (node.op.lower.kind) {
      case 'matmul':
        return legalMatmul(node);
      case 'scatter':
        return withInputs(
          node,
          node.inputs.map((input) => (isContiguous(input) ? input : contiguous(input))),
        );
      default:
        return node;
    }
  });
}

function legalMatmul(node: Node): Node {
  const attrs = node.attrs as MatmulAttrs;
  const [a, b] = node.inputs;
  const { strides } = viewOf(b);
  const along = attrs.transposeB ? strides.at(-2)! : strides.at(-1)!;
  if (along === 1 || node.shape.at(-1) === 1) return node;
  const perm = b.shape.map((_, i) => i);
  perm.push(...perm.splice(-2).reverse());
  const turned = attrs.transposeB ? makeNode(opTable().get('transpose')!, [b], { perm }, node.where) : b;
  return { ...node, inputs: [a, contiguous(turned)], attrs: { ...attrs, transposeB: false } };
}

function contiguous(node: Node): Node {
  return makeNode(contiguousOp as unknown as Op, [node], {}, node.where);
}

function withInputs(node: Node, inputs: readonly Node[]): Node {
  return inputs.every((input, i) => input === node.inputs[i]) ? node : { ...node, inputs };
}

function isContiguous(node: Node): boolean {
  const { source, strides, offset } = viewOf(node);
  const own = identityStrides(node.shape);
  const whole = sameShape(source.shape, node.shape) || numel(source.shape) === numel(node.shape);
  return whole && offset === 0 && strides.every((s, i) => node.shape[i] === 1 || s === own[i]);
}

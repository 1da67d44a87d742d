import { constantValue, type Node, rewrite } from '../graph/graph.js';
import { broadcast, build, fill, is } from './build.js';
import type { Pass } from './pass.js';

// Algebra on elementwise ops that keeps every bit (but for the sign of a zero in x + 0): neutral operands,
// signs, and powers of two, which only move the exponent as long as nothing leaves float32's range.
export const simplifyArithmetic: Pass = {
  name: 'simplify-arithmetic',
  run: (graph) => rewrite(graph, (node) => simplified(node) ?? node),
};

function simplified(node: Node): Node | undefined {
  const rule = rules[node.op.name];
  return rule?.(node, node.inputs, node.inputs.map(constantValue));
}

type Rule = (
  node: Node,
  inputs: readonly Node[],
  values: readonly (number | undefined)[],
) => Node | undefined;

const rules: Record<string, Rule> = {
  neg: (_, [x]) => (is(x, 'neg') ? x.inputs[0] : undefined),
  add(node, [x, y], [a, b]) {
    if (b === 0) return like(node, x);
    if (a === 0) return like(node, y);
    if (is(y, 'neg')) return two('sub', node, x, y.inputs[0]);
    if (is(x, 'neg')) return two('sub', node, y, x.inputs[0]);
    return x === y ? scaled(node, x, 2) : undefined;
  },
  sub(node, [x, y], [, b]) {
    if (b === 0) return like(node, x);
    return is(y, 'neg') ? two('add', node, x, y.inputs[0]) : undefined;
  },
  mul(node, [x, y], [a, b]) {
    // The constant to the right, so that the rules below need not look on both sides.
    if (a !== undefined) return b === undefined ? two('mul', node, y, x) : undefined;
    if (b === 1) return like(node, x);
    if (b === -1) return like(node, build('neg', [x], {}, node.where));
    if (is(x, 'neg')) return b === undefined ? outside(node, x.inputs[0], y) : scaled(node, x.inputs[0], -b);
    if (is(y, 'neg')) return outside(node, x, y.inputs[0]);
    const inner = b !== undefined && is(x, 'mul') ? constantValue(x.inputs[1]) : undefined;
    if (node.dtype === 'f32' && inner !== undefined && (isPowerOfTwo(b!) || isPowerOfTwo(inner))) {
      return scaled(node, x.inputs[0], Math.fround(Math.fround(inner) * Math.fround(b!)));
    }
    return undefined;
  },
  div(node, [x, y], [, b]) {
    if (b === 1) return like(node, x);
    if (b !== undefined && isPowerOfTwo(b)) return scaled(node, x, 1 / b);
    if (is(x, 'neg')) return outside(node, x.inputs[0], y);
    return is(y, 'neg') ? outside(node, x, y.inputs[0]) : undefined;
  },
  where(node, [, x, y], [condition]) {
    if (condition !== undefined) return like(node, condition ? x : y);
    return x === y ? like(node, x) : undefined;
  },
};

/** x in the shape of the node that it stands for. */
function like(node: Node, x: Node): Node {
  return broadcast(x, node.shape, node.where);
}

function two(op: string, node: Node, x: Node, y: Node): Node {
  return build(op, [x, y], {}, node.where);
}

/** The node's op on x and y, with the sign that was inside taken out, where a sum may take it up. */
function outside(node: Node, x: Node, y: Node): Node {
  return build('neg', [two(node.op.name, node, x, y)], {}, node.where);
}

function scaled(node: Node, x: Node, by: number): Node {
  return like(node, two('mul', node, x, fill(by, { shape: [], dtype: node.dtype }, node.where)));
}

/** Plus or minus 2^k, with 2^k and 2^-k both normal numbers of float32. */
function isPowerOfTwo(x: number): boolean {
  const k = Math.round(Math.log2(Math.abs(x)));
  return Math.abs(k) <= 126 && Math.abs(x) === 2 ** k;
}

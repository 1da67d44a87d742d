import { constantValue, type Node, rewrite } from '../graph/graph.js';
import { broadcast, build, fill, is } from './build.js';
import type { Pass } from './pass.js';

// Algebra on elementwise ops that keeps every bit for every float32 x and y, denormals, zeros of both signs, Infinity
// and NaN included:
// - x + -0, x - 0, x * 1 and x / 1 are x (x + 0 is not: -0 + 0 is 0); integers have one zero, so x + 0 is x there;
// - signs: -(-x) is x, x + -y is x - y, x - -y is x + y, x * -1 is -x, and -x * y, x / -y and the like are -(x * y),
//   -(x / y), since rounding is the same on both sides of 0;
// - x + x is x * 2, and x / 2^k is x * 2^-k as long as 2^k and 2^-k are normal: both are the same real number,
//   rounded once. (2^-k for k > 126 is denormal, which is slow, or Infinity's reciprocal);
// - x * 2^j * 2^k is x * 2^(j + k) for j, k >= 0 as long as that is finite: growing by a power of two rounds nothing
//   until it overflows, and then both do. Nothing else may be joined: x * 1e30 * 2^40 of a small x is finite where
//   x * (1e30 * 2^40) is not, and x * 2^-70 * 2^-70 rounds twice, or is 0 on the way to x * 2^-100 * 2^100.
export const simplifyArithmetic: Pass = {
  name: 'simplify-arithmetic',
  contract: {
    changes: 'nothing',
    because: 'each rule holds for every float32: see the list above',
  },
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
    if (isNeutral(node, b, -0)) return like(node, x);
    if (isNeutral(node, a, -0)) return like(node, y);
    if (is(y, 'neg')) return two('sub', node, x, y.inputs[0]);
    if (is(x, 'neg')) return two('sub', node, y, x.inputs[0]);
    return x === y ? scaled(node, x, 2) : undefined;
  },
  sub(node, [x, y], [, b]) {
    if (isNeutral(node, b, 0)) return like(node, x);
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
    if (node.dtype !== 'f32' || inner === undefined || !doubles(inner) || !doubles(b!)) return undefined;
    return isPowerOfTwo(inner * b!) ? scaled(node, x.inputs[0], inner * b!) : undefined;
  },
  div(node, [x, y], [, b]) {
    if (b === 1) return like(node, x);
    if (node.dtype === 'f32' && b !== undefined && isPowerOfTwo(b)) return scaled(node, x, 1 / b);
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

/** Whether adding (or subtracting) the constant `by` gives back every x; `zero` is the one of floats that does. */
function isNeutral(node: Node, by: number | undefined, zero: number): boolean {
  return node.dtype === 'f32' ? Object.is(by, zero) : by === 0;
}

/** Plus or minus 2^k for k >= 0, which only moves the exponent up. */
function doubles(x: number): boolean {
  return Math.abs(x) >= 1 && isPowerOfTwo(x);
}

/** Plus or minus 2^k, with 2^k and 2^-k both normal numbers of float32. */
function isPowerOfTwo(x: number): boolean {
  const k = Math.round(Math.log2(Math.abs(x)));
  return Math.abs(k) <= 126 && Math.abs(x) === 2 ** k;
}

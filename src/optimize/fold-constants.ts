import { evaluateNode } from '../graph/evaluate.js';
import { constantValue, makeNode, type Node, rewrite } from '../graph/graph.js';
import type { Value } from '../ops/op.js';
import { numel } from '../shape.js';
import { fill, is, isElementwise } from './build.js';
import type { Pass } from './pass.js';

// Computes what depends on constants of a single value alone, with the ops' reference implementations in
// float32. The result has the rounding of one float32 operation each; a sum is n times the value, rounded once.
export const foldConstants: Pass = {
  name: 'fold-constants',
  contract: {
    changes: 'rounding',
    because:
      'each op is computed as the evaluator does in float32; only the sum of n equal numbers is rounded once, where adding them rounds n times',
  },
  run: (graph) => rewrite(graph, (node) => (is(node, 'constant') ? asFill(node) : folded(node)) ?? node),
};

/** A constant that lists one value many times, as a fill. */
function asFill(node: Node): Node | undefined {
  const values = node.attrs.values as readonly number[];
  const same = values.length > 1 && values.every((v) => Object.is(v, values[0]));
  return same ? fill(values[0], node, node.where) : undefined;
}

function folded(node: Node): Node | undefined {
  const { inputs, where } = node;
  if (inputs.length === 0) return undefined;
  if (is(node, 'reshape') && is(inputs[0], 'constant')) {
    return makeNode(inputs[0].op, [], { ...inputs[0].attrs, shape: node.shape }, where);
  }
  const values = inputs.map(constantValue);
  if (!values.every((value) => value !== undefined)) return undefined;
  const [x] = values;
  if (isElementwise(node)) return fill(scalarResult(node), node, where);
  if (node.op.lower.kind === 'movement') return fill(x, node, where);
  if (is(node, 'pad') && Object.is(x, 0)) return fill(x, node, where);
  if (is(node, 'concat') && values.every((v) => Object.is(v, x))) return fill(x, node, where);
  if (is(node, 'max')) return fill(x, node, where);
  if (is(node, 'sum')) {
    const count = numel((node.attrs.axes as number[]).map((axis) => inputs[0].shape[axis]));
    // Not 0 times the value, which may be infinite or negative.
    if (count === 0) return fill(0, node, where);
    return fill(
      node.dtype === 'i32' ? Math.imul(x, count) : Math.fround(Math.fround(x) * count),
      node,
      where,
    );
  }
  return undefined;
}

/** The op on one element of each fill. */
function scalarResult(node: Node): number {
  const scalars = node.inputs.map((input): Value => {
    const out: Value = {
      shape: [],
      dtype: input.dtype,
      data: input.dtype === 'f32' ? new Float32Array(1) : new Int32Array(1),
    };
    out.data[0] = constantValue(input)!;
    return out;
  });
  return evaluateNode(node, scalars, 'float32').data[0];
}

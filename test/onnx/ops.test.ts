import { describe, expect, it } from 'vitest';
import { evaluateGraph } from '../../src/graph/evaluate.js';
import { fromRoots, makeInput, makeNode, type Node } from '../../src/graph/graph.js';
import { opTable } from '../../src/index.js';
import { onnxOf } from '../../src/onnx/export.js';
import type { Op } from '../../src/ops/op.js';
import { resultOp } from '../../src/ops/results.js';
import { cases, describeCase, fill, type OpCase } from '../ops/cases.js';
import { runOnnx } from './runtime.js';

// Every op of the table, on its cases, by onnxruntime against its reference implementation.

/** Ops that no file has, and why. */
const WITHOUT: Record<string, string> = {
  sum_repeats: 'the compiler makes it, after what is exported',
};
const leaves = ['leaf', 'result'];
const ops = [...opTable().values()].filter(({ lower }) => !leaves.includes(lower.kind));

/** All cases of an op as one graph, each with inputs and outputs of its own. */
function graphOf(op: Op, of: readonly OpCase[]) {
  const inputs: Node[] = [];
  const values: Record<string, ArrayLike<number>> = {};
  const outputs = of.flatMap(({ inputs: given, attrs }, c) => {
    const nodes = given.map((input, i) => {
      const name = `in.${c}.${i}`;
      values[name] = fill(input, i + 1);
      const node = makeInput(name, 'input', input.shape, input.dtype);
      inputs.push(node);
      return node;
    });
    const made = makeNode(op, nodes, attrs);
    const results = made.results
      ? made.results.map((_, index) => makeNode(resultOp as unknown as Op, [made], { index }))
      : [made];
    return results.map((node, k) => ({ name: `out.${c}.${k}`, node }));
  });
  return { graph: fromRoots({ name: op.name, inputs, outputs, updates: [] }), values };
}

describe('ops in ONNX', () => {
  it('are all there but for those that no graph of a step has', () => {
    const missing = ops.filter(({ onnx, lower }) => onnx === undefined && lower.kind !== 'composite');
    expect(missing.map(({ name }) => name)).toEqual(Object.keys(WITHOUT));
  });

  it.each(ops.filter(({ name }) => !(name in WITHOUT)))('$name', async (op) => {
    const all = cases[op.name];
    const { graph, values } = graphOf(op, all);
    const wanted = evaluateGraph(graph, values, {}).outputs;
    const types = Object.fromEntries(
      graph.inputs.map((node) => [(node.attrs as { name: string }).name, node] as const),
    );
    const given = Object.fromEntries(
      Object.entries(values).map(([name, data]) => {
        const { shape, dtype } = types[name];
        return [name, { data, shape, dtype }];
      }),
    );
    const made = await runOnnx(onnxOf(graph, { read: () => [] }), given);
    for (const [name, want] of Object.entries(wanted)) {
      const c = all[Number(name.split('.')[1])];
      const got = made[name];
      const what = `${name}: ${describeCase(c)}`;
      expect([what, [...got.shape]]).toEqual([what, [...want.shape]]);
      const scale = Array.from(want.data).reduce((a, b) => Math.max(a, Math.abs(b)), 1);
      const n = Math.max(1, ...c.inputs.map(({ shape }) => Math.max(1, ...shape)));
      const allowed = want.dtype === 'f32' ? 1e-6 * Math.sqrt(n) * scale : 0;
      const wrong = Array.from(want.data)
        .map((value, i) => ({ i, want: value, got: got.data[i] }))
        .filter(({ want: value, got: x }) => !(Math.abs(x - value) <= allowed));
      expect([what, wrong.slice(0, 5)]).toEqual([what, []]);
    }
  });
});

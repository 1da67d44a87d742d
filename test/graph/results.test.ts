import { describe, expect, it } from 'vitest';
import { graphToDot } from '../../src/graph/dot.js';
import { evaluateGraph } from '../../src/graph/evaluate.js';
import { expandAll } from '../../src/graph/expand.js';
import { type Graph, isInput } from '../../src/graph/graph.js';
import { parseGraph } from '../../src/graph/parse.js';
import { printGraph } from '../../src/graph/print.js';
import { verifyGraph } from '../../src/graph/verify.js';
import { commonSubexpressions } from '../../src/optimize/common-subexpressions.js';
import { dataFor } from '../property/data.js';
import { programOf } from '../property/fuzz.js';
import { traceProgram } from '../property/program.js';

const TEXT = `graph g(x: f32[2,3]) {
  %0 = input "x" : f32[2,3]
  %1 = max_with_index %0 axis=1 : (f32[2,1], i32[2,1])
  %2 = result %1 index=0 : f32[2,1]
  %3 = result %1 index=1 : i32[2,1]
  return most = %2
  return place = %3
}
`;
const graph = parseGraph(TEXT);

describe('a node with several results', () => {
  it('prints its types in parentheses, and reads back', () => {
    expect(printGraph(graph)).toBe(TEXT);
    expect(() => parseGraph(TEXT.replace('i32[2,1])', 'f32[2,1])'))).toThrow(
      'line 3: max_with_index gives (f32[2,1], i32[2,1]), the text says (f32[2,1], f32[2,1])',
    );
    expect(() => parseGraph(TEXT.replace('index=1', 'index=2'))).toThrow(
      'line 5: result: there are 2 results, counted from 0, not 2',
    );
    expect(() => parseGraph(TEXT.replace('result %1 index=1', 'result %0 index=1'))).toThrow(
      'line 5: result: what it reads has one result alone',
    );
  });

  it('is read by nodes `result` alone: the verifier says so', () => {
    const [x, both, most, place] = graph.nodes;
    const sum = {
      ...most,
      op: parseGraph(TEXT.replace('%2 = result %1 index=0', '%2 = sum %0 axes=[1]')).nodes[2].op,
    };
    const broken: Graph = { ...graph, nodes: [x, both, { ...sum, attrs: { axes: [] } }, place], outputs: [] };
    expect(() => verifyGraph(broken, 'a pass')).toThrow(
      'after a pass: only a node result may read one that has several results: %2 = sum %1 axes=[]',
    );
    expect(() => verifyGraph({ ...graph, outputs: [{ name: 'y', node: both }] }, 'a pass')).toThrow(
      'after a pass: output "y" has several results: name one of them',
    );
    const other = { ...both, results: [both.results![0]] };
    expect(() => verifyGraph({ ...graph, nodes: [x, other], outputs: [] }, 'a pass')).toThrow(
      "after a pass: a node's type must be what its op says, (f32[2,1], i32[2,1])",
    );
  });

  it('is computed once, and each of its results once', () => {
    const twice = parseGraph(`graph g(x: f32[3]) {
      %0 = input "x" : f32[3]
      %1 = max_with_index %0 axis=0 : (f32[1], i32[1])
      %2 = max_with_index %0 axis=0 : (f32[1], i32[1])
      %3 = result %1 index=0 : f32[1]
      %4 = result %2 index=0 : f32[1]
      %5 = result %2 index=1 : i32[1]
      %6 = add %3, %4 : f32[1]
      return sum = %6
      return place = %5
    }`);
    const ops = commonSubexpressions.run(twice).nodes.filter((node) => !isInput(node));
    expect(ops.map((node) => node.op.name)).toEqual(['max_with_index', 'result', 'add', 'result']);
  });

  it('is drawn as one box, with edges that say which result they are', () => {
    const dot = graphToDot(graph);
    expect(dot).toContain('n1 [label=<max_with_index axis=1<br/><font point-size="9">(f32[2,1], i32[2,1])');
    expect(dot).toContain('n1 -> out1 [label="1"]');
    expect(dot).not.toContain('result');
  });

  it('means the same written out in the ops that it is made of, bit for bit', () => {
    let composite = 0;
    for (let seed = 0; seed < 60; seed++) {
      const program = programOf(seed);
      const traced = traceProgram(program);
      // References of convolutions and of overlapping windows add the same terms in another order.
      if (traced.nodes.some(({ op }) => /^(convolution|overlap_add)/.test(op.name))) continue;
      const flat = expandAll(traced);
      if (flat !== traced) composite++;
      const [inputs, variables] = [
        dataFor(traced, seed, ['input']),
        dataFor(traced, seed, ['parameter', 'state']),
      ];
      for (const precision of ['float32', 'float64'] as const)
        expect(evaluateGraph(flat, inputs, variables, precision)).toEqual(
          evaluateGraph(traced, inputs, variables, precision),
        );
    }
    expect(composite).toBeGreaterThan(4);
  });
});

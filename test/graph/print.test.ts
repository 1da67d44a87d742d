import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GraphError } from '../../src/errors.js';
import { type Graph, inputAttrs, isInput } from '../../src/graph/graph.js';
import { parseGraph } from '../../src/graph/parse.js';
import { printGraph } from '../../src/graph/print.js';
import { crossEntropy, gather, matmul, tanh } from '../../src/ops/index.js';
import { trace } from '../../src/trace/tracer.js';
import { randomGraph } from './random.js';

const TEXT = `graph names.train(x: i32[4,3], "learning rate": f32[]) {
  %0 = input "x" : i32[4,3]
  %1 = input "learning rate" : f32[]
  %2 = parameter "layers.0.weight" : f32[27,10]
  %3 = state "a \\"quoted\\" # name" : f32[30,5]
  %4 = index %0 size=27 what="gather" : i32[4,3]   # model.ts:12
  %5 = gather %2, %4 : f32[4,3,10]   # model.ts:12
  %6 = reshape %5 : f32[4,30]
  %7 = matmul %6, %3 : f32[4,5]
  %8 = matmul %3, %6 transposeA transposeB : f32[5,4]
  %9 = transpose %8 perm=[1,0] : f32[4,5]
  %10 = constant -0 : f32[]
  %11 = constant [1,0.1,-Infinity,NaN,1e-8] : f32[5]
  %12 = add %7, %11 : f32[4,5]
  %13 = slice %12 starts=[0,2] : f32[2,3]
  %14 = sum %13 axes=[0,1] : f32[1,1]
  %15 = reshape %14 : f32[]
  %16 = cast %0 : f32[4,3]
  %17 = iota : i32[7]
  return loss = %15
  return "a b" = %17
  update "layers.0.weight" = %2
  update "a \\"quoted\\" # name" = %3
}
`;

const withoutPlaces = (text: string) => text.replace(/ {3}# .*$/gm, '');

describe('printGraph', () => {
  it('writes one typed node a line, with the line of the model at the end', () => {
    const graph = trace(
      'demo',
      { x: { shape: [2, 3], dtype: 'f32' }, w: { shape: [3, 4], dtype: 'f32' } },
      ({ x, w }) => ({
        y: tanh(matmul(x, w)).sum(1),
      }),
    );
    expect(printGraph(graph)).toMatch(/%2 = matmul %0, %1 : f32\[2,4\] {3}# print\.test\.ts:\d+\n/);
    expect(withoutPlaces(printGraph(graph))).toMatchInlineSnapshot(`
      "graph demo(x: f32[2,3], w: f32[3,4]) {
        %0 = input "x" : f32[2,3]
        %1 = input "w" : f32[3,4]
        %2 = matmul %0, %1 : f32[2,4]
        %3 = tanh %2 : f32[2,4]
        %4 = sum %3 axes=[1] : f32[2,1]
        %5 = reshape %4 : f32[2]
        return y = %5
      }
      "
    `);
  });
});

describe('parseGraph', () => {
  it('reads back what printGraph wrote: every kind of attribute, odd names, numbers that are none', () => {
    expect(printGraph(parseGraph(TEXT))).toBe(TEXT);
  });

  it('gives the graph that was printed, node for node', () => {
    const graph = trace(
      'demo',
      {
        x: { shape: [2, 3], dtype: 'i32' },
        w: { shape: [9, 4], dtype: 'f32' },
        y: { shape: [2], dtype: 'i32' },
      },
      ({ x, w, y }) => ({
        loss: crossEntropy(gather(w, x).sum(1), y),
      }),
    );
    expect(shape(parseGraph(printGraph(graph)))).toEqual(shape(graph));
  });

  it('reads back any graph', () => {
    fc.assert(
      fc.property(randomGraph(), ({ graph }) => {
        const text = printGraph(graph);
        const parsed = parseGraph(text);
        expect(printGraph(parsed)).toBe(text);
        expect(shape(parsed)).toEqual(shape(graph));
      }),
      { numRuns: 200 },
    );
  });

  it('takes any node names, comments and blank lines', () => {
    const graph = parseGraph(
      '# a comment\n\ngraph g(x: f32[2]) {\n %x = input "x" : f32[2]\n %h.1 = tanh %x : f32[2]\n return y = %h.1\n}\n',
    );
    expect(printGraph(graph)).toBe(
      'graph g(x: f32[2]) {\n  %0 = input "x" : f32[2]\n  %1 = tanh %0 : f32[2]\n  return y = %1\n}\n',
    );
  });

  const line = (text: string) => `graph g(x: f32[2]) {\n  %0 = input "x" : f32[2]\n  ${text}\n}\n`;
  it.each([
    ['', 'the text ends before the closing brace'],
    ['graph g(', 'line 1: expected a name, got the end of the line'],
    [
      'graph g(y: f32[2]) {\n%0 = input "x" : f32[2]\n}',
      'line 1: the signature (y: f32[2]) is not that of the inputs (x: f32[2])',
    ],
    [line('%1 = tan %0 : f32[2]'), 'line 3: there is no op tan'],
    [line('%1 = tanh %2 : f32[2]'), 'line 3: %2 is not defined above'],
    [line('%0 = tanh %0 : f32[2]'), 'line 3: %0 is defined twice'],
    [line('%1 = tanh %0 : f32[3]'), 'line 3: tanh gives f32[2], the text says f32[3]'],
    [line('%1 = tanh %0 : f64[2]'), 'line 3: f64 is no dtype: f32, i32 or bool'],
    [line('%1 = tanh %0'), 'line 3: expected :, got the end of the line'],
    [line('%1 = sum %0 axes=[0 : f32[1]'), 'line 3: expected ], got :'],
    [line('%1 = constant x : f32[]'), 'line 3: expected a number, got x'],
    [line('%1 = tanh %0 : f32[2] more'), 'line 3: expected the end of the line, got more'],
    [line('update "w" = %0'), 'line 3: no parameter or state is called "w"'],
    [`${line('return y = %0')}}`, 'line 5: nothing may follow the closing brace, got }'],
  ])('names the line and what it expected there: %j', (text, message) => {
    expect(() => parseGraph(text)).toThrow(new GraphError(message));
  });

  it('passes on what an op says of its inputs, with the line', () => {
    const text =
      'graph g(x: f32[2], y: f32[3]) {\n%0 = input "x" : f32[2]\n%1 = input "y" : f32[3]\n%2 = add %0, %1 : f32[3]\n}';
    expect(() => parseGraph(text)).toThrow(/^line 4: add: shapes do not broadcast: \[2\] and \[3\]/);
  });
});

/** A graph as plain data, with numbers for nodes. */
function shape(graph: Graph): unknown {
  const at = new Map(graph.nodes.map((node, i) => [node, i]));
  return {
    name: graph.name,
    inputs: graph.inputs.map((node) => at.get(node)),
    nodes: graph.nodes.map((node) => ({
      op: node.op.name,
      attrs: isInput(node) ? inputAttrs(node) : node.attrs,
      type: [node.dtype, ...node.shape],
      inputs: node.inputs.map((input) => at.get(input)),
      where: node.where,
    })),
    outputs: graph.outputs.map(({ name, node }) => [name, at.get(node)]),
    updates: graph.updates.map(({ variable, value }) => [at.get(variable), at.get(value)]),
  };
}

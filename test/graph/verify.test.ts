import { describe, expect, it } from 'vitest';
import { type Graph, makeInput, makeNode, type Node } from '../../src/graph/graph.js';
import { verifyGraph } from '../../src/graph/verify.js';
import { opTable } from '../../src/ops/index.js';
import type { Attrs } from '../../src/ops/op.js';

const make = (op: string, inputs: Node[], attrs: Attrs = {}) =>
  makeNode(opTable().get(op)!, inputs, attrs, 'model.ts:3');
const x = makeInput('x', 'input', [2], 'f32');
const w = makeInput('w', 'parameter', [2], 'f32');
const sum = make('add', [x, w]);
const big = make('broadcast', [x], { shape: [3, 2] });

const good: Graph = {
  name: 'g',
  inputs: [x, w],
  nodes: [x, w, sum],
  outputs: [{ name: 'y', node: sum }],
  updates: [{ variable: w, value: sum }],
};

describe('verifyGraph', () => {
  it('says nothing of a good graph', () => {
    expect(() => verifyGraph(good, 'tracing')).not.toThrow();
  });

  const two = makeInput('x', 'input', [], 'f32');
  it.each<[string, Partial<Graph>]>([
    [
      "a node's type must be what its op says, f32[2]: %2 = add %0, %1 : f32[4]   # model.ts:3",
      { nodes: [x, w, { ...sum, shape: [4] }] },
    ],
    ['a node must stand after its inputs: %1 = add %0, %2 : f32[2]   # model.ts:3', { nodes: [x, sum, w] }],
    [
      'a node reads one that is not of this graph: %1 = add %0, ? : f32[2]   # model.ts:3',
      { nodes: [x, sum], inputs: [x] },
    ],
    [
      'a node stands twice in the graph: %3 = add %0, %1 : f32[2]   # model.ts:3',
      { nodes: [x, w, sum, sum] },
    ],
    [
      'the op refuses its inputs (broadcast: shapes do not broadcast: [2] and [3]): %2 = broadcast %0 shape=[3] : f32[2]   # model.ts:3',
      { nodes: [x, w, { ...sum, op: opTable().get('broadcast')!, inputs: [x], attrs: { shape: [3] } }] },
    ],
    [
      'a constant has one value, or one for each element: %3 = constant [1,2] : f32[3]   # model.ts:3',
      { nodes: [x, w, sum, make('constant', [], { values: [1, 2], shape: [3], dtype: 'f32' })] },
    ],
    ['an input must be in the list of inputs: %1 = parameter "w" : f32[2]', { inputs: [x] }],
    ['an input must be one of the nodes: ? = input "x" : f32[]', { inputs: [x, w, two] }],
    [
      'the list of inputs holds a node that is computed: %2 = add %0, %1 : f32[2]   # model.ts:3',
      { inputs: [x, w, sum] },
    ],
    ['two inputs are called "x"', { nodes: [x, w, two, sum], inputs: [x, w, two] }],
    [
      'two outputs are called "y"',
      {
        outputs: [
          { name: 'y', node: sum },
          { name: 'y', node: x },
        ],
      },
    ],
    [
      'output "y" is not one of the nodes: ? = broadcast %0 : f32[3,2]   # model.ts:3',
      { outputs: [{ name: 'y', node: big }] },
    ],
    [
      'an update must be of a parameter or a state: %0 = input "x" : f32[2]',
      { updates: [{ variable: x, value: sum }] },
    ],
    [
      'the update of "w" must be f32[2]: %3 = broadcast %0 : f32[3,2]   # model.ts:3',
      { nodes: [x, w, sum, big], updates: [{ variable: w, value: big }] },
    ],
    [
      'the update of "w" is not one of the nodes: ? = broadcast %0 : f32[3,2]   # model.ts:3',
      { updates: [{ variable: w, value: big }] },
    ],
    [
      'a variable is updated twice: %1 = parameter "w" : f32[2]',
      {
        updates: [
          { variable: w, value: sum },
          { variable: w, value: x },
        ],
      },
    ],
  ])('names the rule, the pass and the node: %s', (message, wrong) => {
    expect(messageOf({ ...good, ...wrong })).toBe(`after some-pass: ${message}`);
  });
});

/** What the verifier says, without the line of this file that an op's own message ends with. */
function messageOf(graph: Graph): string {
  try {
    verifyGraph(graph, 'some-pass');
  } catch (error) {
    return (error as Error).message.replace(/ \(verify\.test\.ts:\d+\)/, '');
  }
  return '';
}

import { describe, expect, it } from 'vitest';
import { graphToDot } from '../../src/graph/dot.js';
import { parseGraph } from '../../src/graph/parse.js';

const graph = parseGraph(`
graph small(x: i32[2], learning_rate: f32[]) {
  %0 = input "x" : i32[2]
  %1 = input "learning_rate" : f32[]
  %2 = parameter "a<b" : f32[9,4]
  %3 = index %0 size=9 what="gather" : i32[2]
  %4 = gather %2, %3 : f32[2,4]
  %5 = constant 0.3333333333333333 : f32[]
  %6 = mul %4, %5 : f32[2,4]
  %7 = sum %6 axes=[0,1] : f32[1,1]
  %8 = mul %2, %1 : f32[9,4]
  %9 = sub %2, %8 : f32[9,4]
  return loss = %7
  return third = %5
  update "a<b" = %9
}`);

describe('graphToDot', () => {
  const dot = graphToDot(graph);

  it('labels a box with op, attributes and type, and writes single numbers into it', () => {
    expect(dot).toContain('n6 [label=<mul(_, 0.3333)<br/><font point-size="9">f32[2,4]</font>>');
    expect(dot).toContain('n7 [label=<sum axes=[0,1]<br/>');
    expect(dot).toContain('n8 [label=<mul(_, learning_rate)<br/>');
    expect(dot).not.toMatch(/^ {2}n[135] /m);
  });

  it('escapes names', () => {
    expect(dot).toContain('[label=<a&lt;b<br/>');
    expect(dot).toContain("[label=<a&lt;b'>");
  });

  it('draws edges past markers, and dashed ones into the new values of variables', () => {
    expect([...dot.matchAll(/(\w+ -> \w+)( \[style=dashed\])?$/gm)].map((m) => m[0])).toEqual([
      'n2 -> n4',
      'n0 -> n4',
      'n4 -> n6',
      'n6 -> n7',
      'n2 -> n8',
      'n8 -> n9',
      'n7 -> out0',
      'n9 -> update0 [style=dashed]',
    ]);
    expect(dot).toContain('out1 [label=<third = 0.3333>');
  });

  it('has Graphviz draw a large graph quickly, and only that', () => {
    // Each box has edges from the two before it.
    const lines = Array.from({ length: 700 }, (_, i) => `  %${i + 2} = add %${i}, %${i + 1} : f32[2]`);
    const large = parseGraph(
      `graph large(x: f32[2], y: f32[2]) {
  %0 = input "x" : f32[2]
  %1 = input "y" : f32[2]
${lines.join('\n')}
  return out = %701
}`,
    );
    expect(graphToDot(large)).toContain('  graph [nslimit=1 nslimit1=1 mclimit=0.1 splines=line]');
    expect(dot).not.toContain('nslimit');
  });
});

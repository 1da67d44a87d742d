import { describe, expect, it } from 'vitest';
import { printGraph } from '../../src/graph/print.js';
import { demands, stagesOf } from '../../src/kernels/stages.js';
import { needsCopy, viewOf } from '../../src/kernels/view.js';
import { legalize } from '../../src/schedule/legalize.js';
import { schedule } from '../../src/schedule/schedule.js';
import { dropUnitReductions } from '../../src/schedule/unit-reductions.js';
import { reshapeStrides } from '../../src/shape.js';
import { accessText, graphOf, namer } from '../schedule/text.js';

describe('views', () => {
  it('are the source, where it begins and the strides of each axis', () => {
    const graph = graphOf(`
      %x = input "x" : f32[4,6]
      %1 = transpose %x perm=[1,0] : f32[6,4]
      %2 = slice %1 starts=[2,1] : f32[3,2]
      %3 = broadcast %2 : f32[5,3,2]
      %4 = reshape %x : f32[2,2,6]
      %5 = slice %4 starts=[1,0,3] : f32[1,2,3]
      %6 = reshape %5 : f32[2,3]
      %7 = reshape %6 : f32[6]
      %8 = stop_gradient %7 : f32[6]
      %9 = reshape %1 : f32[24]
      return a = %3
      return b = %8
      return c = %9`);
    const name = namer(graph);
    const text = graph.nodes.map(
      (node) => `${name(node)}: ${accessText(name, viewOf(node))}${needsCopy(node) ? ' copied' : ''}`,
    );
    expect(text.join('\n')).toMatchInlineSnapshot(`
      "%0 input: %0 input [6,1]
      %1 transpose: %0 input [1,6]
      %2 slice: %0 input + 8 [1,6]
      %3 broadcast: %0 input + 8 [0,1,6]
      %4 reshape: %0 input [12,6,1]
      %5 slice: %0 input + 15 [12,6,1]
      %6 reshape: %0 input + 15 [6,1]
      %7 reshape: %7 reshape [1] copied
      %8 stop_gradient: %7 reshape [1]
      %9 reshape: %9 reshape [1] copied"
    `);
  });

  it.each([
    [[4, 6], [6, 1], [24], [1]],
    [[4, 6], [1, 4], [24], null],
    [[24], [2], [4, 6], [12, 2]],
    [
      [4, 6],
      [6, 1],
      [2, 2, 3, 2],
      [12, 6, 2, 1],
    ],
    [
      [4, 6],
      [12, 1],
      [2, 2, 6],
      [24, 12, 1],
    ],
    [[4, 6], [12, 1], [8, 3], [6, 3].map(() => Number.NaN)],
    [[2, 1, 3], [3, 99, 1], [6], [1]],
    [[1], [5], [1, 1], [0, 0]],
    [
      [4, 6],
      [0, 1],
      [2, 2, 6],
      [0, 0, 1],
    ],
    [[4, 6], [6, 1], [23], null],
    [
      [0, 3],
      [3, 1],
      [3, 0],
      [0, 0],
    ],
  ])('of %j with strides %j, reshaped to %j, have strides %j', (from, strides, to, expected) => {
    const wanted = expected?.some(Number.isNaN) ? null : expected;
    expect(reshapeStrides(from, strides, to)).toEqual(wanted);
  });
});

describe('legalize', () => {
  it('copies what a scatter cannot walk row by row', () => {
    const text = (graph: ReturnType<typeof graphOf>) =>
      printGraph(graph)
        .split('\n')
        .filter((line) => /contiguous|scatter/.test(line))
        .map((line) => line.trim())
        .join('\n');
    const graph = graphOf(`
      %t = input "t" : f32[5,3]
      %u = input "u" : f32[3,2]
      %v = input "v" : f32[4,3]
      %i = input "i" : i32[2]
      %0 = index %i size=5 what="gather" : i32[2]
      %1 = transpose %u perm=[1,0] : f32[2,3]
      %2 = slice %v starts=[0,0] : f32[2,3]
      %3 = slice %v starts=[2,0] : f32[2,3]
      %4 = reshape %u : f32[2,3]
      %5 = scatter_add %t, %0, %1 : f32[5,3]
      %6 = scatter_add %t, %0, %2 : f32[5,3]
      %7 = scatter_add %t, %0, %3 : f32[5,3]
      %8 = scatter_add %t, %0, %4 : f32[5,3]
      return a = %5
      return b = %6
      return c = %7
      return d = %8`);
    expect(text(legalize(graph))).toMatchInlineSnapshot(`
      "%6 = contiguous %5 : f32[2,3]
      %8 = scatter_add %0, %4, %7 distinct : f32[5,3]
      %10 = contiguous %9 : f32[2,3]
      %12 = scatter_add %0, %4, %11 distinct : f32[5,3]
      %14 = contiguous %13 : f32[2,3]
      %16 = scatter_add %0, %4, %15 distinct : f32[5,3]
      %19 = scatter_add %0, %4, %18 distinct : f32[5,3]"
    `);
  });

  it('drops reductions over axes of one element alone', () => {
    const graph = graphOf(`
      %x = input "x" : f32[4,1,3]
      %1 = sum %x axes=[1] : f32[4,1,3]
      %2 = max %1 axes=[1,2] : f32[4,1,1]
      return a = %2`);
    expect(printGraph(dropUnitReductions(graph))).toMatchInlineSnapshot(`
      "graph g(x: f32[4,1,3]) {
        %0 = input "x" : f32[4,1,3]
        %1 = max %0 axes=[1,2] : f32[4,1,1]
        return a = %1
      }
      "
    `);
  });
});

describe('stages', () => {
  const text = `
      %x = input "x" : f32[4,8]
      %1 = max %x axes=[1] : f32[4,1]
      %2 = sub %x, %1 : f32[4,8]
      %3 = exp %2 : f32[4,8]
      %4 = sum %3 axes=[1] : f32[4,1]
      %5 = log %4 : f32[4,1]
      %6 = sub %2, %5 : f32[4,8]
      %7 = div %3, %4 : f32[4,8]
      %8 = add %5, %1 : f32[4,1]
      return a = %6
      return b = %7
      return c = %8`;

  it('run the loops once for each reduction that later elements wait for', () => {
    const graph = graphOf(text);
    const name = namer(graph);
    const [kernel, ...others] = schedule(graph).kernels;
    expect(others).toEqual([]);
    if (kernel.kind !== 'nest') throw new Error('softmax is a nest');
    const { count, of } = stagesOf(kernel);
    const line = (stage: number) =>
      kernel.members.filter((m) => of.get(m.node) === stage).map((m) => `${name(m.node)} (${m.level})`);
    const lines = Array.from({ length: count }, (_, stage) => `${stage}: ${line(stage).join(', ')}`);
    const needed = demands(kernel, new Set(kernel.stores)).map(
      (nodes, stage) => `${stage} computes ${[...nodes].map(name).join(', ')}`,
    );
    const stored = `stores ${kernel.stores.map(name).join(', ')}`;
    expect([...lines, ...needed, stored].join('\n')).toMatchInlineSnapshot(`
      "0: %1 max (reduce)
      1: %2 sub (element), %3 exp (element), %4 sum (reduce)
      2: %5 log (row), %6 sub (element), %7 div (element), %8 add (row)
      0 computes 
      1 computes %3 exp, %2 sub
      2 computes %6 sub, %2 sub, %7 div, %3 exp
      stores %3 exp, %6 sub, %7 div, %8 add"
    `);
  });
});

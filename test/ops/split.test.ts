import { describe, expect, it } from 'vitest';
import { printGraph } from '../../src/graph/print.js';
import { compileFunction, grad, gradients, type Tensor, tensor, trace } from '../../src/index.js';
import { chunk, split } from '../../src/ops/index.js';
import type { Eager } from '../../src/tape/tape.js';
import { f32 } from '../../src/train/step.js';

const numbers = (x: Tensor) => Array.from((x as Eager).data);

describe('split', () => {
  const x = tensor([
    [1, 2, 3, 4],
    [5, 6, 7, 8],
  ]);

  it('cuts a tensor along an axis, by sizes, by one size, or into equal parts', () => {
    expect(split(x, [1, 3], 1).map(numbers)).toEqual([
      [1, 5],
      [2, 3, 4, 6, 7, 8],
    ]);
    expect(split(x, 3, -1).map(({ shape }) => shape)).toEqual([
      [2, 3],
      [2, 1],
    ]);
    expect(x.chunk(2).map(numbers)).toEqual([
      [1, 2, 3, 4],
      [5, 6, 7, 8],
    ]);
    expect(split(x, [2])).toEqual([x]);
  });

  it('joins the gradients of all parts, zeros for those that nothing depends on', () => {
    const f = (x: Tensor) => {
      const [a, , c] = split(x, [2, 1, 3]);
      return a.square().sum().add(c.mul(3).sum());
    };
    expect(grad(f)([1, 2, 3, 4, 5, 6])).toEqual([2, 4, 0, 3, 3, 3]);
    const graph = trace('f', { x: f32(6) }, ({ x }) => ({ g: gradients(f(x), [x])[0]! }));
    expect(graph.nodes.filter((node) => ['pad', 'add'].includes(node.op.name)).map((n) => n.op.name)).toEqual(
      ['add'],
    );
    expect(graph.nodes.filter((node) => node.op.name === 'concat')).toHaveLength(1);
  });

  it('compiles to views: its parts need no kernel', async () => {
    const graph = trace('gate', { x: f32(5, 8) }, ({ x }) => {
      const [a, b] = chunk(x, 2, 1);
      return { y: a.mul(b.sigmoid()) };
    });
    expect(printGraph(graph)).toMatch(/%1 = split %0 axis=1 sizes=\[4,4\] : \(f32\[5,4\], f32\[5,4\]\)/);
    const compiled = await compileFunction(graph);
    expect(compiled.module.schedules.call.kernels).toHaveLength(1);
    await compiled.close();
  });

  it('says what does not go together', () => {
    expect(() => split(x, [1, 2], 1)).toThrow(
      /^split: sizes \[1, 2\] must add up to the 4 of axis 1 of \[2, 4\]/,
    );
    expect(() => split(x, 0)).toThrow(
      /^split: expected a whole number of elements from 1 for each part, got 0/,
    );
    expect(() => chunk(x, 3, 1)).toThrow(/^chunk: \[2, 4\] does not divide into 3 parts along axis 1/);
    expect(() => chunk(x, 0)).toThrow(/^chunk: expected a whole number of parts from 1, got 0/);
    expect(() => split(x, undefined as never)).toThrow(/^split: /);
  });
});

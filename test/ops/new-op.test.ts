import { describe, expect, it } from 'vitest';
import { integerBounds } from '../../src/graph/integers.js';
import { parseGraph } from '../../src/graph/parse.js';
import { printGraph } from '../../src/graph/print.js';
import { compileFunction, f32, grad, mul, type Tensor, trace } from '../../src/index.js';
import { rising } from '../../src/ops/interval.js';
import { unary } from '../../src/ops/pointwise.js';
import { apply, toTensor } from '../../src/ops/tensor.js';
import { commonSubexpressions } from '../../src/optimize/common-subexpressions.js';

// An elementwise op is one object: everything that is done with ops is done with one that is defined here.

const op = unary('cube', {
  cost: 2,
  interval: rising((x) => x ** 3),
  emit: (x) => `f32x4.mul(f32x4.mul(${x}, ${x}), ${x})`,
  loop(x, out) {
    for (let i = 0; i < out.length; i++) out[i] = x[i] ** 3;
  },
  vjp: ({ cotangent: g, inputs: [x] }) => mul(g, mul(3, mul(x, x))),
});
const cube = (x: Tensor | number) => apply(op, [toTensor(x)], {});

describe('an op that is one object', () => {
  const graph = trace('g', { x: f32(5) }, ({ x }) => ({
    y: cube(x).add(cube(x)).sum(),
    z: cube(x.clamp(-2, 2)),
  }));

  it('is differentiated on the tape, again and again', () => {
    expect(grad((x) => cube(x))(2)).toBe(12);
    expect(grad((x) => grad((t: Tensor) => cube(t))(x) as Tensor)(2)).toBe(12);
  });

  it('is traced, printed, read back, and computed once where it stands twice', () => {
    const text = printGraph(graph, { where: false });
    expect(text).toContain('= cube %0 : f32[5]');
    expect(printGraph(parseGraph(text), { where: false })).toBe(text);
    const shared = commonSubexpressions.run(graph).nodes.filter((node) => node.op.name === 'cube');
    expect(shared).toHaveLength(2);
  });

  it('is bounded', () => {
    const z = graph.outputs[1].node;
    const { lo, hi } = integerBounds(graph.nodes).get(z)!;
    expect([Math.round(lo), Math.round(hi)]).toEqual([-8, 8]);
  });

  it('is compiled, fused with its neighbours', async () => {
    const compiled = await compileFunction(graph);
    const { y, z } = compiled.call({ x: Float32Array.of(1, 2, -1, 0.5, 3) });
    expect([...y]).toEqual([2 * (1 + 8 - 1 + 0.125 + 27)]);
    expect([...z]).toEqual([1, 8, -1, 0.125, 8]);
    await compiled.close();
  });
});

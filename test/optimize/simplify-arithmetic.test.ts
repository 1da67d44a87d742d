import { describe, expect, it } from 'vitest';
import { evaluateGraph } from '../../src/graph/evaluate.js';
import type { Graph } from '../../src/graph/graph.js';
import { f32, type Tensor, trace } from '../../src/index.js';
import { toTensor } from '../../src/ops/tensor.js';
import { optimize } from '../../src/optimize/index.js';
import { simplifyArithmetic } from '../../src/optimize/simplify-arithmetic.js';
import { numbersOfEveryKind } from '../graph/float32.js';
import { after } from './text.js';

describe('simplify-arithmetic', () => {
  it('drops neutral operands', () => {
    const before = `
      %x = input "x" : f32[2,3]
      %y = input "y" : f32[2,3]
      %0 = constant 0 : f32[]
      %1 = constant 1 : f32[]
      %m = constant -0 : f32[]
      %2 = mul %x, %1 : f32[2,3]
      %3 = add %2, %m : f32[2,3]
      %4 = add %m, %3 : f32[2,3]
      %5 = sub %4, %0 : f32[2,3]
      %6 = div %5, %1 : f32[2,3]
      %7 = mul %1, %6 : f32[2,3]
      return y = %7`;
    expect(after(simplifyArithmetic, before)).toMatchInlineSnapshot(`
      "%2 = constant 1 : f32[]
      %3 = mul %0, %2 : f32[2,3]
      return y = %3"
    `);
  });

  it('broadcasts what is left where the neutral operand was larger', () => {
    const before = `
      %x = input "x" : f32[]
      %0 = constant -0 : f32[2,3]
      %1 = add %x, %0 : f32[2,3]
      return y = %1`;
    expect(after(simplifyArithmetic, before)).toMatchInlineSnapshot(`
      "%1 = broadcast %0 : f32[2,3]
      return y = %1"
    `);
  });

  it('does not take 0 times x for 0, nor 0 - x for neg x', () => {
    const before = `
      %x = input "x" : f32[2,3]
      %y = input "y" : f32[2,3]
      %0 = constant 0 : f32[]
      %1 = mul %x, %0 : f32[2,3]
      %2 = sub %0, %y : f32[2,3]
      return a = %1
      return b = %2`;
    expect(after(simplifyArithmetic, before)).toMatchInlineSnapshot(`
      "%2 = constant 0 : f32[]
      %3 = mul %0, %2 : f32[2,3]
      %4 = sub %2, %1 : f32[2,3]
      return a = %3
      return b = %4"
    `);
  });

  it('joins signs with sums', () => {
    const before = `
      %x = input "x" : f32[2,3]
      %y = input "y" : f32[2,3]
      %1 = neg %x : f32[2,3]
      %2 = neg %1 : f32[2,3]
      %3 = add %y, %1 : f32[2,3]
      %4 = add %1, %y : f32[2,3]
      %5 = sub %y, %1 : f32[2,3]
      return a = %2
      return b = %3
      return c = %4
      return d = %5`;
    expect(after(simplifyArithmetic, before)).toMatchInlineSnapshot(`
      "%2 = sub %1, %0 : f32[2,3]
      %3 = sub %1, %0 : f32[2,3]
      %4 = add %1, %0 : f32[2,3]
      return a = %0
      return b = %2
      return c = %3
      return d = %4"
    `);
  });

  it('moves signs out of products, and into constants', () => {
    const before = `
      %x = input "x" : f32[2,3]
      %y = input "y" : f32[2,3]
      %c = constant 0.3 : f32[]
      %m = constant -1 : f32[]
      %1 = neg %x : f32[2,3]
      %2 = mul %1, %y : f32[2,3]
      %3 = div %y, %1 : f32[2,3]
      %4 = mul %c, %1 : f32[2,3]
      %5 = mul %x, %m : f32[2,3]
      return a = %2
      return b = %3
      return c = %4
      return d = %5`;
    expect(after(simplifyArithmetic, before)).toMatchInlineSnapshot(`
      "%2 = mul %0, %1 : f32[2,3]
      %3 = neg %2 : f32[2,3]
      %4 = div %1, %0 : f32[2,3]
      %5 = neg %4 : f32[2,3]
      %6 = neg %0 : f32[2,3]
      %7 = constant 0.3 : f32[]
      %8 = mul %6, %7 : f32[2,3]
      %9 = neg %0 : f32[2,3]
      return a = %3
      return b = %5
      return c = %8
      return d = %9"
    `);
  });

  it('divides by a power of two by multiplying, by others not', () => {
    const before = `
      %x = input "x" : f32[2,3]
      %y = input "y" : f32[2,3]
      %1 = constant 8 : f32[]
      %2 = div %x, %1 : f32[2,3]
      %3 = constant 3 : f32[]
      %4 = div %x, %3 : f32[2,3]
      %5 = constant 1e-39 : f32[]
      %6 = div %x, %5 : f32[2,3]
      return a = %2
      return b = %4
      return c = %6`;
    expect(after(simplifyArithmetic, before)).toMatchInlineSnapshot(`
      "%2 = constant 0.125 : f32[]
      %3 = mul %0, %2 : f32[2,3]
      %4 = constant 3 : f32[]
      %5 = div %0, %4 : f32[2,3]
      %6 = constant 1e-39 : f32[]
      %7 = div %0, %6 : f32[2,3]
      return a = %3
      return b = %5
      return c = %7"
    `);
  });

  it('keeps what has another result at -0', () => {
    const before = `
      %x = input "x" : f32[2,3]
      %n = input "n" : i32[2,3]
      %0 = constant 0 : f32[]
      %1 = constant -0 : f32[]
      %z = constant 0 : i32[]
      %2 = add %x, %0 : f32[2,3]
      %3 = sub %x, %1 : f32[2,3]
      %4 = add %n, %z : i32[2,3]
      return a = %2
      return b = %3
      return c = %4`;
    expect(after(simplifyArithmetic, before)).toMatchInlineSnapshot(`
      "%2 = constant 0 : f32[]
      %3 = add %0, %2 : f32[2,3]
      %4 = constant -0 : f32[]
      %5 = sub %0, %4 : f32[2,3]
      return a = %3
      return b = %5
      return c = %1"
    `);
  });

  it('joins factors that are powers of two from 1 up, and no others', () => {
    const before = `
      %x = input "x" : f32[2,3]
      %1 = constant 4 : f32[]
      %2 = constant -8 : f32[]
      %3 = constant 0.5 : f32[]
      %4 = constant 0.1 : f32[]
      %5 = mul %x, %1 : f32[2,3]
      %6 = mul %5, %2 : f32[2,3]
      %7 = mul %5, %3 : f32[2,3]
      %8 = mul %5, %4 : f32[2,3]
      return a = %6
      return b = %7
      return c = %8`;
    expect(after(simplifyArithmetic, before)).toMatchInlineSnapshot(`
      "%1 = constant -32 : f32[]
      %2 = mul %0, %1 : f32[2,3]
      %3 = constant 4 : f32[]
      %4 = mul %0, %3 : f32[2,3]
      %5 = constant 0.5 : f32[]
      %6 = mul %4, %5 : f32[2,3]
      %7 = constant 0.1 : f32[]
      %8 = mul %4, %7 : f32[2,3]
      return a = %2
      return b = %6
      return c = %8"
    `);
  });

  it('divides by 2^k as long as 2^k and 2^-k are both normal numbers', () => {
    for (const [k, op] of [
      ...[
        [126, 'mul'],
        [-126, 'mul'],
        [127, 'div'],
        [-127, 'div'],
        [-140, 'div'],
        [-149, 'div'],
      ],
    ] as const) {
      const before = `
      %x = input "x" : f32[2,3]
      %1 = constant ${2 ** k} : f32[]
      %2 = div %x, %1 : f32[2,3]
      return y = %2`;
      expect(after(simplifyArithmetic, before), `x / 2^${k}`).toContain(op === 'mul' ? `${2 ** -k}` : 'div ');
    }
  });

  it('doubles instead of adding a tensor to itself', () => {
    const before = `
      %x = input "x" : f32[2,3]
      %y = input "y" : f32[2,3]
      %1 = add %x, %x : f32[2,3]
      return y = %1`;
    expect(after(simplifyArithmetic, before)).toMatchInlineSnapshot(`
      "%2 = constant 2 : f32[]
      %3 = mul %0, %2 : f32[2,3]
      return y = %3"
    `);
  });

  it('chooses where the condition is known or makes no difference', () => {
    const before = `
      %x = input "x" : f32[2,3]
      %y = input "y" : f32[2,3]
      %0 = constant 1 : bool[]
      %1 = where %0, %x, %y : f32[2,3]
      %2 = less %x, %y : bool[2,3]
      %3 = where %2, %y, %y : f32[2,3]
      return a = %1
      return b = %3`;
    expect(after(simplifyArithmetic, before)).toMatchInlineSnapshot(`
      "return a = %0
      return b = %1"
    `);
  });

  it.each(
    Object.entries({
      'x * 1e30 * 2^40': (x) => x.mul(1e30).mul(2 ** 40),
      'x * 2^40 * 1e30': (x) => x.mul(2 ** 40).mul(1e30),
      'x * 1e-30 * 1e30': (x) => x.mul(1e-30).mul(1e30),
      'x * 2^-100 * 2^100': (x) => x.mul(2 ** -100).mul(2 ** 100),
      'x * 2^100 * 2^-100': (x) => x.mul(2 ** 100).mul(2 ** -100),
      'x * 2^-70 * 2^-70': (x) => x.mul(2 ** -70).mul(2 ** -70),
      'x * 2^70 * 2^57': (x) => x.mul(2 ** 70).mul(2 ** 57),
      'x * 2^70 * -2^70': (x) => x.mul(2 ** 70).mul(-(2 ** 70)),
      'x * 0.1 * 0.5': (x) => x.mul(0.1).mul(0.5),
      'x * 0.1 * 2': (x) => x.mul(0.1).mul(2),
      'x * 0 * 2^40': (x) => x.mul(0).mul(2 ** 40),
      'x / 2^126': (x) => x.div(2 ** 126),
      'x / 2^-126': (x) => x.div(2 ** -126),
      'x / 2^127': (x) => x.div(2 ** 127),
      'x / 2^-140': (x) => x.div(2 ** -140),
      'x / -2^-149': (x) => x.div(-(2 ** -149)),
      'x / 1e30 / 1e-30': (x) => x.div(1e30).div(1e-30),
      'x / 3 / 8': (x) => x.div(3).div(8),
      'x + 0': (x) => x.add(0),
      '-0 + x': (x) => toTensor(-0).add(x),
      'x - 0': (x) => x.sub(0),
      'x - -0': (x) => x.sub(-0),
      '0 - x': (x) => toTensor(0).sub(x),
      'x - x': (x) => x.sub(x),
      'x + x': (x) => x.add(x),
      'x + x + x + x': (x) => x.add(x).add(x.add(x)),
      '-x * -1': (x) => x.neg().mul(-1),
      '-x / 3': (x) => x.neg().div(3),
      '3 / -x': (x) => toTensor(3).div(x.neg()),
      '-x * 1e30': (x) => x.neg().mul(1e30),
      '-(-x)': (x) => x.neg().neg(),
      'x - -x': (x) => x.sub(x.neg()),
      '-x + x': (x) => x.neg().add(x),
      'x * 1': (x) => x.mul(1),
      'x / 1': (x) => x.div(1),
      'x * 0': (x) => x.mul(0),
      '0 / x': (x) => toTensor(0).div(x),
    } satisfies Record<string, (x: Tensor) => Tensor>),
  )('keeps every bit of %s for numbers of every kind, alone and among all passes', (_, f) => {
    const graph = trace('f', { x: f32(numbers.length) }, ({ x }) => ({ y: f(x) }));
    const bits = (g: Graph) => {
      const { data } = evaluateGraph(g, { x: numbers }, {}, 'float32').outputs.y;
      return new Int32Array(Float32Array.from(data, (v) => (Number.isNaN(v) ? Number.NaN : v)).buffer);
    };
    const want = bits(graph);
    for (const made of [simplifyArithmetic.run(graph), optimize(graph)]) {
      const got = bits(made);
      const off = want.findIndex((w, i) => w !== got[i]);
      expect(off < 0 ? 'the same' : `another result at x = ${numbers[off]}`).toBe('the same');
    }
  });
});

const numbers = numbersOfEveryKind();

import { describe, expect, it } from 'vitest';
import { simplifyArithmetic } from '../../src/optimize/simplify-arithmetic.js';
import { after } from './text.js';

describe('simplify-arithmetic', () => {
  it('drops neutral operands', () => {
    const before = `
      %x = input "x" : f32[2,3]
      %y = input "y" : f32[2,3]
      %0 = constant 0 : f32[]
      %1 = constant 1 : f32[]
      %2 = mul %x, %1 : f32[2,3]
      %3 = add %2, %0 : f32[2,3]
      %4 = add %0, %3 : f32[2,3]
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
      %0 = constant 0 : f32[2,3]
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

  it('joins factors if one is a power of two', () => {
    const before = `
      %x = input "x" : f32[2,3]
      %y = input "y" : f32[2,3]
      %1 = constant 0.1 : f32[]
      %2 = constant -0.5 : f32[]
      %3 = mul %x, %1 : f32[2,3]
      %4 = mul %3, %2 : f32[2,3]
      %5 = mul %3, %1 : f32[2,3]
      return a = %4
      return b = %5`;
    expect(after(simplifyArithmetic, before)).toMatchInlineSnapshot(`
      "%2 = constant -0.05000000074505806 : f32[]
      %3 = mul %0, %2 : f32[2,3]
      %4 = constant 0.1 : f32[]
      %5 = mul %0, %4 : f32[2,3]
      %6 = mul %5, %4 : f32[2,3]
      return a = %3
      return b = %6"
    `);
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
});

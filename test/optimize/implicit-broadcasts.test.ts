import { describe, expect, it } from 'vitest';
import { implicitBroadcasts } from '../../src/optimize/implicit-broadcasts.js';
import { after } from './text.js';

describe('implicit-broadcasts', () => {
  it('lets an elementwise op repeat its operand', () => {
    const before = `
      %x = input "x" : f32[2,3]
      %y = input "y" : f32[3]
      %1 = broadcast %y : f32[2,3]
      %2 = mul %x, %1 : f32[2,3]
      return y = %2`;
    expect(after(implicitBroadcasts, before)).toMatchInlineSnapshot(`
      "%2 = mul %0, %1 : f32[2,3]
      return y = %2"
    `);
  });

  it('computes before the broadcast where all operands are repeated', () => {
    const before = `
      %x = input "x" : f32[3]
      %y = input "y" : f32[]
      %1 = broadcast %x : f32[2,3]
      %2 = broadcast %y : f32[2,3]
      %3 = constant 2 : f32[2,3]
      %4 = neg %1 : f32[2,3]
      %5 = mul %4, %2 : f32[2,3]
      %6 = add %5, %3 : f32[2,3]
      return y = %6`;
    expect(after(implicitBroadcasts, before)).toMatchInlineSnapshot(`
      "%2 = neg %0 : f32[3]
      %3 = mul %2, %1 : f32[3]
      %4 = constant 2 : f32[]
      %5 = add %3, %4 : f32[3]
      %6 = broadcast %5 : f32[2,3]
      return y = %6"
    `);
  });

  it('reads a fill as one number', () => {
    const before = `
      %x = input "x" : f32[2,3]
      %1 = constant 2 : f32[2,3]
      %2 = mul %x, %1 : f32[2,3]
      return y = %2`;
    expect(after(implicitBroadcasts, before)).toMatchInlineSnapshot(`
      "%1 = constant 2 : f32[]
      %2 = mul %0, %1 : f32[2,3]
      return y = %2"
    `);
  });

  it('looks through outer axes of size 1, up to the rank of the result', () => {
    const before = `
      %x = input "x" : f32[2,3]
      %y = input "y" : f32[1,3]
      %z = input "z" : f32[3]
      %1 = reshape %y : f32[3]
      %2 = mul %x, %1 : f32[2,3]
      %3 = mul %z, %1 : f32[3]
      return a = %2
      return b = %3`;
    expect(after(implicitBroadcasts, before)).toMatchInlineSnapshot(`
      "%3 = mul %0, %1 : f32[2,3]
      %4 = reshape %1 : f32[3]
      %5 = mul %2, %4 : f32[3]
      return a = %3
      return b = %5"
    `);
  });

  it('lets matmul repeat whole matrices, if another operand has the batch', () => {
    const before = `
      %x = input "x" : f32[4,2,3]
      %w = input "w" : f32[3,5]
      %1 = broadcast %w : f32[4,3,5]
      %2 = matmul %x, %1 : f32[4,2,5]
      %3 = matmul %1, %1 transposeA : f32[4,5,5]
      return a = %2
      return b = %3`;
    expect(after(implicitBroadcasts, before)).toMatchInlineSnapshot(`
      "%2 = matmul %0, %1 : f32[4,2,5]
      %3 = broadcast %1 : f32[4,3,5]
      %4 = matmul %3, %3 transposeA : f32[4,5,5]
      return a = %2
      return b = %4"
    `);
  });
});

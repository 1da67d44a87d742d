import { describe, expect, it } from 'vitest';
import { commonSubexpressions } from '../../src/optimize/common-subexpressions.js';
import { after } from './text.js';

describe('common-subexpressions', () => {
  it('computes equal nodes once, operands of commutative ops in any order', () => {
    const before = `
      %x = input "x" : f32[2]
      %y = input "y" : f32[2]
      %1 = add %x, %y : f32[2]
      %2 = add %y, %x : f32[2]
      %3 = mul %1, %2 : f32[2]
      %4 = sub %x, %y : f32[2]
      %5 = sub %y, %x : f32[2]
      return a = %3
      return b = %4
      return c = %5`;
    expect(after(commonSubexpressions, before)).toMatchInlineSnapshot(`
      "%2 = add %0, %1 : f32[2]
      %3 = mul %2, %2 : f32[2]
      %4 = sub %0, %1 : f32[2]
      %5 = sub %1, %0 : f32[2]
      return a = %3
      return b = %4
      return c = %5"
    `);
  });

  it('tells attributes and inputs apart', () => {
    const before = `
      %x = input "x" : f32[2,2]
      %y = input "y" : f32[2,2]
      %1 = sum %x axes=[0] : f32[1,2]
      %2 = sum %x axes=[1] : f32[2,1]
      %3 = sum %y axes=[0] : f32[1,2]
      %4 = sum %x axes=[0] : f32[1,2]
      %5 = constant 0 : f32[]
      %6 = constant -0 : f32[]
      %7 = constant NaN : f32[]
      %8 = constant NaN : f32[]
      return a = %1
      return b = %2
      return c = %3
      return d = %4
      return e = %5
      return f = %6
      return g = %7
      return h = %8`;
    expect(after(commonSubexpressions, before)).toMatchInlineSnapshot(`
      "%2 = sum %0 axes=[0] : f32[1,2]
      %3 = sum %0 axes=[1] : f32[2,1]
      %4 = sum %1 axes=[0] : f32[1,2]
      %5 = constant 0 : f32[]
      %6 = constant -0 : f32[]
      %7 = constant NaN : f32[]
      return a = %2
      return b = %3
      return c = %4
      return d = %2
      return e = %5
      return f = %6
      return g = %7
      return h = %7"
    `);
  });
});

import { describe, expect, it } from 'vitest';
import { factorSums } from '../../src/optimize/factor-sums.js';
import { after } from './text.js';

describe('factor-sums', () => {
  it('takes factors without the summed axis out of a sum', () => {
    const before = `
      %x = input "x" : f32[4,3]
      %y = input "y" : f32[4,3]
      %c = input "c" : f32[3]
      %d = input "d" : f32[1,3]
      %1 = mul %x, %c : f32[4,3]
      %2 = div %y, %d : f32[4,3]
      %3 = mul %1, %2 : f32[4,3]
      %4 = neg %3 : f32[4,3]
      %5 = sum %4 axes=[0] : f32[1,3]
      return y = %5`;
    expect(after(factorSums, before)).toMatchInlineSnapshot(`
      "%4 = mul %0, %1 : f32[4,3]
      %5 = sum %4 axes=[0] : f32[1,3]
      %6 = mul %5, %2 : f32[1,3]
      %7 = div %6, %3 : f32[1,3]
      %8 = neg %7 : f32[1,3]
      return y = %8"
    `);
  });

  it('leaves factors that the sum runs over', () => {
    const before = `
      %x = input "x" : f32[4,3]
      %c = input "c" : f32[3]
      %1 = mul %x, %c : f32[4,3]
      %2 = sum %1 axes=[1] : f32[4,1]
      %3 = sum %1 axes=[0,1] : f32[1,1]
      return a = %2
      return b = %3`;
    expect(after(factorSums, before)).toMatchInlineSnapshot(`
      "%2 = mul %0, %1 : f32[4,3]
      %3 = sum %2 axes=[1] : f32[4,1]
      %4 = sum %2 axes=[0,1] : f32[1,1]
      return a = %3
      return b = %4"
    `);
  });

  it('sums term by term where every term has a factor', () => {
    const before = `
      %x = input "x" : f32[4,3]
      %y = input "y" : f32[4,3]
      %c = input "c" : f32[3]
      %d = input "d" : f32[3]
      %1 = mul %x, %c : f32[4,3]
      %2 = mul %y, %d : f32[4,3]
      %3 = sub %1, %2 : f32[4,3]
      %4 = sum %3 axes=[0] : f32[1,3]
      %5 = add %1, %y : f32[4,3]
      %6 = sum %5 axes=[0] : f32[1,3]
      return a = %4
      return b = %6`;
    expect(after(factorSums, before)).toMatchInlineSnapshot(`
      "%4 = sum %0 axes=[0] : f32[1,3]
      %5 = mul %4, %2 : f32[1,3]
      %6 = sum %1 axes=[0] : f32[1,3]
      %7 = mul %6, %3 : f32[1,3]
      %8 = sub %5, %7 : f32[1,3]
      %9 = mul %0, %2 : f32[4,3]
      %10 = add %9, %1 : f32[4,3]
      %11 = sum %10 axes=[0] : f32[1,3]
      return a = %8
      return b = %11"
    `);
  });

  it('does not compute terms anew for the sake of a constant', () => {
    const before = `
      %x = input "x" : f32[4,3]
      %y = input "y" : f32[4,3]
      %c = constant 0.3 : f32[]
      %1 = mul %x, %c : f32[4,3]
      %2 = mul %1, %y : f32[4,3]
      %3 = sum %2 axes=[0] : f32[1,3]
      %4 = sum %1 axes=[0] : f32[1,3]
      return a = %3
      return b = %4`;
    expect(after(factorSums, before)).toMatchInlineSnapshot(`
      "%2 = constant 0.3 : f32[]
      %3 = mul %0, %2 : f32[4,3]
      %4 = mul %3, %1 : f32[4,3]
      %5 = sum %4 axes=[0] : f32[1,3]
      %6 = sum %0 axes=[0] : f32[1,3]
      %7 = mul %6, %2 : f32[1,3]
      return a = %5
      return b = %7"
    `);
  });
});

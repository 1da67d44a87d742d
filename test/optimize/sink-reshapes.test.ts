import { describe, expect, it } from 'vitest';
import { sinkReshapes } from '../../src/optimize/sink-reshapes.js';
import { after } from './text.js';

describe('sink-reshapes', () => {
  it('moves a reshape through a chain of readers in one run', () => {
    const before = `
      %x = input "x" : f32[6,4]
      %b = input "b" : f32[4]
      %1 = reshape %x : f32[2,3,4]
      %2 = add %1, %b : f32[2,3,4]
      %3 = tanh %2 : f32[2,3,4]
      %4 = sum %3 axes=[2] : f32[2,3,1]
      return y = %4`;
    expect(after(sinkReshapes, before)).toMatchInlineSnapshot(`
      "%2 = add %0, %1 : f32[6,4]
      %3 = tanh %2 : f32[6,4]
      %4 = sum %3 axes=[1] : f32[6,1]
      %5 = reshape %4 : f32[2,3,1]
      return y = %5"
    `);
  });

  it('moves it from all operands of the same origin', () => {
    const before = `
      %x = input "x" : f32[2,1]
      %y = input "y" : f32[2,1]
      %s = input "s" : f32[]
      %1 = reshape %x : f32[2]
      %2 = reshape %y : f32[2]
      %3 = sub %1, %2 : f32[2]
      %4 = mul %s, %3 : f32[2]
      return y = %4`;
    expect(after(sinkReshapes, before)).toMatchInlineSnapshot(`
      "%3 = sub %0, %1 : f32[2,1]
      %4 = mul %2, %3 : f32[2,1]
      %5 = reshape %4 : f32[2]
      return y = %5"
    `);
  });

  it('reshapes small operands along, and computes anew what is made of them', () => {
    const before = `
      %x = input "x" : f32[6,4]
      %t = input "t" : i32[2,3,1]
      %0 = constant 0 : f32[]
      %1 = reshape %x : f32[2,3,4]
      %2 = iota : i32[4]
      %3 = equal %2, %t : bool[2,3,4]
      %4 = where %3, %1, %0 : f32[2,3,4]
      return y = %4`;
    expect(after(sinkReshapes, before)).toMatchInlineSnapshot(`
      "%2 = iota : i32[4]
      %3 = reshape %1 : i32[6,1]
      %4 = equal %2, %3 : bool[6,4]
      %5 = constant 0 : f32[]
      %6 = where %4, %0, %5 : f32[6,4]
      %7 = reshape %6 : f32[2,3,4]
      return y = %7"
    `);
  });

  it('stays where a reader needs another large tensor, also for the other readers', () => {
    const before = `
      %x = input "x" : f32[6,4]
      %y = input "y" : f32[2,3,4]
      %1 = reshape %x : f32[2,3,4]
      %2 = add %1, %y : f32[2,3,4]
      %3 = exp %1 : f32[2,3,4]
      return a = %2
      return b = %3`;
    expect(after(sinkReshapes, before)).toMatchInlineSnapshot(`
      "%2 = reshape %0 : f32[2,3,4]
      %3 = add %2, %1 : f32[2,3,4]
      %4 = exp %2 : f32[2,3,4]
      return a = %3
      return b = %4"
    `);
  });

  it('stays where an operand or a reduction takes only a part of an axis', () => {
    const before = `
      %x = input "x" : f32[6,4]
      %y = input "y" : f32[3,1]
      %1 = reshape %x : f32[2,3,4]
      %2 = add %1, %y : f32[2,3,4]
      %3 = sum %2 axes=[0] : f32[1,3,4]
      %4 = reshape %x : f32[2,3,4]
      %5 = sum %4 axes=[0] : f32[1,3,4]
      %6 = reshape %x : f32[2,3,4]
      %7 = sum %6 axes=[0,1] : f32[1,1,4]
      return a = %3
      return b = %5
      return c = %7`;
    expect(after(sinkReshapes, before)).toMatchInlineSnapshot(`
      "%2 = reshape %0 : f32[2,3,4]
      %3 = add %2, %1 : f32[2,3,4]
      %4 = sum %3 axes=[0] : f32[1,3,4]
      %5 = reshape %0 : f32[2,3,4]
      %6 = sum %5 axes=[0] : f32[1,3,4]
      %7 = sum %0 axes=[0] : f32[1,4]
      %8 = reshape %7 : f32[1,1,4]
      return a = %4
      return b = %6
      return c = %8"
    `);
  });
});

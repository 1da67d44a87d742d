import { describe, expect, it } from 'vitest';
import { foldConstants } from '../../src/optimize/fold-constants.js';
import { after } from './text.js';

describe('fold-constants', () => {
  it('computes elementwise ops in float32, broadcasting the shape', () => {
    const before = `
      %1 = constant 0.1 : f32[]
      %2 = constant 0.2 : f32[2,3]
      %3 = add %1, %2 : f32[2,3]
      %4 = exp %3 : f32[2,3]
      return y = %4`;
    expect(after(foldConstants, before)).toMatchInlineSnapshot(`
      "%0 = constant 1.3498588800430298 : f32[2,3]
      return y = %0"
    `);
  });

  it('keeps i32 and bool what they are', () => {
    const before = `
      %1 = constant 2147483647 : i32[]
      %2 = constant 2 : i32[]
      %3 = mul %1, %2 : i32[]
      %4 = less %3, %2 : bool[]
      %5 = where %4, %3, %2 : i32[]
      return a = %4
      return b = %5`;
    expect(after(foldConstants, before)).toMatchInlineSnapshot(`
      "%0 = constant 1 : bool[]
      %1 = constant -2 : i32[]
      return a = %0
      return b = %1"
    `);
  });

  it('moves a fill by giving it the new shape', () => {
    const before = `
      %1 = constant 3 : f32[]
      %2 = broadcast %1 : f32[2,3]
      %3 = transpose %2 perm=[1,0] : f32[3,2]
      %4 = slice %3 starts=[1,0] : f32[1,2]
      %5 = reshape %4 : f32[2]
      return y = %5`;
    expect(after(foldConstants, before)).toMatchInlineSnapshot(`
      "%0 = constant 3 : f32[2]
      return y = %0"
    `);
  });

  it('sums a fill as often as it is there, in float32, and wraps integers', () => {
    const before = `
      %1 = constant 0.1 : f32[10,3]
      %2 = sum %1 axes=[0] : f32[1,3]
      %3 = max %1 axes=[0,1] : f32[1,1]
      %4 = constant 2147483647 : i32[3]
      %5 = sum %4 axes=[0] : i32[1]
      return a = %2
      return b = %3
      return c = %5`;
    expect(after(foldConstants, before)).toMatchInlineSnapshot(`
      "%0 = constant 1 : f32[1,3]
      %1 = constant 0.1 : f32[1,1]
      %2 = constant 2147483645 : i32[1]
      return a = %0
      return b = %1
      return c = %2"
    `);
  });

  it('pads zeros with zeros, and nothing else', () => {
    const before = `
      %1 = constant 0 : f32[2]
      %2 = pad %1 before=[1] after=[0] : f32[3]
      %3 = constant 1 : f32[2]
      %4 = pad %3 before=[1] after=[0] : f32[3]
      %5 = concat %3, %3 axis=0 : f32[4]
      return a = %2
      return b = %4
      return c = %5`;
    expect(after(foldConstants, before)).toMatchInlineSnapshot(`
      "%0 = constant 0 : f32[3]
      %1 = constant 1 : f32[2]
      %2 = pad %1 before=[1] after=[0] : f32[3]
      %3 = constant 1 : f32[4]
      return a = %0
      return b = %2
      return c = %3"
    `);
  });

  it('reshapes listed values, and lists equal ones once', () => {
    const before = `
      %1 = constant [1,2,3,4] : f32[4]
      %2 = reshape %1 : f32[2,2]
      %3 = constant [5,5] : f32[2]
      return a = %2
      return b = %3`;
    expect(after(foldConstants, before)).toMatchInlineSnapshot(`
      "%0 = constant [1,2,3,4] : f32[2,2]
      %1 = constant 5 : f32[2]
      return a = %0
      return b = %1"
    `);
  });

  it('leaves what depends on an input', () => {
    const before = `
      %x = input "x" : f32[]
      %1 = constant 0 : f32[]
      %2 = mul %x, %1 : f32[]
      return y = %2`;
    expect(after(foldConstants, before)).toMatchInlineSnapshot(`
      "%1 = constant 0 : f32[]
      %2 = mul %0, %1 : f32[]
      return y = %2"
    `);
  });

  it('sums nothing to 0, whatever there would have been', () => {
    const before = `
      %1 = constant Infinity : f32[0,3]
      %2 = sum %1 axes=[0] : f32[1,3]
      %3 = constant -2 : f32[0,3]
      %4 = sum %3 axes=[0] : f32[1,3]
      return a = %2
      return b = %4`;
    expect(after(foldConstants, before)).toMatchInlineSnapshot(`
      "%0 = constant 0 : f32[1,3]
      %1 = constant 0 : f32[1,3]
      return a = %0
      return b = %1"
    `);
  });
});

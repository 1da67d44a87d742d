import { describe, expect, it } from 'vitest';
import { simplifyMovement } from '../../src/optimize/simplify-movement.js';
import { after } from './text.js';

describe('simplify-movement', () => {
  it('joins reshapes, and drops those to the same shape', () => {
    const before = `
      %x = input "x" : f32[2,6]
      %1 = reshape %x : f32[3,4]
      %2 = reshape %1 : f32[12]
      %3 = reshape %2 : f32[2,6]
      return a = %2
      return b = %3`;
    expect(after(simplifyMovement, before)).toMatchInlineSnapshot(`
      "%1 = reshape %0 : f32[12]
      return a = %1
      return b = %0"
    `);
  });

  it('joins transposes, and drops those that change nothing', () => {
    const before = `
      %x = input "x" : f32[2,3,4]
      %1 = transpose %x perm=[1,2,0] : f32[3,4,2]
      %2 = transpose %1 perm=[1,0,2] : f32[4,3,2]
      %3 = transpose %1 perm=[2,0,1] : f32[2,3,4]
      return a = %2
      return b = %3`;
    expect(after(simplifyMovement, before)).toMatchInlineSnapshot(`
      "%1 = transpose %0 perm=[2,1,0] : f32[4,3,2]
      %2 = transpose %0 perm=[0,1,2] : f32[2,3,4]
      return a = %1
      return b = %2"
    `);
  });

  it('takes a transpose of axes of size 1 for a reshape', () => {
    const before = `
      %x = input "x" : f32[2,1,4]
      %1 = transpose %x perm=[1,0,2] : f32[1,2,4]
      return y = %1`;
    expect(after(simplifyMovement, before)).toMatchInlineSnapshot(`
      "%1 = reshape %0 : f32[1,2,4]
      return y = %1"
    `);
  });

  it('joins broadcasts; one that repeats nothing is a reshape', () => {
    const before = `
      %x = input "x" : f32[3]
      %1 = broadcast %x : f32[2,3]
      %2 = broadcast %1 : f32[4,2,3]
      %3 = broadcast %x : f32[1,3]
      %4 = broadcast %3 : f32[5,3]
      return a = %2
      return b = %3
      return c = %4`;
    expect(after(simplifyMovement, before)).toMatchInlineSnapshot(`
      "%1 = broadcast %0 : f32[4,2,3]
      %2 = reshape %0 : f32[1,3]
      %3 = broadcast %0 : f32[5,3]
      return a = %1
      return b = %2
      return c = %3"
    `);
  });

  it('moves axes of size 1 in front of a broadcast', () => {
    const before = `
      %x = input "x" : f32[2,1]
      %1 = broadcast %x : f32[2,3]
      %2 = reshape %1 : f32[2,1,3,1]
      %3 = reshape %1 : f32[3,2]
      return a = %2
      return b = %3`;
    expect(after(simplifyMovement, before)).toMatchInlineSnapshot(`
      "%1 = reshape %0 : f32[2,1,1,1]
      %2 = broadcast %1 : f32[2,1,3,1]
      %3 = broadcast %0 : f32[2,3]
      %4 = reshape %3 : f32[3,2]
      return a = %2
      return b = %4"
    `);
  });

  it('joins slices, and undoes a pad', () => {
    const before = `
      %x = input "x" : f32[5,6]
      %1 = slice %x starts=[1,2] : f32[4,4]
      %2 = slice %1 starts=[2,1] : f32[2,2]
      %3 = pad %x before=[1,0] after=[0,2] : f32[6,8]
      %4 = slice %3 starts=[1,0] : f32[5,6]
      %5 = slice %3 starts=[0,0] : f32[5,6]
      return a = %2
      return b = %4
      return c = %5`;
    expect(after(simplifyMovement, before)).toMatchInlineSnapshot(`
      "%1 = slice %0 starts=[3,3] : f32[2,2]
      %2 = pad %0 before=[1,0] after=[0,2] : f32[6,8]
      %3 = slice %2 starts=[0,0] : f32[5,6]
      return a = %1
      return b = %0
      return c = %3"
    `);
  });

  it('reduces over axes that have more than one element', () => {
    const before = `
      %x = input "x" : f32[2,1,3]
      %1 = sum %x axes=[0,1] : f32[1,1,3]
      %2 = max %x axes=[1] : f32[2,1,3]
      return a = %1
      return b = %2`;
    expect(after(simplifyMovement, before)).toMatchInlineSnapshot(`
      "%1 = sum %0 axes=[0] : f32[1,1,3]
      return a = %1
      return b = %0"
    `);
  });

  it('takes parts of what was joined from where they were, and joins all at once', () => {
    const before = `
      %x = input "x" : f32[2,3]
      %y = input "y" : f32[4,3]
      %1 = concat %x, %y axis=0 : f32[6,3]
      %2 = slice %1 starts=[0,0] : f32[2,3]
      %3 = slice %1 starts=[3,1] : f32[2,2]
      %4 = slice %1 starts=[1,0] : f32[3,3]
      %5 = concat %1, %x axis=0 : f32[8,3]
      return a = %2
      return b = %3
      return c = %4
      return d = %5`;
    expect(after(simplifyMovement, before)).toMatchInlineSnapshot(`
      "%2 = slice %0 starts=[0,0] : f32[2,3]
      %3 = slice %1 starts=[1,1] : f32[2,2]
      %4 = concat %0, %1 axis=0 : f32[6,3]
      %5 = slice %4 starts=[1,0] : f32[3,3]
      %6 = concat %0, %1, %0 axis=0 : f32[8,3]
      return a = %2
      return b = %3
      return c = %5
      return d = %6"
    `);
  });
});

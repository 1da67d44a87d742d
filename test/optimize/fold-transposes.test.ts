import { describe, expect, it } from 'vitest';
import { foldTransposes } from '../../src/optimize/fold-transposes.js';
import { after } from './text.js';

describe('fold-transposes', () => {
  it('reads transposed operands by flags', () => {
    const before = `
      %a = input "a" : f32[3,2]
      %b = input "b" : f32[3,4]
      %1 = transpose %a perm=[1,0] : f32[2,3]
      %2 = matmul %1, %b : f32[2,4]
      %3 = matmul %b, %1 transposeA transposeB : f32[4,2]
      return x = %2
      return y = %3`;
    expect(after(foldTransposes, before)).toMatchInlineSnapshot(`
      "%2 = matmul %0, %1 transposeA : f32[2,4]
      %3 = matmul %1, %0 transposeA : f32[4,2]
      return x = %2
      return y = %3"
    `);
  });

  it('reads transposed matrices of a batch, but no other order of axes', () => {
    const before = `
      %a = input "a" : f32[5,3,2]
      %b = input "b" : f32[5,3,4]
      %c = input "c" : f32[3,5,2]
      %d = input "d" : f32[3,5,2,3]
      %e = input "e" : f32[5,3,3,4]
      %1 = transpose %a perm=[0,2,1] : f32[5,2,3]
      %2 = matmul %1, %b : f32[5,2,4]
      %3 = transpose %c perm=[1,0,2] : f32[5,3,2]
      %4 = matmul %3, %b transposeA : f32[5,2,4]
      %5 = transpose %d perm=[1,0,3,2] : f32[5,3,3,2]
      %6 = matmul %5, %e transposeA : f32[5,3,2,4]
      return x = %2
      return y = %4
      return z = %6`;
    expect(after(foldTransposes, before)).toMatchInlineSnapshot(`
      "%5 = matmul %0, %1 transposeA : f32[5,2,4]
      %6 = transpose %2 perm=[1,0,2] : f32[5,3,2]
      %7 = matmul %6, %1 transposeA : f32[5,2,4]
      %8 = transpose %3 perm=[1,0,3,2] : f32[5,3,3,2]
      %9 = matmul %8, %4 transposeA : f32[5,3,2,4]
      return x = %5
      return y = %7
      return z = %9"
    `);
  });

  it('writes a transposed product the other way round', () => {
    const before = `
      %a = input "a" : f32[2,3]
      %b = input "b" : f32[3,4]
      %1 = matmul %a, %b : f32[2,4]
      %2 = transpose %1 perm=[1,0] : f32[4,2]
      return y = %2`;
    expect(after(foldTransposes, before)).toMatchInlineSnapshot(`
      "%2 = matmul %1, %0 transposeA transposeB : f32[4,2]
      return y = %2"
    `);
  });

  it('keeps a product that someone else reads as it is', () => {
    const before = `
      %a = input "a" : f32[2,3]
      %b = input "b" : f32[3,4]
      %1 = matmul %a, %b : f32[2,4]
      %2 = transpose %1 perm=[1,0] : f32[4,2]
      return y = %2
      return z = %1`;
    expect(after(foldTransposes, before)).toMatchInlineSnapshot(`
      "%2 = matmul %0, %1 : f32[2,4]
      %3 = transpose %2 perm=[1,0] : f32[4,2]
      return y = %3
      return z = %2"
    `);
  });
});

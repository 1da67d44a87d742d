import { describe, expect, it } from 'vitest';
import { fuse } from '../../src/schedule/fuse.js';
import { merge } from '../../src/schedule/merge.js';
import { recompute } from '../../src/schedule/recompute.js';
import { fusionText, graphOf } from './text.js';

const fused = (text: string) => {
  const graph = graphOf(text);
  return fusionText(graph, fuse(graph));
};

const merged = (text: string) => {
  const graph = graphOf(text);
  return fusionText(graph, merge(recompute(graph, fuse(graph))));
};

describe('fuse', () => {
  it('puts elementwise nodes over the same elements into one nest', () => {
    expect(
      fused(`
      %x = input "x" : f32[4,8]
      %y = input "y" : f32[8]
      %1 = exp %x : f32[4,8]
      %2 = add %1, %y : f32[4,8]
      %3 = mul %2, %1 : f32[4,8]
      return z = %3`),
    ).toMatchInlineSnapshot(`"nest [4, 8]: %2 exp, %3 add, %4 mul"`);
  });

  it('lets a reduction join the loops that make what it sums, and rows follow it', () => {
    expect(
      fused(`
      %x = input "x" : f32[4,8]
      %1 = exp %x : f32[4,8]
      %2 = sum %1 axes=[1] : f32[4,1]
      %3 = log %2 : f32[4,1]
      %4 = sub %x, %3 : f32[4,8]
      return z = %4`),
    ).toMatchInlineSnapshot(`"nest [4, sum 8]: %1 exp, %2 sum (reduce), %3 log (row), %4 sub"`);
  });

  it('keeps reductions over other axes apart', () => {
    expect(
      fused(`
      %x = input "x" : f32[4,8]
      %1 = exp %x : f32[4,8]
      %2 = sum %1 axes=[1] : f32[4,1]
      %3 = sum %1 axes=[0] : f32[1,8]
      return a = %2
      return b = %3`),
    ).toMatchInlineSnapshot(`
      "nest [4, sum 8]: %1 exp, %2 sum (reduce)
      nest [sum 4, 8]: %3 sum (reduce)
      %1 exp -> %3 sum: it reduces other axes"
    `);
  });

  it('finishes a product with what follows element by element, but does not reduce in it', () => {
    expect(
      fused(`
      %x = input "x" : f32[4,8]
      %w = input "w" : f32[8,3]
      %b = input "b" : f32[3]
      %1 = matmul %x, %w : f32[4,3]
      %2 = add %1, %b : f32[4,3]
      %3 = tanh %2 : f32[4,3]
      %4 = sum %3 axes=[0,1] : f32[1,1]
      return h = %3
      return s = %4`),
    ).toMatchInlineSnapshot(`
      "gemm [4, 3]: %3 matmul, %4 add, %5 tanh
      nest [sum 4, sum 3]: %6 sum (reduce)
      %5 tanh -> %6 sum: a product is not reduced while it is made"
    `);
  });

  it('does not join a kernel over another that has to run in between', () => {
    expect(
      fused(`
      %x = input "x" : f32[4,4]
      %1 = exp %x : f32[4,4]
      %2 = matmul %1, %x : f32[4,4]
      %3 = add %1, %2 : f32[4,4]
      %4 = mul %3, %1 : f32[4,4]
      return z = %4`),
    ).toMatchInlineSnapshot(`
      "nest [4, 4]: %1 exp
      gemm [4, 4]: %2 matmul, %3 add, %4 mul"
    `);
  });

  it('reads through reshapes and transposes where the loops are the same, and not where they are not', () => {
    expect(
      fused(`
      %x = input "x" : f32[4,6]
      %1 = exp %x : f32[4,6]
      %2 = reshape %1 : f32[24]
      %3 = neg %2 : f32[24]
      %4 = transpose %1 perm=[1,0] : f32[6,4]
      %5 = abs %4 : f32[6,4]
      return a = %3
      return b = %5`),
    ).toMatchInlineSnapshot(`
      "nest [4, 6]: %1 exp, %3 neg
      nest [6, 4]: %5 abs
      %1 exp -> %5 abs: its shape does not follow the loops"
    `);
  });

  it('keeps scatters and copies by themselves, and gathers with what reads them', () => {
    expect(
      fused(`
      %t = input "t" : f32[5,3]
      %i = input "i" : i32[2]
      %0 = index %i size=5 what="gather" : i32[2]
      %1 = gather %t, %0 : f32[2,3]
      %2 = exp %1 : f32[2,3]
      %3 = scatter_add %t, %0, %2 : f32[5,3]
      %4 = concat %1, %2 axis=0 : f32[4,3]
      return a = %3
      return b = %4`),
    ).toMatchInlineSnapshot(`
      "nest [2, 3]: %3 gather, %4 exp
      closed [5, 3]: %5 scatter_add
      closed [4, 3]: %6 concat"
    `);
  });

  it('starts a kernel for what has no elements', () => {
    expect(
      fused(`
      %x = input "x" : f32[0,3]
      %1 = exp %x : f32[0,3]
      %2 = sum %1 axes=[0] : f32[1,3]
      return a = %1
      return b = %2`),
    ).toMatchInlineSnapshot(`
      "nest [0, 3]: %1 exp
      nest [sum 0, 3]: %2 sum (reduce)
      %1 exp -> %2 sum: it has no elements"
    `);
  });

  it('joins nodes that read the same elements, and leaves apart those that read others of the same tensor', () => {
    expect(
      fused(`
      %x = input "x" : f32[8]
      %1 = exp %x : f32[8]
      %2 = tanh %x : f32[8]
      %3 = slice %x starts=[0] : f32[4]
      %4 = exp %3 : f32[4]
      %5 = slice %x starts=[4] : f32[4]
      %6 = tanh %5 : f32[4]
      return a = %1
      return b = %2
      return c = %4
      return d = %6`),
    ).toMatchInlineSnapshot(`
      "nest [8]: %1 exp, %2 tanh
      nest [4]: %4 exp
      nest [4]: %6 tanh"
    `);
  });

  it('makes what is costly where it stands, and once', () => {
    expect(
      fused(`
      %x = input "x" : f32[4,3]
      %w = input "w" : f32[3,3]
      %1 = tanh %x : f32[4,3]
      %2 = matmul %x, %w : f32[4,3]
      %3 = mul %2, %1 : f32[4,3]
      return z = %3`),
    ).toMatchInlineSnapshot(`
      "nest [4, 3]: %2 tanh
      gemm [4, 3]: %3 matmul, %4 mul"
    `);
  });

  it('lets what needs inputs alone wait for the node that wants it', () => {
    expect(
      fused(`
      %x = input "x" : f32[4,8]
      %w = input "w" : f32[8,3]
      %m = input "m" : f32[4,3]
      %1 = neg %m : f32[4,3]
      %2 = matmul %x, %w : f32[4,3]
      %3 = mul %2, %1 : f32[4,3]
      return z = %3`),
    ).toMatchInlineSnapshot(`"gemm [4, 3]: %4 matmul, %3 neg, %5 mul"`);
  });
});

describe('merge', () => {
  it('joins nests that read the same elements', () => {
    expect(
      merged(`
      %x = input "x" : f32[4,8]
      %w = input "w" : f32[8,8]
      %1 = matmul %x, %w : f32[4,8]
      %2 = sum %1 axes=[0] : f32[1,8]
      %3 = mul %1, %1 : f32[4,8]
      %4 = sum %3 axes=[0] : f32[1,8]
      return a = %2
      return b = %4`),
    ).toMatchInlineSnapshot(`
      "gemm [4, 8]: %2 matmul
      nest [sum 4, 8]: %3 sum (reduce), %4 mul again, %5 sum (reduce)
      %2 matmul -> %3 sum: a product is not reduced while it is made
      %4 mul -> %5 sum: a product is not reduced while it is made"
    `);
  });

  it('leaves apart what another kernel has to run between', () => {
    expect(
      merged(`
      %x = input "x" : f32[4,4]
      %w = input "w" : f32[4,4]
      %1 = sum %x axes=[1] : f32[4,1]
      %t = transpose %1 perm=[1,0] : f32[1,4]
      %2 = matmul %t, %w : f32[1,4]
      %3 = mul %2, %x : f32[4,4]
      %4 = sum %3 axes=[1] : f32[4,1]
      return a = %4`),
    ).toMatchInlineSnapshot(`
      "nest [4, sum 4]: %2 sum (reduce)
      gemm [1, 4]: %4 matmul
      nest [4, sum 4]: %5 mul, %6 sum (reduce)
      %4 matmul -> %5 mul: its shape differs from the loops"
    `);
  });

  it('makes a cheap value again where it is read', () => {
    expect(
      merged(`
      %x = input "x" : f32[4,8]
      %w = input "w" : f32[8,3]
      %g = input "g" : f32[4,3]
      %v = input "v" : f32[3,8]
      %1 = matmul %x, %w : f32[4,3]
      %2 = tanh %1 : f32[4,3]
      %3 = mul %2, %2 : f32[4,3]
      %one = constant 1 : f32[]
      %4 = sub %one, %3 : f32[4,3]
      %5 = matmul %2, %v : f32[4,8]
      %6 = matmul %5, %v transposeB : f32[4,3]
      %7 = mul %6, %4 : f32[4,3]
      return a = %7`),
    ).toMatchInlineSnapshot(`
      "gemm [4, 3]: %4 matmul, %5 tanh
      gemm [4, 8]: %9 matmul
      gemm [4, 3]: %10 matmul, %6 mul again, %8 sub again, %11 mul"
    `);
  });
});

import { describe, expect, it } from 'vitest';
import { sparseUpdates } from '../../src/optimize/sparse-updates.js';
import { after } from './text.js';

describe('sparse-updates', () => {
  it('adds the step of gradient descent to the rows alone', () => {
    const before = `
      %i = input "i" : i32[3]
      %g = input "g" : f32[3,2]
      %lr = input "lr" : f32[]
      %c = parameter "c" : f32[9,2]
      %z = constant 0 : f32[9,2]
      %1 = scatter_add %z, %i, %g : f32[9,2]
      %2 = mul %1, %lr : f32[9,2]
      %3 = sub %c, %2 : f32[9,2]
      update "c" = %3`;
    expect(after(sparseUpdates, before)).toMatchInlineSnapshot(`
      "%4 = mul %1, %2 : f32[3,2]
      %5 = neg %4 : f32[3,2]
      %6 = scatter_add %3, %0, %5 : f32[9,2]
      update "c" = %6"
    `);
  });

  it('carries weight decay along as the dense part', () => {
    const before = `
      %i = input "i" : i32[3]
      %g = input "g" : f32[3,2]
      %lr = input "lr" : f32[]
      %c = parameter "c" : f32[9,2]
      %z = constant 0 : f32[9,2]
      %1 = scatter_add %z, %i, %g : f32[9,2]
      %d = constant 0.01 : f32[]
      %2 = mul %c, %d : f32[9,2]
      %3 = add %1, %2 : f32[9,2]
      %4 = mul %lr, %3 : f32[9,2]
      %5 = sub %c, %4 : f32[9,2]
      update "c" = %5`;
    expect(after(sparseUpdates, before)).toMatchInlineSnapshot(`
      "%4 = constant 0.01 : f32[]
      %5 = mul %3, %4 : f32[9,2]
      %6 = mul %5, %2 : f32[9,2]
      %7 = sub %3, %6 : f32[9,2]
      %8 = mul %1, %2 : f32[3,2]
      %9 = neg %8 : f32[3,2]
      %10 = scatter_add %7, %0, %9 : f32[9,2]
      update "c" = %10"
    `);
  });

  it('adds to another gradient of the same table', () => {
    const before = `
      %i = input "i" : i32[3]
      %g = input "g" : f32[3,2]
      %lr = input "lr" : f32[]
      %c = parameter "c" : f32[9,2]
      %z = constant 0 : f32[9,2]
      %h = input "h" : f32[9,2]
      %1 = scatter_add %z, %i, %g : f32[9,2]
      %2 = add %h, %1 : f32[9,2]
      update "c" = %2`;
    expect(after(sparseUpdates, before)).toMatchInlineSnapshot(`
      "%5 = scatter_add %4, %0, %1 : f32[9,2]
      update "c" = %5"
    `);
  });

  it('leaves a gradient that has other readers, as in Adam or where it is kept', () => {
    const before = `
      %i = input "i" : i32[3]
      %g = input "g" : f32[3,2]
      %lr = input "lr" : f32[]
      %c = parameter "c" : f32[9,2]
      %z = constant 0 : f32[9,2]
      %1 = scatter_add %z, %i, %g : f32[9,2]
      %2 = mul %1, %lr : f32[9,2]
      %3 = sub %c, %2 : f32[9,2]
      return gradient = %1
      update "c" = %3`;
    expect(after(sparseUpdates, before)).toMatchInlineSnapshot(`
      "%4 = constant 0 : f32[9,2]
      %5 = scatter_add %4, %0, %1 : f32[9,2]
      %6 = mul %5, %2 : f32[9,2]
      %7 = sub %3, %6 : f32[9,2]
      return gradient = %5
      update "c" = %7"
    `);
  });

  it('leaves a scatter onto something that was there before', () => {
    const before = `
      %i = input "i" : i32[3]
      %g = input "g" : f32[3,2]
      %lr = input "lr" : f32[]
      %c = parameter "c" : f32[9,2]
      %z = constant 0 : f32[9,2]
      %1 = scatter_add %c, %i, %g : f32[9,2]
      %2 = mul %1, %lr : f32[9,2]
      update "c" = %2`;
    expect(after(sparseUpdates, before)).toMatchInlineSnapshot(`
      "%4 = scatter_add %3, %0, %1 : f32[9,2]
      %5 = mul %4, %2 : f32[9,2]
      update "c" = %5"
    `);
  });

  it('leaves a factor that is not a single number', () => {
    const before = `
      %i = input "i" : i32[3]
      %g = input "g" : f32[3,2]
      %lr = input "lr" : f32[]
      %c = parameter "c" : f32[9,2]
      %z = constant 0 : f32[9,2]
      %r = input "r" : f32[2]
      %1 = scatter_add %z, %i, %g : f32[9,2]
      %2 = mul %1, %r : f32[9,2]
      update "c" = %2`;
    expect(after(sparseUpdates, before)).toMatchInlineSnapshot(`
      "%5 = constant 0 : f32[9,2]
      %6 = scatter_add %5, %0, %1 : f32[9,2]
      %7 = mul %6, %4 : f32[9,2]
      update "c" = %7"
    `);
  });
});

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
      "%4 = sum_repeats %0, %1 : f32[3,2]
      %5 = mul %4, %2 : f32[3,2]
      %6 = neg %5 : f32[3,2]
      %7 = scatter_add %3, %0, %6 distinct : f32[9,2]
      update "c" = %7"
    `);
  });

  it('adds the rows to weight decay, and scales their sum as it stands', () => {
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
      %6 = sum_repeats %0, %1 : f32[3,2]
      %7 = scatter_add %5, %0, %6 distinct : f32[9,2]
      %8 = mul %2, %7 : f32[9,2]
      %9 = sub %3, %8 : f32[9,2]
      update "c" = %9"
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
      "%5 = sum_repeats %0, %1 : f32[3,2]
      %6 = scatter_add %4, %0, %5 distinct : f32[9,2]
      update "c" = %6"
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

  it('brings the rows of several places together, and sums them once', () => {
    const before = `
      %i = input "i" : i32[2]
      %j = input "j" : i32[1,1]
      %k = input "k" : i32[1]
      %g = input "g" : f32[2,2]
      %h = input "h" : f32[1,1,2]
      %f = input "f" : f32[1,2]
      %lr = input "lr" : f32[]
      %c = parameter "c" : f32[9,2]
      %z = constant 0 : f32[9,2]
      %1 = scatter_add %z, %i, %g : f32[9,2]
      %2 = scatter_add %z, %j, %h : f32[9,2]
      %3 = scatter_add %z, %k, %f : f32[9,2]
      %4 = add %1, %2 : f32[9,2]
      %5 = add %4, %3 : f32[9,2]
      %6 = mul %5, %lr : f32[9,2]
      %7 = sub %c, %6 : f32[9,2]
      update "c" = %7`;
    expect(after(sparseUpdates, before)).toMatchInlineSnapshot(`
      "%8 = reshape %1 : i32[1]
      %9 = concat %0, %8 axis=0 : i32[3]
      %10 = concat %9, %2 axis=0 : i32[4]
      %11 = sum_repeats %0, %3 : f32[2,2]
      %12 = sum_repeats %1, %4 : f32[1,1,2]
      %13 = reshape %12 : f32[1,2]
      %14 = concat %11, %13 axis=0 : f32[3,2]
      %15 = sum_repeats %9, %14 : f32[3,2]
      %16 = sum_repeats %2, %5 : f32[1,2]
      %17 = concat %15, %16 axis=0 : f32[4,2]
      %18 = sum_repeats %10, %17 : f32[4,2]
      %19 = mul %18, %6 : f32[4,2]
      %20 = neg %19 : f32[4,2]
      %21 = scatter_add %7, %10, %20 distinct : f32[9,2]
      update "c" = %21"
    `);
  });

  it('adds tables where there are more rows than that', () => {
    const before = `
      %i = input "i" : i32[5]
      %g = input "g" : f32[5,2]
      %z = constant 0 : f32[9,2]
      %1 = scatter_add %z, %i, %g : f32[9,2]
      %2 = scatter_add %z, %i, %g : f32[9,2]
      %3 = add %1, %2 : f32[9,2]
      return y = %3`;
    expect(after(sparseUpdates, before)).toMatchInlineSnapshot(`
      "%2 = constant 0 : f32[9,2]
      %3 = scatter_add %2, %0, %1 : f32[9,2]
      %4 = scatter_add %2, %0, %1 : f32[9,2]
      %5 = add %3, %4 : f32[9,2]
      return y = %5"
    `);
  });

  it('leaves a table that is small beside the indices', () => {
    const before = `
      %i = input "i" : i32[5]
      %g = input "g" : f32[5,2]
      %lr = input "lr" : f32[]
      %c = parameter "c" : f32[9,2]
      %z = constant 0 : f32[9,2]
      %1 = scatter_add %z, %i, %g : f32[9,2]
      %2 = mul %1, %lr : f32[9,2]
      %3 = sub %c, %2 : f32[9,2]
      update "c" = %3`;
    expect(after(sparseUpdates, before)).toMatchInlineSnapshot(`
      "%4 = constant 0 : f32[9,2]
      %5 = scatter_add %4, %0, %1 : f32[9,2]
      %6 = mul %5, %2 : f32[9,2]
      %7 = sub %3, %6 : f32[9,2]
      update "c" = %7"
    `);
  });

  it('divides summed rows, and takes a table from them', () => {
    const before = `
      %i = input "i" : i32[3]
      %g = input "g" : f32[3,2]
      %n = input "n" : f32[]
      %c = parameter "c" : f32[9,2]
      %z = constant 0 : f32[9,2]
      %1 = scatter_add %z, %i, %g : f32[9,2]
      %2 = div %1, %n : f32[9,2]
      %3 = sub %2, %c : f32[9,2]
      update "c" = %3`;
    expect(after(sparseUpdates, before)).toMatchInlineSnapshot(`
      "%4 = neg %3 : f32[9,2]
      %5 = sum_repeats %0, %1 : f32[3,2]
      %6 = div %5, %2 : f32[3,2]
      %7 = scatter_add %4, %0, %6 distinct : f32[9,2]
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

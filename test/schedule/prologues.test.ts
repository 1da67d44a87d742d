import { describe, expect, it } from 'vitest';
import type { Kernel } from '../../src/kernels/kernel.js';
import { printSchedule } from '../../src/schedule/print.js';
import { schedule } from '../../src/schedule/schedule.js';
import { graphOf } from './text.js';

/** Each kernel, and of a product the operands that it makes: parts of their axes, then ops with their reads from memory. */
function kernelsOf(text: string, options: Parameters<typeof schedule>[1] = { allPrologues: true }): string {
  return schedule(graphOf(text), options)
    .kernels.flatMap((kernel) => [kernel.name, ...made(kernel)])
    .join('\n');
}

function made(kernel: Kernel): string[] {
  if (kernel.kind !== 'gemm') return [];
  return (['a', 'b'] as const).flatMap((which) => {
    const { prologue } = kernel[which];
    if (!prologue) return [];
    const inside = new Set(prologue.members.map(({ node }) => node));
    return [
      `  ${which} is ${prologue.axes.map((parts) => parts.join('x')).join(', ')}`,
      ...prologue.members.map(({ node, reads }) => {
        const shown = reads.map(({ source, strides, offset }) =>
          inside.has(source)
            ? source.op.name
            : `${source.attrs.name ?? source.op.name}${offset ? ` + ${offset}` : ''}[${strides}]`,
        );
        return `    ${node.op.name} ${shown.join(' ')}`;
      }),
    ];
  });
}

describe('a product makes an operand as it packs it', () => {
  const scaled = `
    %x = input "x" : f32[9,13]
    %s = input "s" : f32[13]
    %w = input "w" : f32[13,18]
    %v = input "v" : f32[9,18]
    %1 = mul %x, %s : f32[9,13]
    %2 = relu %1 : f32[9,13]
    %3 = matmul %2, %w transposeA=false transposeB=false : f32[9,18]
    %4 = matmul %2, %v transposeA=true transposeB=false : f32[13,18]
    %5 = matmul %v, %2 transposeA=true transposeB=false : f32[18,13]
    %6 = matmul %2, %2 transposeA=false transposeB=true : f32[9,9]
    return a = %3
    return b = %4
    return c = %5
    return d = %6`;

  it('of what the value is made of, by rows and columns, either operand and both', () => {
    expect(kernelsOf(scaled)).toMatchInlineSnapshot(`
      "gemm_nn_9x18x13
        a is 9, 13
          mul x[13,1] s[0,1]
          relu mul
      gemm_tn_13x18x9
        a is 13, 9
          mul x[1,13] s[1,0]
          relu mul
      gemm_tn_18x13x9
        b is 9, 13
          mul x[13,1] s[0,1]
          relu mul
      gemm_nt_9x9x13
        a is 9, 13
          mul x[13,1] s[0,1]
          relu mul
        b is 13, 9
          mul x[1,13] s[1,0]
          relu mul"
    `);
    expect(kernelsOf(scaled, { without: ['prologue'], allPrologues: true })).toMatchInlineSnapshot(`
      "map_9x13_mul_relu
      gemm_nn_9x18x13
      gemm_tn_13x18x9
      gemm_tn_18x13x9
      gemm_nt_9x9x13"
    `);
  });

  it('through index maps, with a gather among what makes it', () => {
    const text = `
      %x = input "x" : f32[2,3,9,8]
      %s = input "s" : f32[8]
      %w = input "w" : f32[24,5]
      %t = input "t" : f32[7,4]
      %i = input "i" : i32[9,3]
      %u = input "u" : f32[12,5]
      %1 = mul %x, %s : f32[2,3,9,8]
      %2 = transpose %1 perm=[0,2,1,3] : f32[2,9,3,8]
      %3 = reshape %2 : f32[18,24]
      %4 = matmul %3, %w transposeA=false transposeB=false : f32[18,5]
      %5 = gather %t, %i : f32[9,3,4]
      %6 = reshape %5 : f32[9,12]
      %7 = matmul %6, %u transposeA=false transposeB=false : f32[9,5]
      %m = input "m" : f32[2,6,7,3]
      %c = input "c" : f32[3]
      %f = input "f" : f32[18,4]
      %8 = mul %m, %c : f32[2,6,7,3]
      %9 = window %8 axes=[1,2] sizes=[2,3] strides=[1,2] dilations=[1,1] : f32[2,5,3,3,2,3]
      %10 = transpose %9 perm=[0,1,2,4,5,3] : f32[2,5,3,2,3,3]
      %11 = reshape %10 : f32[30,18]
      %12 = matmul %11, %f transposeA=false transposeB=false : f32[30,4]
      return a = %4
      return b = %7
      return c = %12`;
    expect(kernelsOf(text)).toMatchInlineSnapshot(`
      "map_2x3x9x8_mul
      gemm_nn_18x5x24
      gemm_nn_9x5x12
        a is 9, 3x4
          gather t[0,0,1] i[3,1,0]
      gemm_nn_30x4x18
        a is 2x5x3, 2x3x3
          mul m[126,21,6,21,3,1] c[0,0,0,0,0,1]"
    `);
  });

  it('of statistics of rows, which their nest stores in its place', () => {
    const text = `
      %x = input "x" : f32[9,12]
      %w = input "w" : f32[12,5]
      %1 = sum %x axes=[1] : f32[9,1]
      %2 = div %x, %1 : f32[9,12]
      %3 = matmul %2, %w transposeA=false transposeB=false : f32[9,5]
      return y = %3`;
    expect(kernelsOf(text)).toMatchInlineSnapshot(`
      "reduce_9x12_sum
      gemm_nn_9x5x12
        a is 9, 12
          div x[12,1] sum[1,0]"
    `);
  });

  it('where the nest that has read it, too, is gone', () => {
    const text = `
      %x = input "x" : f32[6,6]
      %1 = exp %x : f32[6,6]
      %2 = transpose %1 perm=[1,0] : f32[6,6]
      %3 = mul %1, %2 : f32[6,6]
      %4 = matmul %3, %x transposeA=false transposeB=false : f32[6,6]
      %5 = matmul %1, %x transposeA=false transposeB=false : f32[6,6]
      return y = %4
      return z = %5`;
    expect(kernelsOf(text)).toMatchInlineSnapshot(`
      "map_6x6_exp
      gemm_nn_6x6x6
        a is 6, 6
          mul exp[6,1] exp[1,6]
      gemm_nn_6x6x6"
    `);
  });

  it('and the schedule tells', () => {
    expect(printSchedule(schedule(graphOf(scaled), { allPrologues: true }))).toContain(
      'A made by 9 rows: mul, relu; sums finished in registers',
    );
    expect(printSchedule(schedule(graphOf(scaled), { allPrologues: true }))).toContain(
      'B made by panel: mul, relu',
    );
  });

  it.each([
    ['what is an output', 'return z = %1'],
    [
      'what other kernels read',
      '%3 = transpose %1 perm=[1,0] : f32[6,6]\n%4 = exp %3 : f32[6,6]\n%5 = add %4, %1 : f32[6,6]\nreturn z = %5',
    ],
    ['what a product reads behind itself, too', '%3 = add %2, %1 : f32[6,6]\nreturn z = %3'],
    ['a new value of a variable', 'update "p" = %1'],
  ])('but not %s', (_, more) => {
    const text = `
      %x = input "x" : f32[6,6]
      %p = parameter "p" : f32[6,6]
      %1 = mul %x, %p : f32[6,6]
      %2 = matmul %1, %x transposeA=false transposeB=false : f32[6,6]
      ${more}
      return y = %2`;
    expect(kernelsOf(text)).not.toContain('  a is');
  });

  it('a variable is overwritten behind the products that make operands of its old value, and never by one of them', () => {
    const text = (update: string) => `
      %w = parameter "w" : f32[8,8]
      %x = input "x" : f32[8,8]
      %1 = mul %w, %w : f32[8,8]
      %2 = matmul %1, %x transposeA=false transposeB=false : f32[8,8]
      %3 = sub %w, ${update} : f32[8,8]
      update "w" = %3
      return y = %2`;
    expect(kernelsOf(text('%x'))).toMatchInlineSnapshot(`
      "gemm_nn_8x8x8
        a is 8, 8
          mul w[8,1] w[8,1]
      map_8x8_sub"
    `);
    expect(kernelsOf(text('%2'))).toMatchInlineSnapshot(`
      "map_8x8_mul
      gemm_nn_8x8x8_sub"
    `);
  });
});

describe('it does so where that takes less time', () => {
  const product = (m: number, k: number, n: number, form: string) => `
    %x = input "x" : f32[${m},${k}]
    %t = input "t" : f32[${k},${m}]
    %w = input "w" : f32[${k},${n}]
    %v = input "v" : f32[${n},${k}]
    ${form}
    return y = %y`;
  const scaled = '%1 = mul %x, %x : M\n%y = matmul %1, %w transposeA=false transposeB=false : R';
  const heavy = '%1 = erf %x : M\n%y = matmul %1, %w transposeA=false transposeB=false : R';
  const turned = '%1 = mul %t, %t : T\n%y = matmul %1, %w transposeA=true transposeB=false : R';
  const right = '%1 = mul %v, %v : V\n%y = matmul %x, %1 transposeA=false transposeB=true : R';

  it.each([
    ['what is read as it lies, and small', false, [64, 64, 64], scaled],
    ['what is read as it lies, and larger than the caches', true, [2048, 512, 64], scaled],
    ['what takes long to make', false, [2048, 512, 64], heavy],
    ['rows whose steps lie far apart', true, [256, 256, 256], turned],
    ['the same, near', false, [64, 64, 64], turned],
    ['what is packed anyway', true, [64, 64, 64], right],
    ['the same again for each block of many rows', false, [4096, 600, 64], right],
  ] as const)('%s: %s', (_, makes, [m, k, n], form) => {
    const sizes = { M: [m, k], R: [m, n], T: [k, m], V: [n, k] };
    const typed = form.replaceAll(/: ([MRTV])/g, (_, of: keyof typeof sizes) => `: f32[${sizes[of]}]`);
    expect(kernelsOf(product(m, k, n, typed), {}).includes(' is ')).toBe(makes);
  });
});

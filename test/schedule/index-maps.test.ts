import { describe, expect, it } from 'vitest';
import {
  type ConvOptions,
  conv2d,
  f32,
  gradients,
  type Tensor,
  type TensorType,
  trace,
} from '../../src/index.js';
import { digitsOf, elementAt, operandShapes, throughCopy } from '../../src/kernels/index-map.js';
import type { Digit } from '../../src/kernels/kernel.js';
import { optimize } from '../../src/optimize/index.js';
import { planMemory } from '../../src/plan/plan.js';
import { printSchedule } from '../../src/schedule/print.js';
import { schedule } from '../../src/schedule/schedule.js';
import { contiguousStrides, numel, offsetOf, type Shape } from '../../src/shape.js';
import { graphOf } from './text.js';

/** Each kernel, and of a product its operands: `3:5 7:1` are three elements five apart, in each of which are seven. */
function kernelsOf(text: string, without: string[] = []): string {
  const { kernels } = schedule(graphOf(text), { without });
  const digits = (list: readonly Digit[]) => list.map(({ size, stride }) => `${size}:${stride}`).join(' ');
  return kernels
    .flatMap((kernel) => {
      if (kernel.kind !== 'gemm') return [kernel.name];
      const shapes = operandShapes(kernel);
      const operand = (which: 'a' | 'b') => {
        const axes = shapes[which].map((size, axis) => digits(digitsOf(kernel[which], axis, size)));
        const { source, offset } = kernel[which];
        return `  ${which} ${source.op.name}${offset ? ` + ${offset}` : ''} [${axes.join(', ')}]`;
      };
      return [kernel.name, operand('a'), operand('b')];
    })
    .join('\n');
}

describe('a product reads its operands where they are copied from', () => {
  it('merged heads, of an input and transposed', () => {
    const heads = `
      %x = input "x" : f32[2,3,9,8]
      %w = input "w" : f32[24,5]
      %v = input "v" : f32[18,5]
      %1 = transpose %x perm=[0,2,1,3] : f32[2,9,3,8]
      %2 = reshape %1 : f32[18,24]
      %3 = matmul %2, %w transposeA=false transposeB=false : f32[18,5]
      %4 = matmul %2, %v transposeA=true transposeB=false : f32[24,5]
      %5 = matmul %v, %2 transposeA=true transposeB=false : f32[5,24]
      %6 = matmul %w, %2 transposeA=true transposeB=true : f32[5,18]
      return a = %3
      return b = %4
      return c = %5
      return d = %6`;
    expect(kernelsOf(heads)).toMatchInlineSnapshot(`
      "gemm_nn_18x5x24
        a input [2:216 9:8, 3:72 8:1]
        b input [24:5, 5:1]
      gemm_tn_24x5x18
        a input [3:72 8:1, 2:216 9:8]
        b input [18:5, 5:1]
      gemm_tn_5x24x18
        a input [5:1, 18:5]
        b input [2:216 9:8, 3:72 8:1]
      gemm_tt_5x18x24
        a input [5:1, 24:5]
        b input [3:72 8:1, 2:216 9:8]"
    `);
    expect(kernelsOf(heads, ['index-maps'])).toMatchInlineSnapshot(`
      "map_2x9x3x8_reshape
      gemm_nn_18x5x24
        a reshape [18:24, 24:1]
        b input [24:5, 5:1]
      gemm_tn_24x5x18
        a reshape [24:1, 18:24]
        b input [18:5, 5:1]
      gemm_tn_5x24x18
        a input [5:1, 18:5]
        b reshape [18:24, 24:1]
      gemm_tt_5x18x24
        a input [5:1, 24:5]
        b reshape [24:1, 18:24]"
    `);
  });

  it('patches of an image', () => {
    const patches = `
      %x = input "x" : f32[2,6,7,3]
      %w = input "w" : f32[27,4]
      %1 = pad %x before=[0,1,1,0] after=[0,1,1,0] : f32[2,8,9,3]
      %2 = window %1 axes=[1,2] sizes=[3,3] strides=[1,1] dilations=[1,1] : f32[2,6,7,3,3,3]
      %3 = transpose %2 perm=[0,1,2,4,5,3] : f32[2,6,7,3,3,3]
      %4 = reshape %3 : f32[84,27]
      %5 = matmul %4, %w transposeA=false transposeB=false : f32[84,4]
      %6 = matmul %4, %5 transposeA=true transposeB=false : f32[27,4]
      return y = %5
      return z = %6`;
    expect(kernelsOf(patches)).toMatchInlineSnapshot(`
      "pad_2x8x9x3
      gemm_nn_84x4x27
        a pad [2:216 6:27 7:3, 3:27 9:1]
        b input [27:4, 4:1]
      gemm_tn_27x4x84
        a pad [3:27 9:1, 2:216 6:27 7:3]
        b matmul [84:4, 4:1]"
    `);
  });

  it('a long k in parts, which count through the map as one', () => {
    const parts = `
      %x = input "x" : f32[700,5,100]
      %v = input "v" : f32[70000,6]
      %1 = transpose %x perm=[0,2,1] : f32[700,100,5]
      %2 = reshape %1 : f32[70000,5]
      %3 = matmul %2, %v transposeA=true transposeB=false : f32[5,6]
      return y = %3`;
    expect(kernelsOf(parts)).toMatchInlineSnapshot(`
      "gemm_nn_4x5x6x17500
        a input [, 5:100, 700:500 100:1]
        b input [, 70000:6, 6:1]
      map_1x5x6_add_add_add"
    `);
  });

  it.each([
    ['what other kernels read, too', ['%5 = exp %2 : f32[8,6]', 'return z = %5']],
    ['what is an output', ['return z = %2']],
    ['what a product reads as an operand and behind it', ['%6 = add %4, %2 : f32[8,6]', 'return z = %6']],
  ])('but not %s', (_, more) => {
    const text = `
      %x = input "x" : f32[4,2,6]
      %w = input "w" : f32[6,6]
      %1 = transpose %x perm=[1,0,2] : f32[2,4,6]
      %2 = reshape %1 : f32[8,6]
      %4 = matmul %2, %w transposeA=false transposeB=false : f32[8,6]
      ${more.join('\n')}
      return y = %4`;
    expect(kernelsOf(text)).toContain('_2x4x6_reshape');
  });

  it('nor where an axis begins inside of a row of the copy', () => {
    const text = (start: number) => `
      %x = input "x" : f32[4,3,6]
      %w = input "w" : f32[6,6]
      %1 = transpose %x perm=[1,0,2] : f32[3,4,6]
      %2 = reshape %1 : f32[12,6]
      %3 = slice %2 starts=[${start},0] sizes=[8,6] : f32[8,6]
      %4 = matmul %3, %w transposeA=false transposeB=false : f32[8,6]
      return y = %4`;
    expect(kernelsOf(text(4))).not.toContain('reshape');
    expect(kernelsOf(text(2))).toContain('reshape');
  });

  it('nor what the maker of its elements writes in rows at once', () => {
    const text = `
      %s = input "s" : f32[2,3,8,8]
      %v = input "v" : f32[2,3,8,4]
      %o = input "o" : f32[12,5]
      %1 = matmul %s, %v transposeA=false transposeB=false : f32[2,3,8,4]
      %2 = transpose %1 perm=[0,2,1,3] : f32[2,8,3,4]
      %3 = reshape %2 : f32[16,12]
      %4 = matmul %3, %o transposeA=false transposeB=false : f32[16,5]
      return y = %4`;
    expect(kernelsOf(text)).toContain('a reshape [16:12, 12:1]');
    expect(kernelsOf(text, ['strided-stores'])).toContain('a matmul [2:96 8:4, 3:32 4:1]');
  });
});

describe('a product reads what lies as a part of another value', () => {
  const model = (without: string[]) => {
    const types = { x: f32(2, 6, 7, 4), g: f32(2, 6, 7, 8), w: f32(3, 3, 4, 8) };
    const graph = trace('c', types as Record<string, TensorType>, ({ x, g, w }: Record<string, Tensor>) => {
      const [dx, dw] = gradients(conv2d(x, w, { padding: 1 }), [x, w], { cotangent: g.mul(x.sum()) });
      return { dx: dx!, dw: dw! };
    });
    return schedule(optimize(graph), { without });
  };

  it('as the gradient of filters does a cotangent inside of zeros', () => {
    const { kernels, storage } = model([]);
    const filters = kernels.find(
      (k) => k.kind === 'gemm' && k.a.source.op.name === 'pad' && k.name.includes('_36x8x'),
    );
    if (filters?.kind !== 'gemm') throw new Error('no gradient of filters');
    expect(filters.b.source.op.name).toBe('pad');
    expect(filters.b.digits).toEqual([
      [
        { size: 2, stride: 8 * 9 * 8 },
        { size: 6, stride: 9 * 8 },
        { size: 7, stride: 8 },
      ],
      [{ size: 8, stride: 1 }],
    ]);
    expect(filters.loads.map((node) => storage.get(node)!.kind)).toContain('part');
    expect(kernels.filter((k) => k.kind === 'copy' && k.parts.length > 0)).toHaveLength(1);
  });

  it('unless maps are left out', () => {
    const { kernels } = model(['index-maps']);
    expect(kernels.filter((k) => k.kind === 'copy' && k.parts.length > 0)).toHaveLength(2);
  });
});

describe('rows of an index map', () => {
  const left = (image: number[], filters: number[], options: ConvOptions) => {
    const types = { x: f32(...image), w: f32(...filters) } as Record<string, TensorType>;
    const graph = trace('c', types, ({ x, w }: Record<string, Tensor>) => ({ y: conv2d(x, w, options) }));
    const product = schedule(optimize(graph)).kernels.find((k) => k.kind === 'gemm');
    if (product?.kind !== 'gemm') throw new Error('no product');
    const { packA, rowsA } = product.tiling;
    return packA ? 'packed' : rowsA === 'each' ? 'each from its own address' : 'by a stride';
  };

  it.each<[string, string, number[], number[], ConvOptions]>([
    ['tiles end where rows of the image do', 'by a stride', [2, 8, 8, 8], [3, 3, 8, 64], { padding: 1 }],
    ['tiles go on in the next row', 'each from its own address', [2, 7, 7, 8], [3, 3, 8, 16], { padding: 1 }],
    ['the same for several panels', 'packed', [2, 7, 7, 8], [3, 3, 8, 32], { padding: 1 }],
    ['lines have gaps', 'by a stride', [2, 8, 8, 8], [1, 1, 8, 16], { stride: 2 }],
    ['the same for several panels', 'packed', [2, 8, 8, 8], [1, 1, 8, 32], { stride: 2 }],
    ['runs are short', 'by a stride', [2, 8, 8, 1], [3, 3, 1, 16], { padding: 1 }],
    ['the same for several panels', 'packed', [2, 8, 8, 1], [3, 3, 1, 32], { padding: 1 }],
    ['runs are longer, for many panels', 'packed', [2, 8, 8, 3], [3, 3, 3, 64], { padding: 1 }],
  ])('are read where %s: %s', (_, how, image, filters, options) => {
    expect(left(image, filters, options)).toBe(how);
  });
});

it('a variable is overwritten behind the products that read its old value through a map', () => {
  const text = `
    %w = parameter "w" : f32[4,2,6]
    %x = input "x" : f32[6,6]
    %1 = exp %w : f32[4,2,6]
    %2 = transpose %w perm=[1,0,2] : f32[2,4,6]
    %3 = reshape %2 : f32[8,6]
    %4 = matmul %3, %x transposeA=false transposeB=false : f32[8,6]
    update "w" = %1
    return y = %4`;
  expect(kernelsOf(text)).toMatchInlineSnapshot(`
    "gemm_nn_8x6x6
      a input [2:6 4:12, 6:1]
      b input [6:6, 6:1]
    map_2x4x6_exp"
  `);
});

describe('through copies', () => {
  const read = (domain: Shape, perm: readonly number[]) => {
    const source = perm.map((_, axis) => domain[perm.indexOf(axis)]);
    const own = contiguousStrides(source);
    return { domain, strides: perm.map((axis) => own[axis]) };
  };

  it.each<[Shape, number[], Shape, number[], number]>([
    [[3, 4, 5], [1, 0, 2], [12, 5], [5, 1], 0],
    [[3, 4, 5], [2, 0, 1], [3, 20], [20, 1], 0],
    [[3, 4, 5], [2, 1, 0], [60], [1], 0],
    [[3, 4, 6], [1, 0, 2], [3, 4, 3], [24, 6, 2], 0],
    [[3, 4, 6], [1, 0, 2], [36], [2], 0],
    [[3, 4, 6], [1, 0, 2], [2, 4, 6], [24, 6, 1], 24],
    [[3, 1, 4, 6], [3, 1, 0, 2], [4, 8], [0, 3], 0],
  ])(
    'every element of a copy of %s in the order %s is found, as %s by %s from %i',
    (domain, perm, shape, strides, offset) => {
      const node = graphOf(`%x = input "x" : f32[${numel(domain)}]\nreturn y = %x`).nodes[0];
      const { strides: of } = read(domain, perm);
      const found = throughCopy({ source: node, strides, offset }, shape, {
        domain,
        read: { source: node, strides: of, offset: 7 },
      })!;
      const own = contiguousStrides(domain);
      const inCopy = (element: number) => domain.map((size, i) => Math.floor(element / own[i]) % size);
      const each = contiguousStrides(shape);
      for (let i = 0; i < numel(shape); i++) {
        const at = shape.map((size, axis) => Math.floor(i / each[axis]) % size);
        const wanted = offsetOf(inCopy(offsetOf(at, strides, offset)), of, 7);
        const got = at.reduce(
          (sum, place, axis) => sum + elementAt(digitsOf(found, axis, shape[axis]), place),
          found.offset,
        );
        expect(got).toBe(wanted);
      }
    },
  );

  it.each<[Shape, Shape, number[], number]>([
    [[3, 4, 5], [8, 5], [5, 1], 10],
    [[3, 4, 5], [8, 5], [5, 1], 5],
    [[3, 4, 5], [6, 5], [5, 1], 0],
    [[3, 4, 5], [4], [6], 0],
    [[3, 4, 5], [7], [2], 0],
    [[3, 4, 5], [4], [-1], 3],
  ])('no digits are found for a copy of %s as %s by %s from %i', (domain, shape, strides, offset) => {
    const node = graphOf(`%x = input "x" : f32[60]\nreturn y = %x`).nodes[0];
    const copy = { domain, read: { source: node, strides: read(domain, [2, 0, 1]).strides, offset: 0 } };
    expect(throughCopy({ source: node, strides, offset }, shape, copy)).toBe(null);
  });
});

describe('the memory of a convolution', () => {
  const types = { x: f32(4, 12, 12, 8), w: f32(3, 3, 8, 16) };
  const planned = (without: string[]) => {
    const graph = trace('c', types as Record<string, TensorType>, ({ x, w }: Record<string, Tensor>) => ({
      y: conv2d(x, w, { padding: 'same' }).relu(),
    }));
    const call = schedule(optimize(graph), { without });
    return { call, plan: planMemory({ call }, []) };
  };

  it('has no buffer of patches', () => {
    const patches = 4 * 4 * 12 * 12 * 9 * 8;
    const bytes = (without: string[]) =>
      planned(without).call.lives.reduce((sum, { node }) => sum + 4 * numel(node.shape), 0);
    expect(bytes([])).toBe(4 * 4 * 14 * 14 * 8);
    expect(bytes(['index-maps'])).toBe(bytes([]) + patches);
  });

  it('is told in the schedule, with how the product reads it', () => {
    expect(printSchedule(planned([]).call).replaceAll(/ \(index-maps[^)]*\)/g, '')).toMatchInlineSnapshot(`
      "schedule c: 2 kernels
        0 pad_4x14x14x8
          fuses  pad
          loads  input x f32[4,12,12,8]
          stores pad f32[4,14,14,8]
          cost   0 flops, 43520 bytes, 0.00 flops/byte, about 2.7 us
        1 gemm_nn_576x16x72_relu
          fuses  matmul, relu
          loads  pad f32[4,14,14,8], input w f32[3,3,8,16]
          stores output y f32[576,16]
          tiles  A is m 4x12x12 by k 3x24; panels 2 of 4x8; B in place; sums finished in registers
          cost   1345536 flops, 66560 bytes, 20.22 flops/byte, about 35 us
        not fused:
          pad f32[4,14,14,8] -> reshape f32[576,72]: pad has a kernel of its own
      "
    `);
  });
});

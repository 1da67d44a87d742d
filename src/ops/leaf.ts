import { checkShape, type DType, type Shape } from '../shape.js';
import { hull } from './interval.js';
import { defineOp, type Op } from './op.js';
import { apply, type Tensor } from './tensor.js';

/** A tensor that the host fills: data, or a variable that outlives the step. */
export type InputAttrs = { name: string; role: 'input' | 'parameter' | 'state'; shape: Shape; dtype: DType };

export const inputOp: Op<InputAttrs> = defineOp<InputAttrs>({
  name: 'input',
  type: (_, { shape, dtype }) => ({ shape, dtype }),
  vjp: null,
  reference() {
    throw new Error('an input has no value of its own');
  },
  lower: { kind: 'leaf' },
});

/** One number for a scalar of any shape, or all elements in row-major order. */
export type ConstantAttrs = { values: readonly number[]; shape: Shape; dtype: DType };

export const constantOp: Op<ConstantAttrs> = defineOp<ConstantAttrs>({
  name: 'constant',
  type(_, { shape, dtype }) {
    checkShape('constant', shape);
    return { shape, dtype };
  },
  vjp: null,
  reference(_, { values }, out) {
    if (values.length === 1) out.data.fill(values[0]);
    else out.data.set(values);
  },
  exact: true,
  interval: (_, { attrs: { values, dtype } }) =>
    // As the user wrote it, and as float32 has it.
    hull((dtype === 'f32' ? [...values, ...values.map(Math.fround)] : values).map((x) => ({ lo: x, hi: x }))),
  lower: { kind: 'leaf' },
});

type IotaAttrs = { size: number };

const iotaOp: Op<IotaAttrs> = defineOp<IotaAttrs>({
  name: 'iota',
  type(_, { size }) {
    checkShape('iota', [size]);
    return { shape: [size], dtype: 'i32' };
  },
  vjp: null,
  reference(_, { size }, out) {
    for (let i = 0; i < size; i++) out.data[i] = i;
  },
  implied: ({ shape }) => ({ size: shape[0] }),
  interval: (_, { attrs: { size } }) => ({ lo: 0, hi: size - 1 }),
  onnx: (to, _, { attrs: { size } }) =>
    to.node(
      'Range',
      [0, size, 1].map((n) => to.constant(n, 'i32')),
    ),
  lower: { kind: 'iota' },
});

/**
 * The integers from 0 to size - 1.
 * @example
 * ```ts
 * import { iota } from '2headgrad';
 * console.log(iota(4)); // Tensor i32[4] [0, 1, 2, 3]
 * ```
 */
export function iota(size: number): Tensor {
  return apply(iotaOp, [], { size });
}

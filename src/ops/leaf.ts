import { checkShape, contiguousStrides, type DType, normalizeAxis, numel, type Shape } from '../shape.js';
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
  lower: { kind: 'leaf' },
});

type IotaAttrs = { shape: Shape; axis: number };

const iotaOp: Op<IotaAttrs> = defineOp<IotaAttrs>({
  name: 'iota',
  type(_, { shape }) {
    checkShape('iota', shape);
    return { shape, dtype: 'i32' };
  },
  vjp: null,
  reference(_, { shape, axis }, out) {
    const stride = contiguousStrides(shape)[axis];
    for (let i = 0, n = numel(shape); i < n; i++) out.data[i] = Math.floor(i / stride) % shape[axis];
  },
  lower: { kind: 'iota' },
});

/** Each element's own index along `axis`, as i32. */
export function iota(shape: Shape, axis = -1): Tensor {
  return apply(iotaOp, [], { shape, axis: normalizeAxis('iota', axis, shape.length) });
}

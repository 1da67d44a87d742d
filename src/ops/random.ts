import { PHILOX, philoxUniform } from '../random/philox.js';
import { broadcastShapes, requireDType } from '../shape.js';
import { within } from './interval.js';
import { eachRun } from './loops.js';
import type { OnnxWriter } from './onnx.js';
import { defineOp, type Op } from './op.js';
import { apply, type Tensor, type TensorLike, toTensor } from './tensor.js';

type None = Record<never, never>;

const randomOp: Op<None> = defineOp<None>({
  name: 'random',
  type([counter, step, key]) {
    for (const input of [counter, step, key]) requireDType('random', input, 'i32');
    return { shape: broadcastShapes('random', [counter.shape, step.shape, key.shape]), dtype: 'f32' };
  },
  vjp: null,
  reference([counter, step, key], _, out) {
    eachRun(out.shape, [counter, step, key], (o, n, at, by) => {
      let [i, j, k] = at;
      for (const end = o + n; o < end; o++, i += by[0], j += by[1], k += by[2]) {
        out.data[o] = philoxUniform(key.data[k], counter.data[i], step.data[j]);
      }
    });
  },
  interval: within(0, 1),
  onnx(to, [counter, step, key], { shape }) {
    const word = (x: string) => to.node('Expand', [words(to, x), to.ints(shape)]);
    const drawn = philoxInOnnx(to, word(key), word(counter), word(step));
    const upper = to.node('BitShift', [drawn, to.constant(8, 'u64')], { direction: 'RIGHT' });
    return to.node('Mul', [to.cast(to.cast(upper, 'i64'), 'f32'), to.constant(2 ** -24, 'f32')]);
  },
  lower: {
    kind: 'elementwise',
    cost: 100,
    emit: ([counter, step, key]) => `random4(${counter}, ${step}, ${key})`,
    library: { random4: 'random' },
  },
});

/** i32 as the same 32 bits in u64. */
function words(to: OnnxWriter, x: string): string {
  return to.node('BitwiseAnd', [to.cast(to.cast(x, 'i64'), 'u64'), to.constant(0xffffffff, 'u64')]);
}

/**
 * Word 0 of Philox-2x32-10, as `philox2` has it, on words in u64. Engines multiply i64 and shift u64. Halves of the counter's word
 * keep all products below 2^49.
 */
function philoxInOnnx(to: OnnxWriter, key: string, first: string, second: string): string {
  const u64 = (value: number) => to.constant(value, 'u64');
  const low = (x: string, mask: number) => to.node('BitwiseAnd', [x, u64(mask)]);
  const shifted = (x: string, direction: 'LEFT' | 'RIGHT') =>
    to.node('BitShift', [x, u64(16)], { direction });
  const calculated = (op: string, a: string, b: string) =>
    to.cast(to.node(op, [to.cast(a, 'i64'), to.cast(b, 'i64')]), 'u64');
  let [k, c0, c1] = [key, first, second];
  for (let round = 0; round < 10; round++) {
    const lower = calculated('Mul', low(c0, 0xffff), u64(PHILOX.multiplier));
    const upper = calculated('Mul', shifted(c0, 'RIGHT'), u64(PHILOX.multiplier));
    const middle = calculated('Add', upper, shifted(lower, 'RIGHT'));
    const product = to.node('BitwiseOr', [shifted(low(middle, 0xffff), 'LEFT'), low(lower, 0xffff)]);
    c0 = to.node('BitwiseXor', [to.node('BitwiseXor', [shifted(middle, 'RIGHT'), k]), c1]);
    c1 = product;
    k = low(calculated('Add', k, u64(PHILOX.weyl)), 0xffffffff);
  }
  return c0;
}

/**
 * Random numbers in [0, 1), multiples of 2^-24, each a function of three integers alone (i32, broadcast together):
 * its place, the step, and a key, the seed of a stream. So nothing is drawn in an order, and the numbers are the
 * same on the tape and compiled, for any number of threads. The generator is Philox-2x32-10 (Salmon, Moraes, Dror,
 * Shaw 2011) on the counter (place, step).
 *
 * @example
 * ```ts
 * import { iota, random } from '2headgrad';
 * console.log(random(iota(3), 0, 42)); // Tensor f32[3] [0.14529, 0.304934, 0.0663134]
 * ```
 */
export function random(counter: TensorLike, step: TensorLike, key: TensorLike): Tensor {
  return apply(randomOp, [toTensor(counter, 'i32'), toTensor(step, 'i32'), toTensor(key, 'i32')], {});
}

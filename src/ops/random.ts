import { philoxUniform } from '../random/philox.js';
import { broadcastShapes, requireDType } from '../shape.js';
import { within } from './interval.js';
import { eachRun } from './loops.js';
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
  lower: {
    kind: 'elementwise',
    cost: 100,
    emit: ([counter, step, key]) => `random4(${counter}, ${step}, ${key})`,
    library: { random4: 'random' },
  },
});

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

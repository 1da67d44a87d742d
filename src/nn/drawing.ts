import { declared } from '../init/fill.js';
import * as init from '../init/init.js';
import { add } from '../ops/elementwise.js';
import { interpreter, type Tensor, type Variable } from '../ops/tensor.js';
import { layer, type ModuleOf, state } from './module.js';

/** Any integer of 32 bits. */
const word = declared(() => ({ kind: 'word' }));

/**
 * A layer that draws random numbers in training and in use leaves its input as it is. What it draws is a function of a key, drawn
 * from the session's seed, and of a step, how often it has drawn so far. Both are state of the layer, `key` and `step`, which a
 * checkpoint holds: a run that is resumed goes on with the numbers it would have had.
 */
export function drawing(
  kind: string,
  forward: (x: Tensor, step: Tensor, key: Tensor) => Tensor,
): ModuleOf<{ key: Variable; step: Variable }> {
  const key = state([], word, 'i32');
  const step = state([], init.zeros, 'i32');
  const draw = (x: Tensor) => {
    if (!interpreter().training) return x;
    const y = forward(x, step, key);
    step.assign(add(step, 1));
    return y;
  };
  return layer({ key, step }, draw, kind);
}

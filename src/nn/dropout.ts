import { fraction } from '../check.js';
import { declared } from '../init/fill.js';
import * as init from '../init/init.js';
import { greaterEqual, where } from '../ops/compare.js';
import { add, mul } from '../ops/elementwise.js';
import { iota } from '../ops/leaf.js';
import { reshape } from '../ops/movement.js';
import { random } from '../ops/random.js';
import { interpreter, type Tensor } from '../ops/tensor.js';
import { numel } from '../shape.js';
import { layer, type Module, state } from './module.js';

/** Random numbers are multiples of this. */
const UNIT = 2 ** -24;

/** Any integer of 32 bits. */
const word = declared(() => ({ kind: 'word' }));

/**
 * Dropout: in training each element becomes 0 with probability `p`, and the others are divided by 1 - p, so that the
 * expected value stays; in use it does nothing. x: f32[...] -> f32[...]. (Srivastava et al. 2014, in the inverted
 * form, their section 10.)
 *
 * The mask is a function of a key, a step and an element's place by a counter-based generator (see `random`), so it
 * is the same on the tape and compiled, for any number of threads. The key is drawn from the session's seed; both it
 * and the number of masks drawn so far are state of the layer, `key` and `step`, which a checkpoint holds: a run that
 * is resumed goes on with the masks it would have had.
 */
export function dropout(p = 0.5): Module {
  fraction('dropout: p', p);
  if (p === 0) return layer({}, (x) => x, 'dropout');
  const key = state([], word, 'i32');
  const step = state([], init.zeros, 'i32');
  // As a multiple of the random numbers' unit it is the same in float32 and float64.
  const dropped = Math.min(Math.round(p / UNIT), 2 ** 24 - 1) * UNIT;
  const forward = (x: Tensor) => {
    if (!interpreter().training) return x;
    const place = reshape(iota(numel(x.shape)), x.shape);
    const kept = greaterEqual(random(place, step, key), dropped);
    step.assign(add(step, 1));
    return where(kept, mul(x, 1 / (1 - p)), 0);
  };
  return layer({ key, step }, forward, 'dropout');
}

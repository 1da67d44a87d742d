import { fraction } from '../check.js';
import { greaterEqual, where } from '../ops/compare.js';
import { mul } from '../ops/elementwise.js';
import { iota } from '../ops/leaf.js';
import { reshape } from '../ops/movement.js';
import { random } from '../ops/random.js';
import type { Variable } from '../ops/tensor.js';
import { numel } from '../shape.js';
import { drawing } from './drawing.js';
import { layer, type ModuleOf } from './module.js';

/** Random numbers are multiples of this. */
const UNIT = 2 ** -24;

/**
 * Dropout: in training each element becomes 0 with probability `p`, and the others are divided by 1 - p, so that the
 * expected value stays; in use it does nothing. x: f32[...] -> f32[...]. (Srivastava et al. 2014, in the inverted
 * form, their section 10.)
 *
 * The mask is a function of a key, a step and an element's place by a counter-based generator (see `random`), so it
 * is the same on the tape and compiled, for any number of threads. Key and step are state of the layer, which a
 * checkpoint holds.
 *
 * @example
 * ```ts
 * import { nn } from '2headgrad';
 * // Training drops a tenth of the hidden units, evaluate and predict none.
 * const model = nn.sequential(nn.linear(8, 32), nn.relu(), nn.dropout(0.1), nn.linear(32, 1));
 * console.log([...nn.namedVariables(model).keys()].join(' ')); // layers.0.weight layers.0.bias layers.2.key layers.2.step layers.3.weight layers.3.bias
 * ```
 */
export function dropout(p = 0.5): ModuleOf<{ key?: Variable; step?: Variable }> {
  fraction('dropout: p', p);
  if (p === 0) return layer({}, (x) => x, 'dropout');
  // As a multiple of the random numbers' unit it is the same in float32 and float64.
  const dropped = Math.min(Math.round(p / UNIT), 2 ** 24 - 1) * UNIT;
  return drawing('dropout', (x, step, key) => {
    const place = reshape(iota(numel(x.shape)), x.shape);
    const kept = greaterEqual(random(place, step, key), dropped);
    return where(kept, mul(x, 1 / (1 - p)), 0);
  });
}

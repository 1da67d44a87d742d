import { boolean, checkOptions, shown } from '../check.js';
import { OptionError } from '../errors.js';
import { randomShift as randomShiftOf } from '../ops/random-shift.js';
import type { PerAxis } from '../ops/spatial.js';
import { drawing } from './drawing.js';
import type { Module } from './module.js';

/**
 * In training each image of a batch is moved by up to `by` places, a number for all axes or one for each, by a shift of
 * its own that is
 * drawn anew in every step, with zeros where nothing comes from; in use it does nothing. x: f32[batch, ...places,
 * channels], with
 * `channelsFirst` as PyTorch has them, -> the same shape. The shifts follow from the session's seed, as dropout's masks
 * do. It stands
 * before the first layer, so that a model sees more images than there are. (Simard, Steinkraus and Platt 2003.)
 *
 * @example
 * ```ts
 * import { f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
 * // Images are moved by up to two pixels while it trains, and lie still in use.
 * const step = trainStep({
 *   model: nn.sequential(nn.randomShift(2), nn.flatten(), nn.linear(64, 10)),
 *   batch: { x: f32(4, 8, 8, 1), y: f32(4, 10) },
 *   loss: (model, { x, y }) => meanSquaredError(model(x), y),
 *   optimizer: optim.adam(),
 * });
 * console.log(step.interpret().parameterCount); // 650
 * ```
 */
export function randomShift(by: PerAxis, options: { channelsFirst?: boolean } = {}): Module {
  checkOptions('randomShift', options, ['channelsFirst']);
  const { channelsFirst = false } = options;
  boolean('randomShift: channelsFirst', channelsFirst);
  // How many axes there are is known when an image comes.
  const list = typeof by === 'number' ? [by] : by;
  if (!Array.isArray(list) || list.length === 0 || !list.every((n) => Number.isInteger(n) && n >= 0))
    throw new OptionError(
      `randomShift: by: expected a whole number from 0, or one for each axis, got ${Array.isArray(by) ? JSON.stringify(by) : shown(by)}`,
    );
  return drawing('randomShift', (x, step, key) => randomShiftOf(x, by, { step, key, channelsFirst }));
}

import { checkOptions, positive, wholeNumber } from '../check.js';
import { OptionError, ShapeError } from '../errors.js';
import * as init from '../init/init.js';
import { cast } from '../ops/compare.js';
import { add, mul } from '../ops/elementwise.js';
import { gather } from '../ops/gather.js';
import { iota } from '../ops/leaf.js';
import { concat, reshape, slice } from '../ops/movement.js';
import { frequencies } from '../ops/rotary.js';
import type { Initializer, Tensor } from '../ops/tensor.js';
import { cos, sin } from '../ops/trigonometric.js';
import { formatShape } from '../shape.js';
import { onePlace } from './cache.js';
import { checkInput } from './inputs.js';
import { layer, layerOf, type Module, parameter } from './module.js';

export interface PlaceInputs {
  /** i32 of one element: where x, of one place, stands; else its places are 0, 1, 2 and so on. */
  place?: Tensor | undefined;
}

/**
 * Adds a learned vector for each place: x f32[batch, places, width] -> the same, of at most `count` places. Initial
 * ones
 * are normal with a deviation of 0.02 unless `weight` says otherwise.
 *
 * @example
 * ```ts
 * import { f32, i32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.sequential(nn.embedding(27, 16), nn.learnedPositions(64, 16)),
 *   batch: { x: i32(4, 20), y: f32(4, 20, 16) },
 *   loss: (model, { x, y }) => meanSquaredError(model(x), y),
 *   optimizer: optim.adam(),
 * });
 * console.log(step.interpret().parameterCount); // 1456
 * ```
 */
export function learnedPositions(
  count: number,
  width: number,
  options: { weight?: Initializer } = {},
): Module<[x: Tensor, more?: PlaceInputs]> {
  checkOptions('learnedPositions', options, ['weight']);
  wholeNumber('learnedPositions: count', count);
  wholeNumber('learnedPositions: width', width);
  const weight = parameter([count, width], options.weight ?? init.normal(0, 0.02));
  const forward = (x: Tensor, more: PlaceInputs = {}) => {
    checkOptions('learnedPositions', more, ['place']);
    const made = (width: number) => `learnedPositions(${count}, ${width})`;
    const places = placesOf(made, x, width);
    if (more.place !== undefined && places === 1)
      return add(x, gather(weight, onePlace('learnedPositions', more.place, count)));
    if (places > count)
      throw new ShapeError(
        `learnedPositions: ${formatShape(x.shape)} has ${places} places, and positions are learned for ${count}`,
      );
    return add(x, slice(weight, [0, 0], [places, width]));
  };
  return layerOf({ weight }, forward, 'learnedPositions');
}

/**
 * Adds sines and cosines of the place, of wavelengths from 2 pi to 2 pi times `base` (10,000): x f32[batch, places,
 * width]
 * -> the same, of an even width. The first half has the sines, the second the cosines. (Vaswani et al. 2017, section
 * 3.5, where they alternate.)
 *
 * @example
 * ```ts
 * import { nn, tensor } from '2headgrad';
 * console.log(nn.sinusoidalPositions(2)(tensor([[[0, 0], [0, 0]]]))); // Tensor f32[1, 2, 2] [0, 1, 0.841471, 0.540302]
 * ```
 */
export function sinusoidalPositions(width: number, options: { base?: number } = {}): Module {
  checkOptions('sinusoidalPositions', options, ['base']);
  const { base = 10_000 } = options;
  wholeNumber('sinusoidalPositions: width', width);
  positive('sinusoidalPositions: base', base);
  if (width % 2 !== 0) throw new OptionError(`sinusoidalPositions: the width must be even, got ${width}`);
  const forward = (x: Tensor) => {
    const places = placesOf((width) => `sinusoidalPositions(${width})`, x, width);
    const angles = mul(reshape(cast(iota(places), 'f32'), [places, 1]), frequencies(width, base));
    return add(x, concat([sin(angles), cos(angles)], 1));
  };
  return layer({}, forward, 'sinusoidalPositions');
}

function placesOf(made: (width: number) => string, x: Tensor, width: number): number {
  checkInput(x, { layer: made(width), form: ['...batch', 'places', width], fits: made });
  return x.shape.at(-2)!;
}

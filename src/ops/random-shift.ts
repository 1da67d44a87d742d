import { checkOptions } from '../check.js';
import { ShapeError } from '../errors.js';
import { formatShape, numel, type Shape } from '../shape.js';
import { cast } from './compare.js';
import { add, maximum, minimum, mul } from './elementwise.js';
import { gather } from './gather.js';
import { iota } from './leaf.js';
import { pad, reshape } from './movement.js';
import { random } from './random.js';
import { channelsToFirst, imageOf, type PerAxis } from './spatial.js';
import type { Tensor, TensorLike } from './tensor.js';
import { perAxis } from './window.js';

export interface RandomShiftOptions {
  /** Another step has other shifts; i32, or a whole number. */
  step: TensorLike;
  /** The seed of the stream; i32, or a whole number. */
  key: TensorLike;
  /** The images are [batch, channels, ...places], as PyTorch has them. */
  channelsFirst?: boolean | undefined;
}

/**
 * Each image of a batch moved by a shift of its own, drawn along each axis from the whole numbers from -by to by, with
 * zeros where
 * nothing comes from: x: f32[batch, ...places, channels] -> the same shape. `by` is a number for all axes or one for
 * each, smaller
 * than the image. The shifts are functions of step, key, the image's place in the batch and the axis (`random`), so
 * they are the same
 * on the tape and compiled, for any number of threads; the gradient moves back.
 *
 * @example
 * ```ts
 * import { iota, randomShift } from '2headgrad';
 * const image = iota(4).cast('f32').reshape([1, 2, 2, 1]);
 * console.log(randomShift(image, 1, { step: 1, key: 7 })); // Tensor f32[1, 2, 2, 1] [1, 0, 3, 0]
 * ```
 */
export function randomShift(x: TensorLike, by: PerAxis, options: RandomShiftOptions): Tensor {
  const what = 'randomShift';
  checkOptions(what, options, ['step', 'key', 'channelsFirst']);
  const image = imageOf(what, x, options.channelsFirst);
  const places = image.shape.slice(1, -1);
  const most = perAxis(`${what}: by`, by, places.length, 0);
  const out = most.findIndex((n, i) => n > 0 && n >= places[i]);
  if (out >= 0)
    throw new ShapeError(
      `${what}: a shift by up to ${most[out]} moves an image of ${formatShape(places)} places out of sight`,
    );
  const moved = most.every((n) => n === 0) ? image : shifted(image, places, most, options);
  return options.channelsFirst ? channelsToFirst(moved) : moved;
}

function shifted(image: Tensor, places: Shape, most: Shape, { step, key }: RandomShiftOptions): Tensor {
  const [batch, channels] = [image.shape[0], image.shape.at(-1)!];
  const around = [0, ...most, 0];
  const room = places.map((n, i) => n + 2 * most[i]);
  const along = (t: Tensor, axis: number) =>
    reshape(
      t,
      [batch, ...places].map((_, i) => (i === axis ? t.shape[0] : 1)),
    );
  // Where each element comes from, among the places of all images with the zeros around them.
  const from = places.reduce(
    (before, n, i) => {
      const drawn = random(add(mul(iota(batch), places.length), i), step, key);
      const start = along(wholeBelow(drawn, 2 * most[i] + 1), 0);
      return add(mul(before, room[i]), add(start, along(iota(n), i + 1)));
    },
    along(iota(batch), 0),
  );
  const rows = reshape(pad(image, around, around), [batch * numel(room), channels]);
  return gather(rows, from);
}

/** Whole numbers from 0 to below n from random ones from 0 to below 1; in float32, where nothing here is rounded, as in float64. */
function wholeBelow(uniform: Tensor, n: number): Tensor {
  // As many of the 24 bits as leave room for a factor of n.
  const unit = 2 ** -(24 - Math.ceil(Math.log2(n)));
  const leading = cast(mul(uniform, 1 / unit), 'i32');
  const drawn = cast(mul(cast(mul(leading, n), 'f32'), unit), 'i32');
  // They are within these bounds as they are; said so, the compiler can prove it.
  return maximum(minimum(drawn, n - 1), 0);
}

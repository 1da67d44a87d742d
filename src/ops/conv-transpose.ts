import { checkOptions } from '../check.js';
import { OptionError, ShapeError } from '../errors.js';
import { formatShape } from '../shape.js';
import { located } from '../source.js';
import { type ConvOptions, finished, groupsOf, operands } from './conv.js';
import { convolutionInput } from './convolution.js';
import { geometryOf, type PerAxis } from './spatial.js';
import type { Tensor, TensorLike } from './tensor.js';
import { grown, reach } from './window.js';

export interface ConvTransposeOptions extends ConvOptions {
  /** Places more after each axis of the result; 0 unless given. Less than the stride, or the dilation. */
  outputPadding?: PerAxis | undefined;
}

const OPTIONS = [
  ...(['stride', 'padding', 'outputPadding', 'dilation'] as const),
  ...(['groups', 'bias', 'channelsFirst'] as const),
];

/**
 * The transposed map of conv1d: x: f32[batch, width, in], filters: f32[kernel, out / groups, in] -> f32[batch, width',
 * out], each
 * place spread by the filters over (width - 1) stride + reach - padding + outputPadding places. With `same` there are
 * width stride.
 *
 * @example
 * ```ts
 * import { convTranspose1d, tensor } from '2headgrad';
 * const x = tensor([[[1], [2]]]);
 * console.log(convTranspose1d(x, tensor([[[1]], [[10]]]), { stride: 2 })); // Tensor f32[1, 4, 1] [1, 10, 2, 20]
 * ```
 */
export function convTranspose1d(
  x: TensorLike,
  filters: TensorLike,
  options: ConvTransposeOptions = {},
): Tensor {
  return convTranspose('convTranspose1d', 1, x, filters, options);
}

/**
 * The transposed map of conv2d: x: f32[batch, height, width, in], filters: f32[kernelHeight, kernelWidth, out / groups,
 * in] ->
 * f32[batch, height', width', out]; each size becomes (size - 1) stride + reach - padding + outputPadding, or with
 * `same` size
 * stride. With channelsFirst the filters are PyTorch's, [in, out / groups, kernelHeight, kernelWidth].
 *
 * @example
 * ```ts
 * import { convTranspose2d, tensor } from '2headgrad';
 * const x = tensor([[[[1], [2]]]]);
 * console.log(convTranspose2d(x, tensor([1, 1, 1, 1]).reshape([2, 2, 1, 1]), { stride: 2 })); // Tensor f32[1, 2, 4, 1] [1, 1, 2, 2, 1, 1, 2, 2]
 * ```
 */
export function convTranspose2d(
  x: TensorLike,
  filters: TensorLike,
  options: ConvTransposeOptions = {},
): Tensor {
  return convTranspose('convTranspose2d', 2, x, filters, options);
}

function convTranspose(
  what: string,
  axes: number,
  x: TensorLike,
  filters: TensorLike,
  options: ConvTransposeOptions,
): Tensor {
  checkOptions(what, options, OPTIONS, { kernel: 'the filters tell it' });
  const { channelsFirst = false, padding, outputPadding = 0, bias } = options;
  const { image, weights, given } = operands(what, axes, x, filters, channelsFirst);
  const groups = groupsOf(what, options.groups);
  const channels = image.shape.at(-1)!;
  if (channels !== weights.shape.at(-1))
    throw new ShapeError(
      `${what}: the image has ${channels} channels, the filters take ${weights.shape.at(-1)}: ${given}`,
    );
  if (channels % groups !== 0)
    throw new ShapeError(`${what}: ${channels} channels do not divide into ${groups} groups: ${given}`);
  const [positions, kernel] = [image.shape.slice(1, -1), weights.shape.slice(0, -2)];
  const { strides, dilations, before, after } = geometryOf(what, positions, kernel, {
    ...options,
    padding: padding === 'same' ? 0 : padding,
  });
  const more = listed(what, outputPadding, axes);
  more.forEach((n, i) => {
    const most = Math.max(strides[i], dilations[i]);
    if (n >= most)
      throw new OptionError(
        located(`${what}: outputPadding must be less than the stride or the dilation, ${most}, got ${n}`),
      );
  });
  const whole = positions.map((n, i) => (n - 1) * strides[i] + reach(kernel[i], dilations[i]));
  // What is cut off, or, where less than nothing, added.
  const cut = positions.map((n, i) => {
    if (padding !== 'same') return { first: before[i], last: after[i] - more[i] };
    const all = whole[i] - n * strides[i];
    const first = Math.max(0, Math.floor(all / 2));
    return { first, last: all - first - more[i] };
  });
  const [starts, ends] = [cut.map(({ first }) => first), cut.map(({ last }) => Math.max(0, last))];
  const sizes = whole.map((n, i) => n - starts[i] - ends[i]);
  if (sizes.some((n) => n < 1))
    throw new ShapeError(`${what}: padding leaves nothing of ${formatShape(whole)} places: ${given}`);
  const attrs = { strides, dilations, before: starts, after: ends, groups };
  const made = convolutionInput(image, weights, sizes, attrs);
  const y = cut.reduce((t, { last }, i) => grown(t, i + 1, 0, Math.max(0, -last)), made);
  return finished(what, y, bias, channelsFirst);
}

function listed(what: string, of: PerAxis, axes: number): readonly number[] {
  const list = typeof of === 'number' ? new Array<number>(axes).fill(of) : of;
  if (Array.isArray(list) && list.length === axes && list.every((n) => Number.isInteger(n) && n >= 0))
    return list;
  throw new OptionError(
    located(
      `${what}: outputPadding: expected a whole number from 0${axes > 1 ? `, or ${axes} of them` : ''}, got ${JSON.stringify(of)}`,
    ),
  );
}

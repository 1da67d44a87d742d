import { checkOptions, positive } from '../check.js';
import { ShapeError } from '../errors.js';
import { formatShape, formatType, requireDType } from '../shape.js';
import { cast } from './compare.js';
import { add, mul, sub } from './elementwise.js';
import { iota } from './leaf.js';
import { concat, reshape } from './movement.js';
import { chunk } from './split.js';
import { interpreter, type Tensor, type TensorLike, toTensor } from './tensor.js';
import { cos, sin } from './trigonometric.js';

export interface RotaryOptions {
  /** The slowest pair turns once in about 2 pi times this many places; 10,000 unless given. */
  base?: number | undefined;
  /** i32[places]: where each stands in its text; 0, 1, 2 and so on unless given. */
  positions?: Tensor | undefined;
}

/**
 * Turns pairs of features by an angle that grows with the place, so that a product of two vectors depends on how far
 * apart they stand. x: f32[..., places, width] of an even width; pair i is elements i and i + width / 2, and place t
 * turns
 * it by t / base^(2 i / width). (Su et al. 2021, section 3.2.2, in the order of LLaMA's weights.)
 *
 * @example
 * ```ts
 * import { rotary, tensor } from '2headgrad';
 * console.log(rotary(tensor([[1, 0], [1, 0]]))); // Tensor f32[2, 2] [1, 0, 0.540302, 0.841471]
 * ```
 */
export function rotary(x: TensorLike, options: RotaryOptions = {}): Tensor {
  checkOptions('rotary', options, ['base', 'positions']);
  const t = toTensor(x);
  requireDType('rotary', t, 'f32');
  const { base = 10_000 } = options;
  positive('rotary: base', base);
  const [places, width] = [t.shape.at(-2), t.shape.at(-1)!];
  if (places === undefined || width % 2 !== 0)
    throw new ShapeError(`rotary: expected [..., places, an even width], got ${formatShape(t.shape)}`);
  const positions = toTensor(options.positions ?? iota(places));
  if (positions.dtype !== 'i32' || formatShape(positions.shape) !== formatShape([places]))
    throw new ShapeError(
      `rotary: positions must be i32[${places}], one for each place, not ${formatType(positions)}`,
    );
  const angles = mul(reshape(cast(positions, 'f32'), [places, 1]), frequencies(width, base));
  const [turn, lift] = [cos(angles), sin(angles)];
  const [a, b] = chunk(t, 2, -1);
  return concat([sub(mul(a, turn), mul(b, lift)), add(mul(b, turn), mul(a, lift))], -1);
}

/** base^(-2 i / width) for each pair of `width` features: f32[width / 2]. */
export function frequencies(width: number, base: number): Tensor {
  const pairs = width / 2;
  const list = Array.from({ length: pairs }, (_, i) => base ** (-i / pairs));
  return interpreter().constant(list, [pairs], 'f32');
}

import { DTypeError, ShapeError } from '../errors.js';
import { type Tensor, toTensor } from '../ops/tensor.js';
import { type DType, formatShape, formatType, type Shape } from '../shape.js';

/** The sizes that a layer takes: a number is that size, a name any, one that begins with `...` any number of axes. */
type Form = readonly (number | string)[];

/** What a layer takes, and how it was made, for whoever gives it something else. */
export interface Takes {
  /** The layer as the user made it, `linear(10, 5)`, and `memory` where it is not the first input. */
  readonly layer: string;
  /** f32 unless given. */
  readonly dtype?: DType;
  readonly form: Form;
  /** How to write it for another size in place of the number in `form`, and what else may be meant by a shape. */
  readonly fits?: (size: number) => string;
  readonly hint?: (shape: Shape) => string | undefined;
}

/** Refuses an input that a layer was not made for, before its weights are read. */
export function checkInput(x: Tensor, { layer, dtype = 'f32', form, fits, hint }: Takes): void {
  const t = toTensor(x);
  if (t.dtype !== dtype) {
    const mend =
      dtype === 'f32'
        ? "convert with cast(x, 'f32')"
        : `if they are a column of the batch, its type is ${dtype}(${t.shape.join(', ')})`;
    throw new DTypeError(`${layer}: expected ${dtype}${shown(form)}, got ${formatType(t)}: ${mend}`);
  }
  if (matches(form, t.shape)) return;
  const width = otherSize(form, t.shape);
  const mend = hint?.(t.shape) ?? (fits && width && `nn.${fits(width)} would fit`);
  throw new ShapeError(
    `${layer}: expected ${shown(form)}, got ${formatShape(t.shape)}${mend ? `: ${mend}` : ''}`,
  );
}

const shown = (form: Form): string => `[${form.join(', ')}]`;

const isRest = (axis: number | string): boolean => typeof axis === 'string' && axis.startsWith('...');

/** The sizes that stand where `form` has its axes, those of a rest left out; undefined where the axes are too few or too many. */
function aligned(form: Form, shape: Shape): { axis: number | string; size: number }[] | undefined {
  const rest = form.findIndex(isRest);
  if (rest < 0 ? shape.length !== form.length : shape.length < form.length - 1) return undefined;
  return form.flatMap((axis, i) => {
    if (i === rest) return [];
    return [{ axis, size: shape.at(rest >= 0 && i > rest ? i - form.length : i)! }];
  });
}

const matches = (form: Form, shape: Shape): boolean =>
  aligned(form, shape)?.every(({ axis, size }) => typeof axis === 'string' || axis === size) ?? false;

/** The size that `shape` has in place of the one number of `form`. */
const otherSize = (form: Form, shape: Shape): number | undefined =>
  aligned(form, shape)?.find(({ axis }) => typeof axis === 'number')?.size;

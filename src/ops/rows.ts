import { ShapeError } from '../errors.js';
import { formatShape, normalizeAxis, requireDType } from '../shape.js';
import { equal, where } from './compare.js';
import { sub } from './elementwise.js';
import { asIndices } from './gather.js';
import { iota } from './leaf.js';
import { reshape } from './movement.js';
import { nanmax, sum } from './reduce.js';
import { stopGradient } from './stop-gradient.js';
import { type Tensor, type TensorLike, toTensor } from './tensor.js';

// What functions of rows of classes are made of.

/** x less its maximum along an axis, so that exponentials of any size are safe; on behalf of a function, which errors name. */
export function belowMax(what: string, x: TensorLike, axis: number): Tensor {
  const t = toTensor(x);
  requireDType(what, t, 'f32');
  checkNotEmpty(what, t, normalizeAxis(what, axis, t.rank));
  return sub(t, stopGradient(nanmax(t, axis, { keepDims: true })));
}

/** Refuses what has no largest element along an axis. */
export function checkNotEmpty(what: string, { shape }: Tensor, axis: number): void {
  if (shape[axis] === 0)
    throw new ShapeError(`${what}: there is nothing along axis ${axis} of ${formatShape(shape)}`);
}

/** `pick` on behalf of another function, which errors name. */
export function pickFor(what: string, x: TensorLike, ids: Tensor): Tensor {
  const t = toTensor(x);
  const n = t.shape.at(-1) ?? 0;
  const index = asIndices(ids, n, what);
  if (formatShape(index.shape) !== formatShape(t.shape.slice(0, -1))) {
    throw new ShapeError(
      `${what}: ids ${formatShape(index.shape)} must be one per row of ${formatShape(t.shape)}`,
    );
  }
  const chosen = equal(iota(n), reshape(index, [...index.shape, 1]));
  return sum(where(chosen, t, 0), -1);
}

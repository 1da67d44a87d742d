import { shown } from '../check.js';
import { OptionError, ShapeError } from '../errors.js';
import { formatShape } from '../shape.js';
import { greaterEqual, lessEqual, where } from './compare.js';
import { sub } from './elementwise.js';
import { iota } from './leaf.js';
import { reshape } from './movement.js';
import { type Tensor, type TensorLike, toTensor } from './tensor.js';

// Parts of a tensor by a condition, written in ops.

/**
 * x with `value` where the condition (bool, broadcast to x) holds.
 * @example
 * ```ts
 * import { maskedFill, tensor } from '2headgrad';
 * const x = tensor([1, -2, 3]);
 * console.log(maskedFill(x, x.less(0), 0)); // Tensor f32[3] [1, 0, 3]
 * ```
 */
export function maskedFill(x: TensorLike, condition: Tensor, value: TensorLike): Tensor {
  const filled = where(condition, value, x);
  const t = toTensor(x);
  if (formatShape(filled.shape) !== formatShape(t.shape))
    throw new ShapeError(
      `maskedFill: a condition of ${formatShape(toTensor(condition).shape)} does not fit into ${formatShape(t.shape)}`,
    );
  return filled;
}

/**
 * Which places of [rows, columns] are on the diagonal or below it, bool: column - row <= diagonal. Positive
 * `diagonal`s move it to the right.
 * @example
 * ```ts
 * import { lowerTriangle } from '2headgrad';
 * console.log(lowerTriangle(2, 3)); // Tensor bool[2, 3] [1, 0, 0, 1, 1, 0]
 * ```
 */
export function lowerTriangle(rows: number, columns: number, diagonal = 0): Tensor {
  return lessEqual(distance('lowerTriangle', rows, columns, diagonal), diagonal);
}

/** column - row, of every place of a matrix. */
function distance(what: string, rows: number, columns: number, diagonal: number): Tensor {
  if (!Number.isInteger(diagonal))
    throw new OptionError(`${what}: diagonal must be a whole number, got ${shown(diagonal)}`);
  return sub(iota(columns), reshape(iota(rows), [rows, 1]));
}

/**
 * The last two axes' elements on the diagonal and below, and 0 elsewhere; `diagonal` as in `lowerTriangle`.
 * @example
 * ```ts
 * import { tensor, tril } from '2headgrad';
 * console.log(tril(tensor([[1, 2], [3, 4]]))); // Tensor f32[2, 2] [1, 0, 3, 4]
 * ```
 */
export function tril(x: TensorLike, diagonal = 0): Tensor {
  const [t, away] = matrix('tril', x, diagonal);
  return where(lessEqual(away, diagonal), t, 0);
}

/**
 * The last two axes' elements on the diagonal and above, and 0 elsewhere.
 * @example
 * ```ts
 * import { tensor, triu } from '2headgrad';
 * console.log(triu(tensor([[1, 2], [3, 4]]))); // Tensor f32[2, 2] [1, 2, 0, 4]
 * ```
 */
export function triu(x: TensorLike, diagonal = 0): Tensor {
  const [t, away] = matrix('triu', x, diagonal);
  return where(greaterEqual(away, diagonal), t, 0);
}

function matrix(what: string, x: TensorLike, diagonal: number): [Tensor, Tensor] {
  const t = toTensor(x);
  if (t.rank < 2) throw new ShapeError(`${what}: expected a matrix or several, got ${formatShape(t.shape)}`);
  return [t, distance(what, t.shape.at(-2)!, t.shape.at(-1)!, diagonal)];
}

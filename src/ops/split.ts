import { shown } from '../check.js';
import { OptionError, ShapeError } from '../errors.js';
import { checkList, formatShape, normalizeAxis, type Shape, severalResults } from '../shape.js';
import { concat, copyBlock, slice, zeros } from './movement.js';
import { defineOp, type Op } from './op.js';
import { applyForAll } from './results.js';
import { type Tensor, type TensorLike, toTensor } from './tensor.js';

type SplitAttrs = { axis: number; sizes: readonly number[] };

/** Where each part begins, and its shape. */
function partsOf(shape: Shape, { axis, sizes }: SplitAttrs): { starts: number[]; sizes: number[] }[] {
  let at = 0;
  return sizes.map((size) => {
    const starts = shape.map((_, i) => (i === axis ? at : 0));
    at += size;
    return { starts, sizes: shape.map((n, i) => (i === axis ? size : n)) };
  });
}

const splitOp: Op<SplitAttrs> = defineOp<SplitAttrs>({
  name: 'split',
  onnx: (to, [x], { attrs: { axis, sizes } }) =>
    to.nodes('Split', [x, to.ints(sizes)], sizes.length, { axis }),
  type([x], attrs) {
    const { axis, sizes } = attrs;
    const whole = sizes.reduce((a, b) => a + b, 0);
    if (
      sizes.length === 0 ||
      sizes.some((size) => !Number.isInteger(size) || size < 0) ||
      whole !== x.shape[axis]
    )
      throw new ShapeError(
        `split: sizes ${formatShape(sizes)} must add up to the ${x.shape[axis]} of axis ${axis} of ${formatShape(x.shape)}`,
      );
    return severalResults(partsOf(x.shape, attrs).map((part) => ({ shape: part.sizes, dtype: x.dtype })));
  },
  vjp: null,
  vjpOfSeveral({ outputs, cotangents, attrs: { axis } }) {
    return [
      concat(
        outputs.map((part, i) => cotangents[i] ?? zeros(part)),
        axis,
      ),
    ];
  },
  reference([x], attrs, out) {
    partsOf(x.shape, attrs).forEach(({ starts }, i) => {
      copyBlock(x, starts, out.results![i]);
    });
  },
  lower: {
    kind: 'composite',
    expand: ([x], attrs) =>
      partsOf(x.shape, attrs as SplitAttrs).map(({ starts, sizes }) => slice(x, starts, sizes)),
  },
});

/**
 * Cuts x along `axis` into parts, one after the other: of these sizes, or of `sizes` each where that is a number (the
 * last
 * one may be smaller). split(x, [1, 3]) of f32[4, 2] gives f32[1, 2] and f32[3, 2]. The inverse of concat.
 *
 * @example
 * ```ts
 * import { split, tensor } from '2headgrad';
 * console.log(split(tensor([1, 2, 3, 4]), [1, 3])); // [ Tensor f32[1] [1], Tensor f32[3] [2, 3, 4] ]
 * ```
 */
export function split(x: TensorLike, sizes: number | readonly number[], axis = 0): Tensor[] {
  const t = toTensor(x);
  const along = normalizeAxis('split', axis, t.rank);
  return cut(t, typeof sizes === 'number' ? equalSizes('split', t.shape[along], sizes) : sizes, along);
}

/**
 * Cuts x along `axis` into `count` parts of the same size, which must divide it.
 * @example
 * ```ts
 * import { chunk, tensor } from '2headgrad';
 * console.log(chunk(tensor([1, 2, 3, 4]), 2)); // [ Tensor f32[2] [1, 2], Tensor f32[2] [3, 4] ]
 * ```
 */
export function chunk(x: TensorLike, count: number, axis = 0): Tensor[] {
  const t = toTensor(x);
  const along = normalizeAxis('chunk', axis, t.rank);
  const n = t.shape[along];
  if (!Number.isInteger(count) || count < 1)
    throw new OptionError(`chunk: expected a whole number of parts from 1, got ${shown(count)}`);
  if (n % count !== 0)
    throw new ShapeError(
      `chunk: ${formatShape(t.shape)} does not divide into ${count} parts along axis ${axis}: split(x, sizes, axis) takes any sizes`,
    );
  return cut(t, new Array<number>(count).fill(n / count), along);
}

function cut(x: Tensor, sizes: readonly number[], axis: number): Tensor[] {
  checkList('split', sizes);
  if (sizes.length === 1 && sizes[0] === x.shape[axis]) return [x];
  return applyForAll(splitOp, [x], { axis, sizes });
}

function equalSizes(what: string, n: number, size: number): number[] {
  if (!Number.isInteger(size) || size < 1)
    throw new OptionError(
      `${what}: expected a whole number of elements from 1 for each part, got ${shown(size)}`,
    );
  return Array.from({ length: Math.max(1, Math.ceil(n / size)) }, (_, i) => Math.min(size, n - i * size));
}

import { ShapeError } from '../errors.js';
import { broadcastShapes, broadcastStrides, contiguousStrides, formatShape, numel, requireDType, type Shape } from '../shape.js';
import { reshape } from './movement.js';
import { defineOp, type Elements, type Op } from './op.js';
import { sumTo } from './reduce.js';
import { apply, type Tensor, type TensorLike, toTensor } from './tensor.js';

/** Operands as they lie in memory; a flag reads its operand with the last two axes swapped. */
export type MatmulAttrs = { transposeA: boolean; transposeB: boolean };

export interface MatmulSizes {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly batch: Shape;
}

/** Sizes of a (possibly transposed) product, with the leading axes broadcast. */
export function matmulSizes(a: Shape, b: Shape, { transposeA, transposeB }: MatmulAttrs): MatmulSizes {
  if (a.length < 2 || b.length < 2) {
    throw new ShapeError(`matmul: operands need two axes or more: ${formatShape(a)} x ${formatShape(b)} (use reshape)`);
  }
  const [m, ka] = transposeA ? [a.at(-1)!, a.at(-2)!] : [a.at(-2)!, a.at(-1)!];
  const [kb, n] = transposeB ? [b.at(-1)!, b.at(-2)!] : [b.at(-2)!, b.at(-1)!];
  if (ka !== kb) {
    const shown = (s: Shape, t: boolean) => formatShape(s) + (t ? ' transposed' : '');
    throw new ShapeError(`matmul: inner sizes differ: ${shown(a, transposeA)} x ${shown(b, transposeB)}`);
  }
  return { m, n, k: ka, batch: broadcastShapes('matmul', [a.slice(0, -2), b.slice(0, -2)]) };
}

const matmulOp: Op<MatmulAttrs> = defineOp<MatmulAttrs>({
  name: 'matmul',
  type([a, b], attrs) {
    requireDType('matmul', a, 'f32');
    requireDType('matmul', b, 'f32');
    const { batch, m, n } = matmulSizes(a.shape, b.shape, attrs);
    return { shape: [...batch, m, n], dtype: 'f32' };
  },
  vjp({ cotangent: g, inputs: [a, b], attrs: { transposeA: ta, transposeB: tb } }) {
    const da = ta ? product(b, g, tb, true) : product(g, b, false, !tb);
    const db = tb ? product(g, a, true, ta) : product(a, g, !ta, false);
    return [sumTo(da, a.shape), sumTo(db, b.shape)];
  },
  reference([a, b], attrs, out) {
    const { m, n, k, batch } = matmulSizes(a.shape, b.shape, attrs);
    const [aRow, aCol] = attrs.transposeA ? [1, m] : [k, 1];
    const batches = numel(batch);
    const offsets = (shape: Shape) => batchOffsets(shape, batch);
    const [aAt, bAt] = [offsets(a.shape), offsets(b.shape)];
    for (let i = 0; i < batches; i++) {
      if (attrs.transposeB) multiplyDot(a.data, aAt[i], aRow, aCol, b.data, bAt[i], out.data, i * m * n, m, n, k);
      else multiplyRows(a.data, aAt[i], aRow, aCol, b.data, bAt[i], out.data, i * m * n, m, n, k);
    }
  },
  lower: { kind: 'matmul' },
});

/** Where each matrix of the broadcast batch starts in an operand. */
export function batchOffsets(shape: Shape, batch: Shape): number[] {
  const leading = shape.slice(0, -2);
  const matrix = shape.at(-1)! * shape.at(-2)!;
  const strides = broadcastStrides(leading, contiguousStrides(leading).map((s) => s * matrix), batch);
  const offsets: number[] = [];
  for (let i = 0, total = numel(batch); i < total; i++) {
    let rest = i;
    let at = 0;
    for (let axis = batch.length - 1; axis >= 0; axis--) {
      at += (rest % batch[axis]) * strides[axis];
      rest = Math.floor(rest / batch[axis]);
    }
    offsets.push(at);
  }
  return offsets;
}

/** C += A B by rows of B, four at a time: the inner loop is contiguous in B and C. */
function multiplyRows(
  a: Elements, a0: number, aRow: number, aCol: number,
  b: Elements, b0: number,
  c: Elements, c0: number,
  m: number, n: number, k: number,
): void {
  for (let i = 0; i < m; i++) {
    const row = c0 + i * n;
    const from = a0 + i * aRow;
    let p = 0;
    for (; p + 4 <= k; p += 4) {
      const w0 = a[from + p * aCol];
      const w1 = a[from + (p + 1) * aCol];
      const w2 = a[from + (p + 2) * aCol];
      const w3 = a[from + (p + 3) * aCol];
      let at = b0 + p * n;
      for (let j = row; j < row + n; j++, at++) {
        c[j] += w0 * b[at] + w1 * b[at + n] + w2 * b[at + 2 * n] + w3 * b[at + 3 * n];
      }
    }
    for (; p < k; p++) {
      const w = a[from + p * aCol];
      let at = b0 + p * n;
      for (let j = row; j < row + n; j++, at++) c[j] += w * b[at];
    }
  }
}

/** C = A B^T by dot products: the inner loop is contiguous in B. */
function multiplyDot(
  a: Elements, a0: number, aRow: number, aCol: number,
  b: Elements, b0: number,
  c: Elements, c0: number,
  m: number, n: number, k: number,
): void {
  for (let i = 0; i < m; i++) {
    const from = a0 + i * aRow;
    for (let j = 0; j < n; j++) {
      const row = b0 + j * k;
      let s0 = 0;
      let s1 = 0;
      let p = 0;
      for (; p + 2 <= k; p += 2) {
        s0 += a[from + p * aCol] * b[row + p];
        s1 += a[from + (p + 1) * aCol] * b[row + p + 1];
      }
      if (p < k) s0 += a[from + p * aCol] * b[row + p];
      c[c0 + i * n + j] = s0 + s1;
    }
  }
}

function product(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor {
  return apply(matmulOp, [a, b], { transposeA, transposeB });
}

/**
 * Matrix product of the last two axes: [..., m, k] x [..., k, n] -> [..., m, n]; leading axes broadcast.
 * Many rows times one matrix run as a single product.
 */
export function matmul(a: TensorLike, b: TensorLike): Tensor {
  const [x, w] = [toTensor(a), toTensor(b)];
  if (x.rank > 2 && w.rank === 2 && x.shape.at(-1) === w.shape[0]) {
    const rows = numel(x.shape.slice(0, -1));
    return reshape(product(reshape(x, [rows, w.shape[0]]), w, false, false), [...x.shape.slice(0, -1), w.shape[1]]);
  }
  return product(x, w, false, false);
}

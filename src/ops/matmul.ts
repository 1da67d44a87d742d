import { ShapeError } from '../errors.js';
import {
  broadcastShapes,
  broadcastStrides,
  contiguousStrides,
  formatShape,
  numel,
  requireDType,
  type Shape,
} from '../shape.js';
import { product, times } from './interval.js';
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
    throw new ShapeError(
      `matmul: operands need two axes or more: ${formatShape(a)} x ${formatShape(b)} (use reshape)`,
    );
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
    const da = ta ? multiplied(b, g, tb, true) : multiplied(g, b, false, !tb);
    const db = tb ? multiplied(g, a, true, ta) : multiplied(a, g, !ta, false);
    return [sumTo(da, a.shape), sumTo(db, b.shape)];
  },
  reference([a, b], attrs, out) {
    const { m, n, k, batch } = matmulSizes(a.shape, b.shape, attrs);
    const [aAt, bAt] = [batchOffsets(a.shape, batch), batchOffsets(b.shape, batch)];
    const lies = (transposed: boolean, rows: number, columns: number) =>
      transposed ? { row: 1, column: rows } : { row: columns, column: 1 };
    const [aLies, bLies] = [lies(attrs.transposeA, m, k), lies(attrs.transposeB, k, n)];
    for (let i = 0, batches = numel(batch); i < batches; i++) {
      const left = { data: a.data, start: aAt[i], ...aLies };
      const right = { data: b.data, start: bAt[i], ...bLies };
      multiply(left, right, out.data, i * m * n, m, n, k);
    }
  },
  linear: 'each',
  onnx(to, [a, b], { inputs: [{ shape }, other], attrs: { transposeA, transposeB } }) {
    if (!transposeA && !transposeB) return to.node('MatMul', [a, b]);
    if (shape.length === 2 && other.shape.length === 2)
      return to.node('Gemm', [a, b], { transA: Number(transposeA), transB: Number(transposeB) });
    const turned = (x: string, { length: rank }: Shape) =>
      to.node('Transpose', [x], { perm: [...Array(rank - 2).keys(), rank - 1, rank - 2] });
    const left = transposeA ? turned(a, shape) : a;
    return to.node('MatMul', [left, transposeB ? turned(b, other.shape) : b]);
  },
  implied: () => ({ transposeA: false, transposeB: false }),
  interval([a, b], { inputs: [x], attrs: { transposeA } }) {
    const k = x.shape.at(transposeA ? -2 : -1)!;
    const { lo, hi } = product(a, b);
    return { lo: times(lo, k), hi: times(hi, k) };
  },
  lower: { kind: 'matmul' },
});

/** Where each matrix of the broadcast batch starts in an operand. */
export function batchOffsets(shape: Shape, batch: Shape): number[] {
  const leading = shape.slice(0, -2);
  const matrix = shape.at(-1)! * shape.at(-2)!;
  const strides = broadcastStrides(
    leading,
    contiguousStrides(leading).map((s) => s * matrix),
    batch,
  );
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

/** A matrix among the elements of a tensor: where it starts and how far apart its rows and columns lie. */
interface Matrix {
  readonly data: Elements;
  readonly start: number;
  readonly row: number;
  readonly column: number;
}

/**
 * C = A B, two rows by four columns at a time: each element read serves several products, the sums stay in
 * registers, and they are kept in double precision. C is row-major. a: [m, k], b: [k, n].
 */
function multiply(a: Matrix, b: Matrix, c: Elements, start: number, m: number, n: number, k: number): void {
  const [x, y] = [a.data, b.data];
  const [xRow, xColumn, yRow, yColumn] = [a.row, a.column, b.row, b.column];
  const evenRows = m - (m % 2);
  const fullColumns = n - (n % 4);
  for (let i = 0; i < evenRows; i += 2) {
    for (let j = 0; j < fullColumns; j += 4) {
      let s00 = 0;
      let s01 = 0;
      let s02 = 0;
      let s03 = 0;
      let s10 = 0;
      let s11 = 0;
      let s12 = 0;
      let s13 = 0;
      let xAt = a.start + i * xRow;
      let yAt = b.start + j * yColumn;
      for (let p = 0; p < k; p++, xAt += xColumn, yAt += yRow) {
        const x0 = x[xAt];
        const x1 = x[xAt + xRow];
        const y0 = y[yAt];
        const y1 = y[yAt + yColumn];
        const y2 = y[yAt + 2 * yColumn];
        const y3 = y[yAt + 3 * yColumn];
        s00 += x0 * y0;
        s01 += x0 * y1;
        s02 += x0 * y2;
        s03 += x0 * y3;
        s10 += x1 * y0;
        s11 += x1 * y1;
        s12 += x1 * y2;
        s13 += x1 * y3;
      }
      let at = start + i * n + j;
      c[at] = s00;
      c[at + 1] = s01;
      c[at + 2] = s02;
      c[at + 3] = s03;
      at += n;
      c[at] = s10;
      c[at + 1] = s11;
      c[at + 2] = s12;
      c[at + 3] = s13;
    }
  }
  if (fullColumns < n) multiplyEdge(a, b, c, start, 0, evenRows, fullColumns, n, k);
  if (evenRows < m) multiplyEdge(a, b, c, start, evenRows, m, 0, n, k);
}

/** The elements of C in rows `top` to `bottom` and columns `left` to `n`, one by one. */
function multiplyEdge(
  a: Matrix,
  b: Matrix,
  c: Elements,
  start: number,
  top: number,
  bottom: number,
  left: number,
  n: number,
  k: number,
): void {
  const [x, y] = [a.data, b.data];
  for (let i = top; i < bottom; i++) {
    for (let j = left; j < n; j++) {
      let sum = 0;
      let xAt = a.start + i * a.row;
      let yAt = b.start + j * b.column;
      for (let p = 0; p < k; p++, xAt += a.column, yAt += b.row) sum += x[xAt] * y[yAt];
      c[start + i * n + j] = sum;
    }
  }
}

export function multiplied(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor {
  return apply(matmulOp, [a, b], { transposeA, transposeB });
}

/**
 * Matrix product of the last two axes: [..., m, k] x [..., k, n] -> [..., m, n]; leading axes broadcast.
 * Many rows times one matrix run as a single product.
 * @example
 * ```ts
 * import { matmul, tensor } from '2headgrad';
 * console.log(matmul(tensor([[1, 2], [3, 4]]), tensor([[1], [10]]))); // Tensor f32[2, 1] [21, 43]
 * ```
 */
export function matmul(a: TensorLike, b: TensorLike): Tensor {
  const [x, w] = [toTensor(a), toTensor(b)];
  if (x.rank > 2 && w.rank === 2 && x.shape.at(-1) === w.shape[0]) {
    const rows = numel(x.shape.slice(0, -1));
    return reshape(multiplied(reshape(x, [rows, w.shape[0]]), w, false, false), [
      ...x.shape.slice(0, -1),
      w.shape[1],
    ]);
  }
  return multiplied(x, w, false, false);
}

import {
  concat,
  crossEntropy,
  gather,
  mul,
  opTable,
  pick,
  scatterAdd,
  softmax,
  type Tensor,
  transpose,
} from '../../src/ops/index.js';
import type { MatmulAttrs } from '../../src/ops/matmul.js';
import type { Op } from '../../src/ops/op.js';
import { apply } from '../../src/ops/tensor.js';
import { broadcastShapes, numel, type Shape } from '../../src/shape.js';
import { type Builder, MOST_WORK } from './builder.js';

type StepKind = (b: Builder) => Tensor | undefined;

/** A product with its operands as they lie: what tracing makes only after transposes are folded. */
function product(b: Builder, x: Tensor, y: Tensor, transposeA: boolean, transposeB: boolean): Tensor {
  const op = opTable().get('matmul') as unknown as Op<MatmulAttrs>;
  const k = x.shape[x.rank - (transposeA ? 2 : 1)];
  return b.sized(apply(op, [x, y], { transposeA, transposeB }), Math.max(1, k) * b.mag(x) * b.mag(y));
}

const turned = (x: Tensor) =>
  transpose(
    x,
    [...Array(x.rank).keys()].map((axis) => (axis < x.rank - 2 ? axis : 2 * x.rank - 3 - axis)),
  );

/** Whether the batches go together and the product stays small. */
function multiplies(a: Shape, b: Shape, k: number): boolean {
  try {
    const batch = numel(broadcastShapes('', [a.slice(0, -2), b.slice(0, -2)]));
    const work = batch * (numel(a.slice(-2)) / Math.max(1, k)) * numel(b.slice(-2));
    return work <= MOST_WORK;
  } catch {
    return false;
  }
}

/** A product of tensors that there are, each as it is, as a transposed view, or with its flag set. */
function matmulOfPool(b: Builder): Tensor | undefined {
  const x = b.float((t) => t.rank >= 2);
  if (!x) return undefined;
  const [ta, tb] = [b.n(2) > 0, b.n(2) > 0];
  const k = x.shape[x.rank - (ta ? 2 : 1)];
  const y = b.float(
    (t) => t.rank >= 2 && t.shape[t.rank - (tb ? 1 : 2)] === k && multiplies(x.shape, t.shape, k),
  );
  if (!y)
    return multiplies(x.shape, x.shape, x.shape[x.rank - 1]) ? product(b, x, x, false, true) : undefined;
  switch (b.n(4)) {
    case 0:
      return product(b, b.sized(turned(x), b.mag(x)), y, !ta, tb);
    case 1:
      return product(b, x, b.sized(turned(y), b.mag(y)), ta, !tb);
    case 2: {
      const out = product(b, x, y, ta, tb);
      return b.sized(turned(out), b.mag(out));
    }
    default:
      return product(b, x, y, ta, tb);
  }
}

/** A layer: a product with a parameter, a bias, an activation, perhaps a residual. */
function layer(b: Builder): Tensor | undefined {
  const x = b.float((t) => t.rank >= 2 && numel(t.shape) > 0);
  if (!x) return undefined;
  const k = x.shape[x.rank - 1];
  const n = b.size();
  if (numel(x.shape) * n > MOST_WORK) return undefined;
  const flip = b.n(3) === 0;
  const w = b.parameter(flip ? [n, k] : [k, n]);
  const scaled = x.mul(1 / Math.sqrt(Math.max(1, k)));
  let y: Tensor = flip ? product(b, scaled, w, false, true) : b.n(2) ? scaled.matmul(w) : x.matmul(w);
  if (b.n(2)) y = y.add(b.parameter([n]));
  switch (b.n(5)) {
    case 0:
      y = y.relu();
      break;
    case 1:
      y = y.tanh();
      break;
    case 2:
      y = mul(y, y.sigmoid());
      break;
    default:
  }
  if (b.n(3) === 0 && n === k) y = y.add(x);
  return b.sized(y, 4);
}

/** Attention of one tensor with itself, over whatever batch it has. */
function attention(b: Builder): Tensor | undefined {
  const x = b.float(
    (t) => t.rank >= 2 && numel(t.shape) > 0 && multiplies(t.shape, t.shape, t.shape[t.rank - 1]),
  );
  if (!x) return undefined;
  const scores = product(b, x, x, false, true).mul(1 / Math.sqrt(x.shape[x.rank - 1]));
  return b.sized(softmax(scores).matmul(x), b.mag(x));
}

function idsShape(b: Builder): number[] {
  return b.one([[b.size()], [2, 3], [1], [], [b.size(), 2], [9]]);
}

/** Rows of a table: a parameter, or what there is. */
function gathered(b: Builder): Tensor | undefined {
  const fresh = b.n(2) > 0;
  const table = fresh
    ? b.parameter([Math.max(1, b.size()), ...(b.n(3) ? [b.size()] : [])])
    : b.float((t) => t.rank > 0 && t.shape[0] > 0);
  return table && b.sized(gather(table, b.input(idsShape(b), 'i32')), b.mag(table));
}

function scattered(b: Builder): Tensor | undefined {
  const rows = b.float((t) => t.rank > 0);
  if (!rows) return undefined;
  const lead = 1 + b.n(Math.min(2, rows.rank));
  const size = Math.max(1, b.size());
  const shape = [size, ...rows.shape.slice(lead)];
  const base = b.n(2) ? b.parameter(shape) : b.float((t) => t.shape.join() === shape.join());
  if (!base) return undefined;
  const ids = b.input(rows.shape.slice(0, lead), 'i32');
  return b.sized(scatterAdd(base, ids, rows), b.mag(base) + 4 * b.mag(rows));
}

/** The element of each row that an index names, or the loss made of it. */
function picked(b: Builder): Tensor | undefined {
  const x = b.float((t) => t.rank > 0 && numel(t.shape) > 0);
  if (!x) return undefined;
  const ids = b.input(x.shape.slice(0, -1), 'i32');
  return b.n(2) ? b.sized(crossEntropy(x, ids), 4) : b.sized(pick(x, ids), b.mag(x));
}

/** A table looked up by contexts, flattened into rows: how Bengio's model begins. */
function embedded(b: Builder): Tensor | undefined {
  const [batch, width] = [Math.max(1, b.size()), 1 + b.n(5)];
  const table = b.parameter([Math.max(1, b.size()), width]);
  const rows = gather(table, b.input([batch, 3], 'i32')).reshape([batch, 3 * width]);
  return b.n(3) ? rows : concat([rows, rows.square()], 1);
}

export const matrixSteps: readonly StepKind[] = [
  matmulOfPool,
  matmulOfPool,
  matmulOfPool,
  layer,
  layer,
  layer,
  attention,
];
export const gatherSteps: readonly StepKind[] = [gathered, gathered, scattered, picked, embedded];

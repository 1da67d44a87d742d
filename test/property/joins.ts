import { concat, pad, softmax, type Tensor, transpose } from '../../src/ops/index.js';
import { numel } from '../../src/shape.js';
import { type Builder, MOST_WORK } from './builder.js';

// Values that are made to lie in another one: joined, padded, put in another order by whoever makes them.

type StepKind = (b: Builder) => Tensor | undefined;

/** Something that a kernel has to make, of the size of x but for its last axis, or as large. */
function made(b: Builder, x: Tensor): Tensor {
  const k = x.shape[x.rank - 1];
  switch (b.n(5)) {
    case 0:
      return b.sized(x.tanh(), 1);
    case 1:
      return b.sized(x.mul(0.5).add(x.relu()), 2 * b.mag(x));
    case 2:
      return b.sized(softmax(x, b.n(x.rank)), 1);
    case 3:
      return x;
    default: {
      const n = b.size();
      if (x.rank < 2 || numel(x.shape) * n > MOST_WORK) return b.sized(x.sigmoid(), 1);
      const y = x.mul(1 / Math.sqrt(Math.max(1, k))).matmul(b.parameter([k, n]));
      return b.sized(b.n(2) ? y.relu() : y, 4);
    }
  }
}

function stacked(list: readonly Tensor[], axis: number): Tensor {
  return concat(
    list.map((t) => t.reshape(t.shape.toSpliced(axis, 0, 1))),
    axis,
  );
}

/** Tensors that several kernels make, one after the other or side by side, perhaps read alone as well. */
function joined(b: Builder): Tensor | undefined {
  const x = b.float((t) => t.rank > 0 && numel(t.shape) > 0);
  if (!x) return undefined;
  const list = Array.from({ length: 2 + b.n(3) }, () => made(b, x));
  const axis = b.n(x.rank);
  const fit = list.filter((t) => t.shape.every((size, i) => i === axis || size === list[0].shape[i]));
  const mag = Math.max(...fit.map((t) => b.mag(t)));
  const alike = fit.filter((t) => t.shape.join() === fit[0].shape.join());
  let y = b.n(4) ? concat(fit, axis) : stacked(alike, axis);
  if (b.n(3) === 0) b.keep(fit[0]);
  if (b.n(3) === 0)
    y = pad(
      y,
      y.shape.map(() => b.n(2)),
      y.shape.map(() => b.n(3)),
    );
  return b.sized(y, mag);
}

/** Each layer reads all that are before it, as a dense network does. */
function dense(b: Builder): Tensor | undefined {
  let x = b.float((t) => t.rank === 2 && numel(t.shape) > 0);
  if (!x) return undefined;
  for (let i = 1 + b.n(3); i > 0 && numel(x.shape) < 600; i--) x = b.sized(concat([x, made(b, x)], 1), 4);
  return x;
}

/** Heads of its last axis, each multiplied with the others' rows, and put together again. */
function heads(b: Builder): Tensor | undefined {
  const x = b.float((t) => t.rank >= 2 && t.rank <= 3 && numel(t.shape) > 0);
  if (!x) return undefined;
  const [t, c] = x.shape.slice(-2);
  const h = [4, 2, 3, 1].find((n) => c % n === 0)!;
  const batch = x.rank === 3 ? x.shape[0] : 1;
  if (batch * t * t * c > MOST_WORK) return undefined;
  const cut = (of: Tensor) => transpose(of.reshape([batch, t, h, c / h]), [0, 2, 1, 3]);
  const rows = made(b, x);
  const values = cut(rows.shape.join() === x.shape.join() ? rows : x);
  const keys = cut(x);
  const scores = keys.matmul(transpose(b.n(2) ? keys : values, [0, 1, 3, 2])).mul(1 / c);
  const out = (b.n(3) ? softmax(scores) : scores.tanh()).matmul(values);
  const merged = transpose(out, [0, 2, 1, 3]).reshape(x.shape);
  return b.sized(b.n(3) ? merged : transpose(out, [2, 0, 1, 3]).reshape([t, batch * c]), t * 4);
}

export const joinSteps: readonly StepKind[] = [joined, joined, dense, heads];

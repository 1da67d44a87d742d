import {
  broadcastTo,
  chunk,
  concat,
  pad,
  reshape,
  slice,
  split,
  type Tensor,
  transpose,
} from '../../src/ops/index.js';
import { numel, type Shape } from '../../src/shape.js';
import type { Builder } from './builder.js';

type StepKind = (b: Builder) => Tensor | undefined;

/** Another shape for as many elements. */
function reshaped(b: Builder, shape: Shape): number[] {
  const options: number[][] = [[numel(shape)], [1, ...shape], [...shape, 1], [...shape].reverse()];
  options.push(shape.filter((size) => size !== 1));
  shape.forEach((size, i) => {
    const divisor = [2, 3, 4, 7, 8, 11, 13].find((d) => size > d && size % d === 0);
    if (divisor) options.push([...shape.slice(0, i), divisor, size / divisor, ...shape.slice(i + 1)]);
    if (i + 1 < shape.length)
      options.push([...shape.slice(0, i), size * shape[i + 1], ...shape.slice(i + 2)]);
  });
  return b.one(options.filter((option) => option.length <= 5));
}

function permutation(b: Builder, rank: number): number[] {
  const axes = [...Array(rank).keys()];
  const order: number[] = [];
  while (axes.length) order.push(...axes.splice(axes.length - 1 - b.n(axes.length), 1));
  return order;
}

/** The same elements, or some of them, under another index map. */
function view(b: Builder, x: Tensor): Tensor {
  switch (b.n(4)) {
    case 0:
      return reshape(x, reshaped(b, x.shape));
    case 1:
      return transpose(x, permutation(b, x.rank));
    case 2: {
      const sizes = x.shape.map((size) => (b.n(2) ? size : Math.max(Math.min(size, 1), size - 1 - b.n(3))));
      return slice(
        x,
        x.shape.map((size, i) => b.n(size - sizes[i] + 1)),
        sizes,
      );
    }
    default: {
      const wide = x.shape.map((size) => (size === 1 && b.n(2) ? b.size() : size));
      return broadcastTo(x, b.n(2) && x.rank < 4 ? [2 + b.n(2), ...wide] : wide);
    }
  }
}

function views(b: Builder): Tensor | undefined {
  const x = b.float();
  if (!x) return undefined;
  let y = x;
  for (let i = 1 + b.n(3); i > 0 && numel(y.shape) <= 1536; i--) y = view(b, y);
  return b.sized(y, b.mag(x));
}

function padded(b: Builder): Tensor | undefined {
  const x = b.float();
  return x && b.sized(pad(x, counts(b, x), counts(b, x)), b.mag(x));
}

const counts = (b: Builder, x: Tensor) => x.shape.map(() => (b.n(2) ? b.n(3) : 0));

function concatenated(b: Builder): Tensor | undefined {
  const x = b.float((t) => t.rank > 0);
  if (!x) return undefined;
  const axis = b.n(x.rank);
  const y = b.float(
    (t) => t.rank === x.rank && t.shape.every((size, i) => i === axis || size === x.shape[i]),
  )!;
  return b.sized(concat(b.n(3) ? [x, y] : [x, y, x], axis), Math.max(b.mag(x), b.mag(y)));
}

/** Two halves, each treated by itself and then put together again, as a rotary embedding does. */
function halves(b: Builder): Tensor | undefined {
  const x = b.float((t) => t.shape.some((size) => size > 1));
  if (!x) return undefined;
  const axis = x.shape.findIndex((size) => size > 1);
  const half = Math.floor(x.shape[axis] / 2);
  const along = (n: number) => x.shape.map((_, i) => (i === axis ? n : 0));
  const sizes = (n: number) => x.shape.map((size, i) => (i === axis ? n : size));
  const head = slice(x, along(0), sizes(half));
  const tail = slice(x, along(half), sizes(x.shape[axis] - half));
  const [first, second] = b.n(2) ? [tail, head.neg()] : [tail.tanh(), head];
  if (b.n(2)) return b.sized(concat([first, second], axis), b.mag(x));
  const room = (t: Tensor) => along(x.shape[axis] - t.shape[axis]);
  return b.sized(pad(first, along(0), room(first)).add(pad(second, room(second), along(0))), b.mag(x));
}

/** All parts of a tensor: one of them, some joined anew, or two as a gate and what goes through it. */
function parts(b: Builder): Tensor | undefined {
  const x = b.float((t) => t.rank > 0);
  if (!x) return undefined;
  const axis = b.n(x.rank);
  const n = x.shape[axis];
  const first = b.n(n + 1);
  const cut = n > 0 && n % 2 === 0 && b.n(2) ? chunk(x, 2, axis) : split(x, [first, n - first], axis);
  const [one, two] = [cut[0], cut.at(-1)!];
  if (b.n(3) === 0) return b.sized(b.n(2) ? one : two, b.mag(x));
  if (b.n(2) && one.shape[axis] === two.shape[axis]) return b.sized(one.mul(two.sigmoid()), b.mag(x));
  return b.sized(concat([two.tanh(), one, two], axis), Math.max(1, b.mag(x)));
}

export const movementSteps: readonly StepKind[] = [
  views,
  views,
  views,
  views,
  padded,
  concatenated,
  halves,
  parts,
];

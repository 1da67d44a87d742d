import {
  avgPool,
  conv1d,
  conv2d,
  convTranspose1d,
  convTranspose2d,
  maxPool,
  type Tensor,
  transpose,
  window,
} from '../../src/ops/index.js';
import { numel } from '../../src/shape.js';
import { type Builder, MOST_WORK } from './builder.js';

// Windows of a tensor, and what slides over images.

type StepKind = (b: Builder) => Tensor | undefined;

/** Windows along one axis or two, perhaps with their axes in another order, and what several of them share added up. */
function windows(b: Builder): Tensor | undefined {
  const x = b.float((t) => t.rank > 0 && t.rank < 4 && numel(t.shape) > 0);
  if (!x) return undefined;
  const first = b.n(x.rank);
  const axes = x.rank > 1 && b.n(2) ? [first, (first + 1) % x.rank] : [first];
  const sizes = axes.map((axis) => 1 + b.n(Math.min(4, x.shape[axis])));
  const dilations = axes.map((axis, i) =>
    b.n(3) ? 1 : 1 + b.n(sizes[i] > 1 ? Math.floor((x.shape[axis] - 1) / (sizes[i] - 1)) : 3),
  );
  const y = window(x, axes, sizes, { strides: axes.map(() => 1 + b.n(3)), dilations });
  if (numel(y.shape) > MOST_WORK / 8) return undefined;
  const last = y.rank - 1;
  switch (b.n(4)) {
    case 0:
      return b.sized(y.sum(last), sizes.at(-1)! * b.mag(x));
    case 1:
      return b.sized(y.mul(y.sigmoid()), b.mag(x));
    case 2:
      return b.sized(transpose(y, [last, ...[...y.shape.keys()].slice(0, -1)]), b.mag(x));
    default:
      return b.sized(y, b.mag(x));
  }
}

/** A tensor as images: [batch, ...places, channels]. */
function image(b: Builder): Tensor | undefined {
  const x = b.float((t) => t.rank >= 2 && t.rank <= 4 && numel(t.shape) > 0);
  if (!x) return undefined;
  if (x.rank === 4) return x;
  return x.rank === 2 || b.n(2) ? b.sized(x.reshape([1, ...x.shape]), b.mag(x)) : x;
}

/** A kernel that fits into places with what is put around them. */
function kernel(b: Builder, places: readonly number[]) {
  const padding = places.map(() => [b.n(3), b.n(2)] as const);
  const sizes = places.map((n, i) => 1 + b.n(Math.min(3, n + padding[i][0] + padding[i][1])));
  const dilation = places.map((n, i) => {
    const room = n + padding[i][0] + padding[i][1] - 1;
    return b.n(3) || sizes[i] === 1 ? 1 : 1 + b.n(Math.floor(room / (sizes[i] - 1)));
  });
  return { sizes, options: { padding, dilation, stride: places.map(() => 1 + b.n(3)) } };
}

function convolved(b: Builder): Tensor | undefined {
  const x = image(b);
  if (!x) return undefined;
  const places = x.shape.slice(1, -1);
  const { sizes, options } = kernel(b, places);
  const channels = x.shape.at(-1)!;
  const groups = b.n(2) ? 1 : [channels, 2, 3].find((n) => channels % n === 0)!;
  const out = groups * (1 + b.n(4));
  const each = numel(sizes) * (channels / groups);
  if (numel(x.shape) * 4 * each * out > 4 * MOST_WORK) return undefined;
  const scaled = x.mul(1 / Math.sqrt(each));
  const back = b.n(3) === 0;
  const forth = [conv1d, conv2d][places.length - 1];
  const undone = [convTranspose1d, convTranspose2d][places.length - 1];
  const room = places.every((n, i) => {
    const [before, after] = options.padding[i];
    return (n - 1) * options.stride[i] + (sizes[i] - 1) * options.dilation[i] + 1 > before + after;
  });
  const y =
    back && room
      ? undone(scaled, b.parameter([...sizes, out / groups, channels]), { ...options, groups })
      : forth(scaled, b.parameter([...sizes, channels / groups, out]), { ...options, groups });
  return b.sized(b.n(3) ? y : y.relu(), 4 * b.mag(x));
}

function pooled(b: Builder): Tensor | undefined {
  const x = image(b);
  if (!x) return undefined;
  const sizes = x.shape.slice(1, -1).map((n) => 1 + b.n(Math.min(3, n)));
  const stride = sizes.map((size) => (b.n(2) ? size : 1 + b.n(3)));
  const padding = sizes.map((size) => b.n(Math.floor(size / 2) + 1));
  return b.sized((b.n(2) ? maxPool : avgPool)(x, sizes, { stride, padding }), b.mag(x));
}

export const imageSteps: readonly StepKind[] = [windows, windows, convolved, convolved, pooled];

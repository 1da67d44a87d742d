import {
  add,
  argmax,
  cast,
  ceil,
  clamp,
  erf,
  exp,
  expm1,
  gelu,
  greater,
  greaterEqual,
  iota,
  leakyRelu,
  less,
  lessEqual,
  log1p,
  logSoftmax,
  max,
  maximum,
  maxWithIndex,
  mean,
  minimum,
  minWithIndex,
  mul,
  pow,
  random,
  round,
  silu,
  softmax,
  softplus,
  square,
  stopGradient,
  sub,
  sum,
  type Tensor,
  variance,
  where,
} from '../../src/ops/index.js';
import { broadcastShapes, numel } from '../../src/shape.js';
import { type Builder, TAME } from './builder.js';
import { imageSteps } from './images.js';
import { joinSteps } from './joins.js';
import { loopSteps } from './loops.js';
import { gatherSteps, matrixSteps } from './matrices.js';
import { movementSteps } from './movements.js';
import { rangeSteps } from './ranges.js';

type Unary = (x: Tensor, b: Builder) => [Tensor, number];

const unary: Unary[] = [
  (x, b) => [x.neg(), b.mag(x)],
  (x, b) => [x.abs(), b.mag(x)],
  (x, b) => [x.relu(), b.mag(x)],
  (x) => [x.tanh(), 1],
  (x) => [x.sigmoid(), 1],
  (x) => [erf(x), 1],
  (x) => [x.sin(), 1],
  (x) => [x.cos(), 1],
  (x, b) => [square(x), b.mag(x) ** 2],
  (x, b) => (b.mag(x) < 1.5 ? [exp(x), 4.5] : [exp(x.abs().neg()), 1]),
  (x, b) => [square(x).add(1).log(), Math.log(1 + b.mag(x) ** 2)],
  (x, b) => [square(x).add(0.25).sqrt(), b.mag(x) + 0.5],
  (x) => [square(x).add(0.5).rsqrt(), 1.5],
  (x, b) => [gelu(x), b.mag(x)],
  (x, b) => [leakyRelu(x, 0.1), b.mag(x)],
  (x, b) => [silu(x), b.mag(x)],
  (x, b) => [softplus(x), b.mag(x) + 0.7],
  (x, b) => (b.mag(x) < 1.5 ? [expm1(x), 3.5] : [expm1(x.abs().neg()), 1]),
  (x, b) => [log1p(square(x)), Math.log(1 + b.mag(x) ** 2)],
  (x, b) => [pow(square(x).add(0.25), b.one([0.3, -0.5, -1.5, 1.25])), (b.mag(x) ** 2 + 0.25) ** 1.25 + 8],
  (x, b) => [pow(x, b.one([2, 3, 4, 1])), Math.max(1, b.mag(x)) ** 4],
  (x, b) => [x.mul(3).floor(), 3 * b.mag(x) + 1],
  (x, b) => [b.one([ceil, round])(x), b.mag(x) + 1],
  (x) => [x.sign(), 1],
  (x, b) => [clamp(x, b.one([-0.5, null, 0]), b.one([1, 0.5])), b.mag(x)],
  (x, b) => [stopGradient(x), b.mag(x)],
  (x, b) => [x.mul(b.one([0.5, 2, -1, 0.3, -1.75, 1, 0])), 2 * b.mag(x)],
  (x, b) => [x.add(b.one([0.5, -1, 0, 0.1])), b.mag(x) + 1],
  (x) => [greater(x, 0.25).cast('f32'), 1],
];

/** Functions at the edge of where they are defined: what is infinite or not a number must stay so. */
const edges: Unary[] = [
  (x) => [x.log(), 8],
  (x) => [x.sqrt(), 2],
  (x) => [x.mul(200).exp().add(1), 8],
  (x) => [x.log1p(), 8],
  (x, b) => [pow(x, b.one([1.5, -2, -3, 0, 5, Number.POSITIVE_INFINITY])), 8],
  (x, b) => [pow(b.one([0, -1, -2, 1e30]), x), 8],
];

/** Two tensors that broadcast together. */
function pairOf(b: Builder): [Tensor, Tensor] | undefined {
  const x = b.float();
  const y = x && b.float((t) => broadcasts(x, t));
  return x && y && (b.n(2) ? [x, y] : [y, x]);
}

export function broadcasts(...tensors: Tensor[]): boolean {
  try {
    return (
      numel(
        broadcastShapes(
          '',
          tensors.map((t) => t.shape),
        ),
      ) <= 1536
    );
  } catch {
    return false;
  }
}

function binary(b: Builder): Tensor | undefined {
  const two = pairOf(b);
  if (!two) return undefined;
  const [x, y] = two;
  const [p, q] = two.map((t) => b.mag(t));
  switch (b.n(11)) {
    case 0:
    case 1:
      return b.sized(add(x, y), p + q);
    case 2:
    case 3:
      return b.sized(mul(x, y), p * q);
    case 4:
      return b.sized(sub(x, y), p + q);
    case 5:
      return b.sized(x.div(square(y).add(1)), p);
    case 6:
      return b.sized(maximum(x, y), Math.max(p, q));
    case 7:
      return b.sized(minimum(x, y), Math.max(p, q));
    case 8:
      return b.sized(pow(square(x).add(0.5), y.tanh()), p ** 2 + 0.5 + 2);
    case 9:
      return b.sized(clamp(x, y, b.n(2) ? y.add(0.5) : 1), Math.max(p, q) + 1);
    default: {
      const other = b.float((t) => broadcasts(x, y, t));
      const test = b.one([greater, less, lessEqual]);
      return other && b.sized(where(test(x, y), other, b.n(2) ? x : 0.5), Math.max(p, b.mag(other)));
    }
  }
}

/** Some axes of x, at least one if it has any. */
function axesOf(b: Builder, x: Tensor): number[] {
  const axes = x.shape.flatMap((_, i) => (b.n(2) ? [i] : []));
  return axes.length ? axes : x.rank ? [b.n(x.rank)] : [];
}

function reduction(b: Builder): Tensor | undefined {
  const x = b.float();
  if (!x) return undefined;
  const axes = axesOf(b, x);
  const options = { keepDims: b.n(2) > 0 };
  const count = numel(axes.map((axis) => x.shape[axis]));
  switch (b.n(6)) {
    case 5:
      return placed(b, x);
    case 0:
    case 1:
      return b.sized(sum(x, axes, options), count * b.mag(x));
    case 2:
      return b.sized(mean(x, axes, options), b.mag(x));
    case 3:
      return b.sized(max(x, axes, options), b.mag(x));
    default:
      return b.sized(variance(x, axes, options), b.mag(x) ** 2);
  }
}

/** The largest or smallest elements and their places, which lead on to where they are and to numbers of their own. */
function placed(b: Builder, x: Tensor): Tensor | undefined {
  if (x.rank === 0 || numel(x.shape) === 0) return undefined;
  const axis = b.n(x.rank);
  const find = b.n(2) ? maxWithIndex : minWithIndex;
  const { values, indices } = find(x, axis, { keepDims: b.n(2) > 0 });
  b.show(indices);
  if (b.n(2)) return b.sized(values, b.mag(x));
  const places = argmax(b.n(2) ? x : x.mul(x), axis, { keepDims: true });
  const along = iota(x.shape[axis]).reshape(x.shape.map((n, i) => (i === axis ? n : 1)));
  return b.sized(where(lessEqual(along, places), x, 0), b.mag(x));
}

/** Softmax and its kin, over any axis. */
function normalized(b: Builder): Tensor | undefined {
  const x = b.float((t) => t.rank > 0 && numel(t.shape) > 0);
  if (!x) return undefined;
  const axis = b.n(x.rank);
  if (b.n(2)) return b.sized(softmax(x, axis), 1);
  return b.sized(logSoftmax(x, axis), Math.log(x.shape[axis]) + 2 * b.mag(x));
}

/** Batch or layer norm: over all axes but one or over one, with running statistics at times. */
function norm(b: Builder): Tensor | undefined {
  const x = b.float((t) => t.rank > 1 && numel(t.shape) > 0);
  if (!x) return undefined;
  const last = x.rank - 1;
  const axes = b.n(2) ? [last] : x.shape.flatMap((_, i) => (i < last ? [i] : []));
  const m = mean(x, axes, { keepDims: true });
  const v = variance(x, axes, { keepDims: true });
  if (b.n(2)) {
    const running = b.state(m.shape);
    running.assign(add(mul(running, 0.9), mul(m, 0.1)));
  }
  const y = b.sized(sub(x, m).mul(v.add(0.01).rsqrt()), 3);
  if (b.n(2)) return y;
  const scale = b.parameter([x.shape[last]]);
  return b.sized(y.mul(scale).add(b.parameter([x.shape[last]])), TAME * 2);
}

/** Masks from positions, such as attention has, and random ones, such as dropout has. */
function mask(b: Builder): Tensor | undefined {
  const x = b.float((t) => t.rank > 0);
  if (!x) return undefined;
  const columns = iota(x.shape[x.rank - 1]);
  const rows = x.rank > 1 && b.n(2) ? iota(x.shape[x.rank - 2]).reshape([x.shape[x.rank - 2], 1]) : null;
  const places = iota(numel(x.shape)).reshape([...x.shape]);
  const first = b.n(2);
  const seen = rows
    ? first
      ? lessEqual(columns, rows)
      : greater(columns, rows)
    : greaterEqual(random(places, 7, numel(x.shape)), first ? 0.25 : 0.5);
  if (b.n(3) === 0) return b.sized(x.mul(cast(seen, 'f32')), b.mag(x));
  return b.sized(where(seen, x, b.one([0, -1, 1])), b.mag(x));
}

export type StepKind = (b: Builder) => Tensor | undefined;

const apply1 = (list: Unary[]) => (b: Builder) => {
  const x = b.float();
  return x && b.sized(...b.one(list)(x, b));
};

/** What a step can be; what is listed more than once comes more often. */
export const stepKinds: readonly StepKind[] = [
  ...Array(6).fill(apply1(unary)),
  ...Array(7).fill(binary),
  ...Array(4).fill(reduction),
  ...Array(2).fill(normalized),
  norm,
  mask,
  ...movementSteps,
  ...joinSteps,
  ...imageSteps,
  ...matrixSteps,
  ...gatherSteps,
  ...loopSteps,
  ...rangeSteps,
];

/** Taken by a few programs only, since nothing is left to compare once all values are not numbers. */
export const edgeStep: StepKind = apply1(edges);

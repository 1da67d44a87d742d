import type { Node } from '../../graph/graph.js';
import type { MatmulAttrs } from '../../ops/matmul.js';
import type { Shape } from '../../shape.js';

// Where the axes of scores, [..., queries, keys], are in what is beside them. Axes count from the end, as broadcasting does.

/** Whether a tensor is a matrix of queries by keys, or several that broadcast to `scores`. */
export function isFull({ shape }: Node, scores: Shape): boolean {
  return shape.length >= 2 && shape.at(-1) === scores.at(-1) && fits(shape, scores);
}

/** Whether a tensor has a number for each query. */
export function isRow({ shape }: Node, scores: Shape): boolean {
  return shape.length >= 2 && shape.at(-1) === 1 && fits(shape, scores);
}

function fits(shape: Shape, scores: Shape): boolean {
  if (shape.at(-2) !== scores.at(-2) || shape.length > scores.length) return false;
  return shape.every((n, i) => i >= shape.length - 2 || n === 1 || n === scores.at(i - shape.length));
}

export function isProduct({ op }: Node): boolean {
  return op.lower.kind === 'matmul';
}

/** A reduction along the last axis alone. */
export function isAlongKeys({ op, inputs, attrs }: Node): boolean {
  if (op.lower.kind !== 'reduce') return false;
  const axes = attrs.axes as readonly number[];
  return axes.length === 1 && axes[0] === inputs[0].shape.length - 1;
}

/** A product with one matrix of queries by keys among its operands: which, and whether it sums over keys. */
export interface Exit {
  readonly at: 0 | 1;
  readonly overKeys: boolean;
}

export function exitOf({ attrs }: Node, at: 0 | 1): Exit {
  const { transposeA, transposeB } = attrs as MatmulAttrs;
  return { at, overKeys: at === 0 ? !transposeA : transposeB };
}

/** The axes of an operand that are queries and keys, from the end; null where it has none. */
export interface Axes {
  readonly queries: number | null;
  readonly keys: number | null;
}

/** Of an operand of a product that makes scores. */
export function axesOfFactor({ attrs }: Node, at: number): Axes {
  const { transposeA, transposeB } = attrs as MatmulAttrs;
  return at === 0
    ? { queries: transposeA ? -1 : -2, keys: null }
    : { queries: null, keys: transposeB ? -2 : -1 };
}

/** Of the operand beside the scores. */
export function axesBeside({ attrs }: Node, { at, overKeys }: Exit): Axes {
  const { transposeA, transposeB } = attrs as MatmulAttrs;
  const summed = at === 1 ? (transposeA ? -2 : -1) : transposeB ? -1 : -2;
  return overKeys ? { queries: null, keys: summed } : { queries: summed, keys: null };
}

/** Of the result of a product with scores. */
export function axesOfExit({ at, overKeys }: Exit): Axes {
  const kept = at === 0 ? -2 : -1;
  return overKeys ? { queries: kept, keys: null } : { queries: null, keys: kept };
}

/** Of an operand of an elementwise op or a reduction. */
export function axesAlong({ shape }: Node, scores: Shape): Axes {
  return {
    queries: shape.length >= 2 && shape.at(-2) === scores.at(-2) ? -2 : null,
    keys: shape.length >= 1 && shape.at(-1) === scores.at(-1) ? -1 : null,
  };
}

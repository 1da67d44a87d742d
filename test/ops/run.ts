import type { Op } from '../../src/ops/op.js';
import { resultsOf } from '../../src/ops/results.js';
import { apply, withInterpreter } from '../../src/ops/tensor.js';
import { numel } from '../../src/shape.js';
import { Eager, type Precision, Tape } from '../../src/tape/tape.js';
import { type CaseInput, fill, type OpCase } from './cases.js';

/** A leaf of the tape with these elements; floats are tracked, so that they have gradients. */
export function leaf(
  { shape, dtype }: CaseInput,
  values: ArrayLike<number>,
  precision: Precision = 'float64',
): Eager {
  const { data } = new Tape(precision).constant(Array.from(values), shape, dtype);
  return new Eager(data, shape, dtype, null, dtype === 'f32');
}

/** The inputs of a case, filled; each input has a seed of its own. */
export function leaves({ inputs }: OpCase, precision: Precision = 'float64', seed = 1): Eager[] {
  return inputs.map((input, i) => leaf(input, fill(input, seed + i), precision));
}

export function onTape<T>(precision: Precision, f: () => T): T {
  return withInterpreter(new Tape(precision), f);
}

/** Every result of an op, most have one. */
export function applyOp(op: Op, inputs: readonly Eager[], attrs: OpCase['attrs']): Eager[] {
  return resultsOf(apply(op, inputs, attrs)) as Eager[];
}

/** A scalar that depends on every element of the floats among these, on each in another way. */
export function weightedSum(results: readonly Eager[], seed = 77): Eager {
  const sums = results.filter((x) => x.dtype === 'f32').map((x, i) => weighted(x, seed + i));
  return sums.reduce((a, b) => a.add(b) as Eager);
}

/** A scalar that depends on every element of x, on each in another way. */
export function weighted(x: Eager, seed = 77): Eager {
  const weights = leaf(
    { shape: [...x.shape], dtype: 'f32' },
    fill({ shape: [...x.shape], dtype: 'f32' }, seed),
  );
  return x.mul(constant(weights)).sum() as Eager;
}

/** The same elements without gradient. */
function constant({ data, shape, dtype }: Eager): Eager {
  return new Eager(data, shape, dtype, null, false);
}

export interface Mismatch {
  input: number;
  element: number;
  got: number;
  want: number;
}

/** Elements of each input that are looked at; all would make large cases slow. */
const LOOKED_AT = 24;

/**
 * Compares gradients of f with central differences (f(x + h) - f(x - h)) / 2h, h relative to x: their error is
 * some h^2, and h = 1e-5 of x keeps the rounding of f, 1e-16 / h, below as well.
 */
export function checkGradients(
  inputs: readonly Eager[],
  f: (inputs: Eager[]) => number,
  gradients: readonly (ArrayLike<number> | null)[],
  tolerance = 1e-6,
): Mismatch[] {
  return inputs.flatMap((input, k) => {
    if (input.dtype !== 'f32') return [];
    const n = numel(input.shape);
    const stride = Math.max(1, Math.floor(n / LOOKED_AT));
    const looked = Array.from({ length: Math.ceil(n / stride) }, (_, i) => i * stride);
    const found = looked.map((element) => {
      const h = 1e-5 * Math.max(1, Math.abs(input.data[element]));
      const moved = (by: number) => {
        const data = input.data.slice();
        data[element] += by;
        const copy = new Eager(data, input.shape, input.dtype, null, true);
        return f(inputs.map((x, i) => (i === k ? copy : x)));
      };
      const want = (moved(h) - moved(-h)) / (2 * h);
      return { input: k, element, got: gradients[k]?.[element] ?? 0, want };
    });
    const scale = Math.max(1e-3, ...found.map(({ want }) => Math.abs(want)));
    return found.filter(({ got, want }) => !(Math.abs(got - want) <= tolerance * scale));
  });
}

/** The error that it throws, in words with its name; 'undefined' if it throws none. */
export function refusal(f: () => unknown): string {
  try {
    f();
  } catch (error) {
    return String(error);
  }
  return 'undefined';
}

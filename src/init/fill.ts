import { allocated, OptionError } from '../errors.js';
import type { Initializer, RandomSource } from '../ops/tensor.js';
import { formatShape, numel, type Shape } from '../shape.js';

/** How a variable begins, as plain data, so that it can be made anew for any seed without the model's code. */
export type Fill =
  | { readonly kind: 'constant'; readonly value: number }
  /** Evenly in [low, high). */
  | { readonly kind: 'uniform'; readonly low: number; readonly high: number }
  | { readonly kind: 'normal'; readonly mean: number; readonly std: number }
  /** Any integers of 32 bits. */
  | { readonly kind: 'word' }
  /** These, in row-major order. */
  | { readonly kind: 'values'; readonly values: readonly number[] };

/** The first elements of a variable. Those of a fill that draws depend on its random numbers alone. */
export function elementsOf(fill: Fill, shape: Shape, random: RandomSource): ArrayLike<number> {
  const n = numel(shape);
  const out = allocated(n, `a variable of shape ${formatShape(shape)}`, () => new Float32Array(n));
  switch (fill.kind) {
    case 'values':
      return fill.values;
    case 'word':
      return Int32Array.from(out, (_, i) => Math.floor(random.uniform(i) * 2 ** 32) - 2 ** 31);
    case 'constant':
      return out.fill(fill.value);
    case 'uniform':
      for (let i = 0; i < out.length; i++) out[i] = fill.low + (fill.high - fill.low) * random.uniform(i);
      return out;
    case 'normal':
      for (let i = 0; i < out.length; i++) out[i] = fill.mean + fill.std * random.normal(i);
      return out;
    default:
      throw new OptionError(`init: there is no fill ${JSON.stringify((fill as { kind: unknown }).kind)}`);
  }
}

const describers = new WeakMap<Initializer, (shape: Shape) => Fill>();

/** An initializer that can also say what it does. */
export function declared(describe: (shape: Shape) => Fill): Initializer {
  const initializer: Initializer = (shape, random) => {
    if (!Array.isArray(shape) || !random)
      throw new OptionError(
        'init: an initializer is given as it is, without a call: init.zeros, not init.zeros()',
      );
    return elementsOf(describe(shape), shape, random);
  };
  describers.set(initializer, describe);
  return initializer;
}

/** What an initializer does for a shape; undefined for one that is a function of the user's. */
export function fillOf(initializer: Initializer, shape: Shape): Fill | undefined {
  return describers.get(initializer)?.(shape);
}

/** The initializer as if the variable had this shape, of as many elements: for one that lies in another order than its fans tell. */
export function forShape(initializer: Initializer, shape: Shape): Initializer {
  return fillOf(initializer, shape) ? declared(() => fillOf(initializer, shape)!) : initializer;
}

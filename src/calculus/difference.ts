import { checkOptions, shown } from '../check.js';
import { OptionError } from '../errors.js';

/** f(x + h) - f(x) over h, or f(x + h) - f(x - h) over 2h. */
export type DifferenceMethod = 'forward' | 'central';

export interface DifferenceOptions {
  /** Central unless given: its error falls with h^2, that of the forward difference with h. */
  method?: DifferenceMethod | undefined;
  /**
   * The step; a negative one looks to the other side. By default where truncation and rounding are about equal:
   * the square root (forward) or the cube root (central) of 2^-52, times |x| where that is above 1.
   */
  h?: number | undefined;
}

/**
 * The derivative of f at x by finite differences: a number close to f'(x), for any function that can be
 * called near x. A number in place of the options is h. (Nocedal and Wright 2006, section 8.1.)
 * @example
 * ```ts
 * import { derivative } from '2headgrad';
 * console.log(derivative((x) => x ** 3, 2).toFixed(6)); // 12.000000
 * ```
 */
export function derivative(
  f: (x: number) => number,
  x: number,
  options: number | DifferenceOptions = {},
): number {
  return quotient('derivative', f, x, options);
}

/**
 * The derivative of f(x0, x1, ...) at a point with respect to the coordinate `index`: the others stand still.
 * A number in place of the options is h.
 * @example
 * ```ts
 * import { partialDerivative } from '2headgrad';
 * console.log(partialDerivative((x, y) => x * y * y, [2, 3], 1).toFixed(6)); // 12.000000
 * ```
 */
export function partialDerivative(
  f: (...point: number[]) => number,
  point: readonly number[],
  index: number,
  options: number | DifferenceOptions = {},
): number {
  const name = 'partialDerivative';
  if (!Array.isArray(point))
    throw new OptionError(`${name}: the point must be an array, got ${shown(point)}`);
  if (!Number.isInteger(index) || index < 0 || index >= point.length) {
    const n = point.length;
    throw new OptionError(
      `${name}: index ${shown(index)} is out of range: the point has ${n} coordinate${n === 1 ? '' : 's'}, counted from 0`,
    );
  }
  const wrong = point.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) {
    throw new OptionError(
      `${name}: coordinate ${wrong} of the point is ${shown(point[wrong])}, not a finite number`,
    );
  }
  const along = (x: number) => f(...point.slice(0, index), x, ...point.slice(index + 1));
  return quotient(name, along, point[index], options);
}

/** What a difference quotient gave for one h, and how far that is from the truth. */
export interface StepError {
  h: number;
  estimate: number;
  error: number;
}

export interface StepErrorOptions {
  method?: DifferenceMethod | undefined;
  /** The steps to try; by default four for each power of ten, from 1 down to 1e-15. */
  steps?: readonly number[] | undefined;
}

/**
 * The error of the difference quotient against the derivative `exact`, over many steps h. On logarithmic axes it
 * falls with slope 1 (forward) or 2 (central) while truncation rules, and rises with slope -1 where rounding does:
 * f(x + h) and f(x) agree in ever more digits, which cancel, and what is left is divided by h.
 *
 * @example
 * ```ts
 * import { stepErrors } from '2headgrad';
 * const errors = stepErrors(Math.sin, 1, Math.cos(1), { steps: [0.1, 0.001] });
 * console.log(errors.map(({ h, error }) => `${h}: ${error.toExponential(1)}`).join(', ')); // 0.1: 9.0e-4, 0.001: 9.0e-8
 * ```
 */
export function stepErrors(
  f: (x: number) => number,
  x: number,
  exact: number,
  options: StepErrorOptions = {},
): StepError[] {
  checkOptions('stepErrors', options, ['method', 'steps']);
  const { method = 'central', steps = STEPS } = options;
  if (!Number.isFinite(exact)) {
    throw new OptionError(`stepErrors: the exact derivative must be a finite number, got ${shown(exact)}`);
  }
  return steps.map((h) => {
    const estimate = quotient('stepErrors', f, x, { method, h });
    return { h, estimate, error: Math.abs(estimate - exact) };
  });
}

/** By multiplication alone, whose bits are the same everywhere; the factor is 10^(-1/4). */
const STEPS: readonly number[] = (() => {
  const steps = [1];
  while (steps.length <= 60) steps.push(steps[steps.length - 1] * 0.5623413251903491);
  return steps;
})();

/** Where truncation, which grows with h or h^2, meets rounding, which grows with 2^-52 / h. */
const BEST: Record<DifferenceMethod, number> = {
  forward: Math.sqrt(Number.EPSILON),
  central: Math.cbrt(Number.EPSILON),
};

function quotient(
  name: string,
  f: (x: number) => number,
  x: number,
  options: number | DifferenceOptions,
): number {
  if (typeof f !== 'function') throw new OptionError(`${name}: f must be a function, got ${shown(f)}`);
  if (!Number.isFinite(x)) throw new OptionError(`${name}: x must be a finite number, got ${shown(x)}`);
  if (typeof options !== 'number' && (typeof options !== 'object' || options === null)) {
    throw new OptionError(`${name}: expected h or an object of options, got ${shown(options)}`);
  }
  if (typeof options !== 'number') checkOptions(name, options, ['method', 'h']);
  const { method = 'central', h: given }: DifferenceOptions =
    typeof options === 'number' ? { h: options } : options;
  if (!(method in BEST)) {
    throw new OptionError(`${name}: method must be 'forward' or 'central', got ${shown(method)}`);
  }
  const h = given ?? BEST[method] * Math.max(1, Math.abs(x));
  if (!Number.isFinite(h) || h === 0) {
    throw new OptionError(`${name}: h must be a finite number other than 0, got ${shown(h)}`);
  }
  const [to, from] = [x + h, method === 'central' ? x - h : x];
  if (to === x || (method === 'central' && from === x)) {
    throw new OptionError(`${name}: h = ${h} is too small at x = ${x}: x + h rounds to x; give a larger h`);
  }
  const rise = valueAt(name, f, to) - valueAt(name, f, from);
  // The step that is really taken: x + h has been rounded.
  const slope = rise / (to - from);
  if (Number.isFinite(slope)) return slope;
  throw new OptionError(
    `${name}: the difference quotient at x = ${x} overflows with h = ${h}; give another h`,
  );
}

function valueAt(name: string, f: (x: number) => number, x: number): number {
  const y: unknown = f(x);
  if (typeof y === 'number' && Number.isFinite(y)) return y;
  throw new OptionError(`${name}: f must return a finite number, but f gave ${shown(y)} at ${x}`);
}

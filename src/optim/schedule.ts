import { checkOptions, learningRate, notNegative, shown, wholeNumber } from '../check.js';
import { OptionError } from '../errors.js';

// Learning rates as functions of the step, for `session.run({ lr })`. The rate is an input of the compiled step, so
// no schedule needs another compilation. All are made of + - * / alone, which give the same bits everywhere.

/** The learning rate of a step, counted from 0. */
export type Schedule = (step: number) => number;

/**
 * The same rate in every step.
 * @example
 * ```ts
 * import { optim } from '2headgrad';
 * const lr = optim.schedule.constant(0.1);
 * console.log([0, 1000].map((step) => lr(step).toPrecision(3)).join(' ')); // 0.100 0.100
 * ```
 */
export function constant(lr: number): Schedule {
  rate('schedule.constant: lr', lr);
  return () => lr;
}

export interface StepOptions {
  lr: number;
  /** Multiply the rate by `factor` after every so many steps, */
  every?: number | undefined;
  /** or when these steps begin, in ascending order. */
  at?: readonly number[] | undefined;
  /** 0.1 unless given. */
  factor?: number | undefined;
}

/**
 * lr factor^k: k is floor(step / every), or the number of steps `at` that have begun. (PyTorch: StepLR, MultiStepLR.)
 * @example
 * ```ts
 * import { optim } from '2headgrad';
 * const lr = optim.schedule.step({ lr: 0.1, every: 100 });
 * console.log([0, 100, 200].map((step) => lr(step).toPrecision(3)).join(' ')); // 0.100 0.0100 0.00100
 * ```
 */
export function step(options: StepOptions): Schedule {
  check('step', options, ['lr', 'every', 'at', 'factor']);
  const { lr, every, at, factor = 0.1 } = options;
  rate('schedule.step: lr', lr);
  notNegative('schedule.step: factor', factor);
  if ((every === undefined) === (at === undefined))
    throw new OptionError('schedule.step: give either every or at');
  if (every !== undefined) wholeNumber('schedule.step: every', every);
  at?.forEach((start, i) => {
    wholeNumber('schedule.step: at', start, 0);
    if (i > 0 && start <= at[i - 1])
      throw new OptionError(`schedule.step: at must ascend, got ${at[i - 1]} and then ${start}`);
  });
  return (t) => lr * power(factor, at ? at.filter((start) => start <= t).length : Math.floor(t / every!));
}

/**
 * lr factor^step, with a factor a little below 1. (PyTorch: ExponentialLR.)
 * @example
 * ```ts
 * import { optim } from '2headgrad';
 * const lr = optim.schedule.exponential({ lr: 0.1, factor: 0.99 });
 * console.log([0, 100].map((step) => lr(step).toPrecision(3)).join(' ')); // 0.100 0.0366
 * ```
 */
export function exponential(options: { lr: number; factor: number }): Schedule {
  check('exponential', options, ['lr', 'factor']);
  const { lr, factor } = options;
  rate('schedule.exponential: lr', lr);
  notNegative('schedule.exponential: factor', factor);
  return (t) => lr * power(factor, t);
}

/**
 * Half a period of a cosine from `lr` in step 0 to `end` in step `steps`, and `end` from there on:
 * end + (lr - end) (1 + cos(pi step / steps)) / 2. (Loshchilov and Hutter 2017, equation 5, without restarts.)
 * @example
 * ```ts
 * import { optim } from '2headgrad';
 * const lr = optim.schedule.cosine({ lr: 0.1, steps: 100 });
 * console.log([0, 50, 100].map((step) => lr(step).toPrecision(3)).join(' ')); // 0.100 0.0500 0.00
 * ```
 */
export function cosine(options: { lr: number; steps: number; end?: number }): Schedule {
  check('cosine', options, ['lr', 'steps', 'end']);
  const { lr, steps, end = 0 } = options;
  rate('schedule.cosine: lr', lr);
  rate('schedule.cosine: end', end);
  wholeNumber('schedule.cosine: steps', steps);
  return (t) => between(lr, end, t / steps);
}

/**
 * Rises in a straight line for `steps` steps to the rate that `then` has in its first step, which comes next:
 * then(0) (step + 1) / (steps + 1). `then` counts from where the warm-up ends. (Goyal et al. 2017, section 2.2.)
 * @example
 * ```ts
 * import { optim } from '2headgrad';
 * const lr = optim.schedule.warmup(9, 0.1);
 * console.log([0, 4, 9].map((step) => lr(step).toPrecision(3)).join(' ')); // 0.0100 0.0500 0.100
 * ```
 */
export function warmup(steps: number, then: Schedule | number): Schedule {
  wholeNumber('schedule.warmup: steps', steps, 0);
  const after = typeof then === 'number' ? constant(then) : then;
  if (typeof after !== 'function')
    throw new OptionError(`schedule.warmup: give a schedule or a rate for what follows, got ${shown(then)}`);
  return (t) => (t < steps ? (after(0) * (t + 1)) / (steps + 1) : after(t - steps));
}

export interface OneCycleOptions {
  /** The highest rate: what the learning-rate finder suggests. */
  max: number;
  /** Steps in all. */
  steps: number;
  /** The first rate; max / 25 unless given. */
  start?: number | undefined;
  /** The last rate; a ten-thousandth of the first unless given. */
  end?: number | undefined;
  /** The share of the steps in which the rate rises; 0.3 unless given. */
  rise?: number | undefined;
}

/**
 * One cycle: half a cosine from `start` up to `max`, then another down to `end`, far below where it began.
 * (Smith 2018, A disciplined approach to neural network hyper-parameters, section 4; with cosines for his straight
 * lines, as PyTorch's OneCycleLR, whose rates these are: the highest stands at step rise * steps - 1.)
 *
 * @example
 * ```ts
 * import { optim } from '2headgrad';
 * const lr = optim.schedule.oneCycle({ max: 0.1, steps: 101, start: 0.01 });
 * console.log([0, 29, 100].map((step) => lr(step).toPrecision(3)).join(' ')); // 0.0100 0.100 0.00000100
 * ```
 */
export function oneCycle(options: OneCycleOptions): Schedule {
  check('oneCycle', options, ['max', 'steps', 'start', 'end', 'rise']);
  const { max, steps, start = max / 25, end = start / 10_000, rise = 0.3 } = options;
  rate('schedule.oneCycle: max', max);
  rate('schedule.oneCycle: start', start);
  rate('schedule.oneCycle: end', end);
  wholeNumber('schedule.oneCycle: steps', steps);
  if (!(rise > 0 && rise < 1))
    throw new OptionError(`schedule.oneCycle: rise must be between 0 and 1, got ${rise}`);
  const top = Math.max(0, rise * steps - 1);
  return (t) =>
    t <= top ? between(start, max, top > 0 ? t / top : 1) : between(max, end, (t - top) / (steps - 1 - top));
}

/**
 * Schedules one after the other: each for its number of steps and counting from 0, the last for all that follow.
 * @example
 * ```ts
 * import { optim } from '2headgrad';
 * const lr = optim.schedule.chain([100, optim.schedule.constant(0.1)], optim.schedule.cosine({ lr: 0.1, steps: 50 }));
 * console.log([0, 100, 125].map((step) => lr(step).toPrecision(3)).join(' ')); // 0.100 0.100 0.0500
 * ```
 */
export function chain(...parts: [...(readonly [steps: number, schedule: Schedule])[], Schedule]): Schedule {
  const last = parts.at(-1);
  if (typeof last !== 'function')
    throw new OptionError('schedule.chain: the last part is a schedule without a number of steps');
  const before = parts.slice(0, -1) as (readonly [number, Schedule])[];
  for (const part of before) {
    if (!Array.isArray(part) || typeof part[1] !== 'function')
      throw new OptionError('schedule.chain: every part but the last is [steps, schedule]');
    wholeNumber('schedule.chain: steps', part[0], 0);
  }
  return (t) => {
    let left = t;
    for (const [steps, schedule] of before) {
      if (left < steps) return schedule(left);
      left -= steps;
    }
    return last(left);
  };
}

function check<O extends object>(name: string, options: O, known: readonly (keyof O & string)[]): void {
  if (options === undefined) throw new OptionError(`schedule.${name}: expected { ${known.join(', ')} }`);
  checkOptions(`schedule.${name}`, options, known);
}

/** A rate that a schedule is made of, in the words of other options. */
function rate(what: string, lr: number): void {
  notNegative(what, lr);
  learningRate(what, lr);
}

/** Half a cosine from `from` at 0 to `to` at 1 and beyond. */
function between(from: number, to: number, at: number): number {
  return at >= 1 ? to : to + ((from - to) * (1 + cosPi(at))) / 2;
}

/** factor^n for a whole n by squaring. */
function power(factor: number, n: number): number {
  let result = 1;
  for (let base = factor, left = n; left > 0; left = Math.floor(left / 2), base *= base) {
    if (left % 2 === 1) result *= base;
  }
  return result;
}

/** cos(pi x) for x in [0, 1], within some units of 1e-16: Math.cos may differ in the last bit between engines. */
function cosPi(x: number): number {
  if (x > 0.5) return -cosPi(1 - x);
  if (x > 0.25) return series(Math.PI * (0.5 - x), 1);
  return series(Math.PI * x, 0);
}

/** The Taylor series of sin (first = 1) or cos (first = 0) for |x| <= pi/4, cut below 1e-17. */
function series(x: number, first: 0 | 1): number {
  let sum = 0;
  for (let n = 18 + first; n > first; n -= 2) sum = (-x * x * (1 + sum)) / (n * (n - 1));
  return (first === 1 ? x : 1) * (1 + sum);
}

import { gradients } from '../autodiff/gradients.js';
import { checkOptions } from '../check.js';
import { DTypeError, GraphError, OptionError, ShapeError } from '../errors.js';
import { identity } from '../ops/movement.js';
import { activeInterpreter, interpreter, Tensor, toTensor, withInterpreter } from '../ops/tensor.js';
import { formatType, numel } from '../shape.js';
import { Eager, type Nested, type Precision, Tape, tensor, trackedLeaves } from '../tape/tape.js';

/** What a differentiated function is called with: tensors, numbers, or nested arrays of numbers. */
export type Argument = Nested | Tensor;

/** A derivative looks like the argument that it belongs to. */
export type Like<X> = X extends number
  ? number
  : X extends Eager
    ? Eager
    : X extends Tensor
      ? Tensor
      : X extends readonly (infer E)[]
        ? Like<E>[]
        : never;

/** The derivative for one place of argument, or an array of them for an array of places. */
export type Derivatives<A extends readonly unknown[], N> = N extends readonly number[]
  ? { -readonly [K in keyof N]: Like<A[N[K] & keyof A & number]> }
  : Like<A[N & number]>;

/** A number where all arguments are numbers or arrays, else a tensor. */
export type ValueOf<A extends readonly unknown[]> = A[number] extends Nested
  ? number
  : A[number] extends Nested | Eager
    ? Eager
    : Tensor;

export interface GradOptions<N extends number | readonly number[] = number> {
  /** Which arguments to differentiate with respect to, counted from 0: one, or several as an array. 0 unless given. */
  argnums?: N | undefined;
  /**
   * Of the numbers, outside of a trace. Unless given: float64 where no argument is a float32 tensor, as plain numbers
   * are in JavaScript, or where one is a float64 tensor; else float32.
   */
  precision?: Precision | undefined;
}

/** A scalar function of tensors: what it returns has one element. */
export type ScalarFunction = (...args: Tensor[]) => Tensor | number;

/**
 * The gradient of f as a function of the same arguments, by reverse mode: `grad(f)(3)` is f'(3), exact but for
 * rounding. Called with numbers or arrays it returns the same, called with tensors a tensor. Inside of a trace, or
 * of another function that is being differentiated, the result is a tensor that can be differentiated again, so
 * `grad(grad(f))` is f''. The gradient is zero where f does not depend on the argument.
 *
 * @example
 * ```ts
 * import { grad } from '2headgrad';
 * const slope = grad((x) => x.mul(x).mul(x));
 * console.log(slope(2), grad((x) => slope(x))(2)); // 12 12
 * ```
 */
export function grad<const N extends number | readonly number[] = 0>(
  f: ScalarFunction,
  options: GradOptions<N> = {},
): <const A extends readonly Argument[]>(...args: A) => Derivatives<A, N> {
  check('grad', f, options);
  return (...args) => differentiate('grad', f, args, options)[1] as never;
}

/**
 * As `grad`, with the value of f before the gradient: `[f(x), f'(x)]` from one pass forward and one back.
 * @example
 * ```ts
 * import { valueAndGrad } from '2headgrad';
 * console.log(valueAndGrad((x, y) => x.mul(y), { argnums: 1 })(2, 3)); // [ 6, 2 ]
 * ```
 */
export function valueAndGrad<const N extends number | readonly number[] = 0>(
  f: ScalarFunction,
  options: GradOptions<N> = {},
): <const A extends readonly Argument[]>(...args: A) => [value: ValueOf<A>, gradient: Derivatives<A, N>] {
  check('valueAndGrad', f, options);
  return (...args) => differentiate('valueAndGrad', f, args, options) as never;
}

function check(name: string, f: unknown, options: unknown): void {
  if (typeof f !== 'function') throw new OptionError(`${name}: f must be a function, got ${kindOf(f)}`);
  if (typeof options !== 'object' || options === null) {
    throw new OptionError(
      `${name}: the options must be an object, as in { argnums: 1 }, got ${kindOf(options)}`,
    );
  }
}

type Result = [value: unknown, gradient: unknown];

function differentiate(
  name: string,
  f: ScalarFunction,
  args: readonly Argument[],
  options: GradOptions<number | readonly number[]>,
): Result {
  checkOptions(name, options, ['argnums', 'precision']);
  const { argnums = 0, precision } = options;
  if (precision !== undefined && precision !== 'float32' && precision !== 'float64') {
    throw new OptionError(`${name}: precision must be 'float32' or 'float64', got ${String(precision)}`);
  }
  const places = typeof argnums === 'number' ? [argnums] : argnums;
  checkPlaces(name, places, args.length);
  args.forEach((arg, i) => {
    checkArgument(name, arg, i);
  });
  const pack = (list: readonly unknown[]) => (typeof argnums === 'number' ? list[0] : list);
  if (activeInterpreter()) {
    const { value, found } = sweep(name, f, args, places);
    return [value, pack(found)];
  }
  const tape = new Tape(precision ?? precisionOf(args));
  const { value, found, leaves } = withInterpreter(tape, () => sweep(name, f, args, places));
  const own = new Set<Tensor>(leaves);
  const plain = args.every((arg) => !(arg instanceof Tensor));
  return [
    finished(value as Eager, plain, own),
    pack(found.map((g, i) => finished(g as Eager, !(args[places[i]] instanceof Tensor), own))),
  ];
}

/** One run of f and one sweep back, under the interpreter that is active. */
function sweep(name: string, f: ScalarFunction, args: readonly Argument[], places: readonly number[]) {
  const inputs = args.map((arg, i) => {
    const x = arg instanceof Tensor ? toTensor(arg) : constant(arg);
    if (!places.includes(i)) return x;
    if (x.dtype !== 'f32')
      throw new DTypeError(`${name}: argument ${i} is ${formatType(x)}; only f32 has gradients`);
    return leafOf(x);
  });
  const leaves = places.map((place) => inputs[place]);
  const value = scalar(name, f(...inputs));
  // Kept differentiable: whoever called may be about to differentiate the result.
  const found = gradients(value, leaves, { createGraph: true });
  const zero = (x: Tensor) => interpreter().constant(0, x.shape, 'f32');
  return { value, found: found.map((g, i) => g ?? zero(leaves[i])), leaves };
}

/**
 * The value of x as a tensor of its own: f may also reach x by another way (as the inner function does in
 * x => grad(y => x.mul(y))(x)), and that way is not part of the derivative.
 */
function leafOf(x: Tensor): Tensor {
  const asked = interpreter() instanceof Tape && !(x as Eager).tracked;
  if (!asked) return identity(x);
  const { data, shape, dtype } = x as Eager;
  return new Eager(data, shape, dtype, null, true);
}

function constant(values: Nested): Tensor {
  const { data, shape } = tensor(values, { precision: 'float64' });
  return interpreter().constant(data, shape, 'f32');
}

/** A result as the caller gets it: numbers where numbers came in, and nothing that keeps the tape alive for no one. */
function finished(x: Eager, plain: boolean, own: ReadonlySet<Tensor>): unknown {
  if (plain) return nest(x);
  const wanted = x.tracked && trackedLeaves(x).some((leaf) => !own.has(leaf));
  return wanted ? x : new Eager(x.data, x.shape, x.dtype, null, false);
}

type Numbers = number | Numbers[];

function nest({ data, shape }: Eager): Numbers {
  let at = 0;
  const build = (axis: number): Numbers =>
    axis === shape.length ? data[at++] : Array.from({ length: shape[axis] }, () => build(axis + 1));
  return build(0);
}

function precisionOf(args: readonly Argument[]): Precision {
  const floats = args.filter((arg): arg is Eager => arg instanceof Eager && arg.dtype === 'f32');
  const wide = floats.length === 0 || floats.some(({ data }) => data instanceof Float64Array);
  return wide ? 'float64' : 'float32';
}

function scalar(name: string, y: unknown): Tensor {
  if (typeof y === 'number' && Number.isFinite(y)) return interpreter().constant(y, [], 'f32');
  if (!(y instanceof Tensor)) {
    const hint = typeof y === 'number' ? ': compute with tensor methods, as in x.log()' : '';
    throw new GraphError(`${name}: f must return a tensor of one element, got ${kindOf(y)}${hint}`);
  }
  if (numel(y.shape) !== 1) {
    throw new ShapeError(
      `${name}: f must return a scalar, got ${formatType(y)}: differentiate its sum or mean`,
    );
  }
  if (y.dtype !== 'f32') throw new DTypeError(`${name}: f must return f32, got ${formatType(y)}`);
  return toTensor(y);
}

function checkPlaces(name: string, places: readonly number[], count: number): void {
  if (!Array.isArray(places) || places.length === 0) {
    throw new OptionError(`${name}: argnums must be the place of an argument, or several in an array`);
  }
  for (const place of places) {
    if (!Number.isInteger(place) || place < 0 || place >= count) {
      const given = `${count} argument${count === 1 ? '' : 's'}`;
      throw new OptionError(
        `${name}: argnums ${String(place)} is out of range: the function was called with ${given}, counted from 0`,
      );
    }
  }
  if (new Set(places).size !== places.length) {
    throw new OptionError(`${name}: argnums [${places.join(', ')}] name an argument twice`);
  }
}

function checkArgument(name: string, arg: unknown, place: number): void {
  const stack: unknown[] = [arg];
  while (stack.length > 0) {
    const item = stack.pop();
    if (item instanceof Tensor) {
      if (item === arg) continue;
      throw new GraphError(`${name}: argument ${place} is an array with tensors in it; pass one tensor`);
    }
    if (Array.isArray(item)) for (const part of item) stack.push(part);
    else if (typeof item !== 'number' || Number.isNaN(item)) {
      throw new GraphError(`${name}: argument ${place} has ${kindOf(item)} where a number should be`);
    }
  }
}

function kindOf(x: unknown): string {
  if (x instanceof Promise) return 'a promise';
  if (Array.isArray(x)) return 'an array';
  if (ArrayBuffer.isView(x)) return `a ${x.constructor.name} (pass a tensor, or Array.from it)`;
  if (typeof x === 'object' && x !== null) return 'an object';
  return typeof x === 'function' || typeof x === 'string' ? `a ${typeof x}` : String(x);
}

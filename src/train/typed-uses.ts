import type { Tensor } from '../ops/tensor.js';
import type { Columns, Numbers } from './engine.js';
import type { ColumnsOf } from './typed-columns.js';

// What the types of a step say of the uses of its model: what each takes, and the names of what it makes.

/** One tensor, or several by name. */
export type Output = Tensor | Record<string, Tensor>;

/** A use of the model: types of its inputs, and what its function returns. */
export interface UseTypes<I = unknown, O = unknown> {
  readonly inputs: I;
  readonly outputs: O;
}

/** The uses by the user's names, of their inputs and of what their functions return. */
export type UsesOf<E, O> = { [K in keyof E]: UseTypes<E[K], K extends keyof O ? O[K] : Output> };

type IsAny<T> = 0 extends 1 & T ? true : false;

/** What a use is given; nothing fits where the step does not have it. */
export type InputsOf<U> =
  IsAny<U> extends true
    ? Columns
    : U extends UseTypes<infer I>
      ? keyof I extends never
        ? never
        : ColumnsOf<I>
      : never;

/** What an entry gives, by name: one tensor is called `output`. */
export type OutputsOf<U> =
  IsAny<U> extends true
    ? Record<string, Numbers>
    : U extends UseTypes<unknown, infer O>
      ? O extends Tensor
        ? { output: Numbers }
        : { [K in keyof O]: Numbers }
      : never;

/** What `predict` gives: the elements of one tensor, or of several by name. */
export type PredictionOf<U> =
  IsAny<U> extends true
    ? Numbers
    : U extends UseTypes<unknown, infer O>
      ? O extends Tensor
        ? Numbers
        : keyof O extends 'output'
          ? Numbers
          : { [K in keyof O]: Numbers }
      : never;

/** The use of a name: `predict`, or one of the user's. */
export type UseNamed<K, P, E> =
  // biome-ignore lint/suspicious/noExplicitAny: of a session of any step.
  IsAny<E> extends true ? any : K extends 'predict' ? P : K extends keyof E ? E[K] : never;

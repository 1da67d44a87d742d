import type { Tensor } from '../ops/tensor.js';

// Names of a model's variables, as `session.names()` has them, from the type of the model.

type IsAny<T> = 0 extends 1 & T ? true : false;

/** So deep a model is looked into; what lies deeper may have any name. */
type Depth = 0[];
type DeepEnough = 10;

/**
 * The paths of all variables of a model, as in 'body.layers.0.weight'; any text where the type of a layer does not say what it is
 * made of, such as nn.Module. 'parameter' or 'state' for a model that is a variable alone.
 */
export type VariableNames<M> =
  IsAny<M> extends true ? string : M extends Tensor ? 'parameter' | 'state' : PathsIn<M, []>;

type PathsIn<M, D extends Depth> =
  IsAny<M> extends true
    ? string
    : unknown extends M
      ? string
      : D['length'] extends DeepEnough
        ? string
        : PathsOfPart<M, [0, ...D]>;

/** Of each member of a union. */
type PathsOfPart<M, D extends Depth> = M extends Tensor
  ? ''
  : M extends { readonly parts: infer P }
    ? PathsOf<P, D>
    : M extends (...inputs: never) => unknown
      ? never
      : M extends object
        ? PathsOf<M, D>
        : never;

// The type of an array's elements may be one that leaves out parts of some.
type PathsOf<P, D extends Depth> = P extends readonly unknown[]
  ? number extends P['length']
    ? `${number}.${string}`
    : { [K in IndicesOf<P>]: Below<K, PathsIn<P[K], D>> }[IndicesOf<P>]
  : P extends Readonly<Record<string, never>>
    ? PathsOfNone<P>
    : string extends keyof P
      ? string
      : { [K in keyof P & string]-?: Below<K, PathsIn<P[K], D>> }[keyof P & string];

/** No variables, where a type says so; of `{}`, which every layer fits, nothing is known. */
type PathsOfNone<P> = string extends keyof P ? never : string;

type IndicesOf<P> = Exclude<keyof P, keyof []> & string;

type Below<K extends string, Inner> = Inner extends '' ? K : Inner extends string ? `${K}.${Inner}` : never;

/** Names of a session: any text where its step is not known. */
export type NameOf<N> = IsAny<N> extends true ? string : N & string;

/** A name that is given: one of the model's where it is written out, any where it is a text that only the program knows. */
export type Named<K extends string, N> = string extends K ? K : NameOf<N>;

/** What a session reads and writes by name: what the model holds, and what the optimizer keeps. */
export type ReadableNames<M> = VariableNames<M> | `optimizer.${string}`;

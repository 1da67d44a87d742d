import type { DType, Shape } from '../shape.js';
import type { Applied } from './interval.js';
import type { Attrs, Body } from './op.js';

// How ops are said in ONNX: what a rule of an op may use. The writer itself is in src/onnx.

/** Types of elements: the user's, and those that ops of ONNX take beside them. */
export type OnnxType = DType | 'i64' | 'u64';

/** A graph inside of an attribute. */
export interface OnnxBody {
  readonly body: unknown;
}

/** Whole numbers as they are; `float` is for others. */
export type OnnxAttribute = number | string | readonly number[] | { readonly float: number } | OnnxBody;

export type OnnxAttributes = Readonly<Record<string, OnnxAttribute>>;

/** A graph of ONNX in the making. Values go by their names. */
export interface OnnxWriter {
  /** Adds a node with one result, and gives the name of that. An input '' is left out. */
  node(op: string, inputs: readonly string[], attributes?: OnnxAttributes): string;
  /** The same for several results. */
  nodes(op: string, inputs: readonly string[], results: number, attributes?: OnnxAttributes): string[];
  /** A tensor with these elements, row by row; a scalar unless a shape is given. */
  constant(values: number | readonly number[], type: OnnxType, shape?: Shape): string;
  /** A list of whole numbers, as many ops take it: a tensor i64[n]. */
  ints(values: readonly number[]): string;
  cast(x: string, type: OnnxType): string;
  /**
   * A graph for an attribute. Its last inputs are the values `outside` of the graph around it; the first `repeated` inputs are
   * results too, behind its own.
   */
  body(body: Body, outside: readonly string[], repeated: number): OnnxBody;
}

/** The op of this name, of the same operands; or what it is written in: the names of its results. */
export type OnnxRule<A extends Attrs = Attrs> =
  | string
  | ((to: OnnxWriter, inputs: readonly string[], node: Applied<A>) => string | readonly string[]);

/** The first operand: what changes no element. */
export const unchanged = (_: OnnxWriter, [x]: readonly string[]) => x;

import type { Node } from '../graph/graph.js';
import type { Lowering, Op } from '../ops/op.js';
import type { DType } from '../shape.js';

// The loop language: what a kernel does, between the schedule, which says what belongs together, and the text, which is only
// printed. A program knows its buffers by number and no address; all else (strides, shapes, tiles) is in it as numbers. Two
// kernels whose programs are equal are therefore one function.

/** A variable; one whose name belongs to a buffer is called after whatever that is called in print. */
export type Name = string | { readonly kind: 'local'; readonly buffer: number; readonly stem: string };

/** A vector of four lanes, an address in bytes, or a count: what it is follows from where it stands. */
export type Expression =
  | number
  | Name
  /** The address of a buffer, from that element on which the program has asked for. */
  | { readonly kind: 'buffer'; readonly buffer: number }
  /** A literal of type f32. */
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'sum'; readonly terms: readonly Expression[] }
  | { readonly kind: 'binary'; readonly op: BinaryOp; readonly a: Expression; readonly b: Expression }
  | { readonly kind: 'cast'; readonly to: Scalar; readonly of: Expression }
  | {
      readonly kind: 'bound';
      readonly which: 'min' | 'max';
      readonly a: Expression;
      readonly b: Expression;
    }
  /** Four elements from an address on, one for all lanes, or one of another type as a number. */
  | {
      readonly kind: 'load';
      readonly as: LoadAs;
      readonly from: Expression;
      readonly offset: number;
      /** Of a vector: so many of its lanes are ever looked at, all if it is not said. */
      readonly lanes?: number;
    }
  /** An elementwise op, lane by lane. */
  | {
      readonly kind: 'apply';
      readonly op: Op;
      readonly args: readonly Expression[];
      readonly from: DType;
      readonly to: DType;
    }
  /** What a reduction starts from, its step, and the fold of its lanes. */
  | { readonly kind: 'identity'; readonly op: Op; readonly dtype: DType }
  | {
      readonly kind: 'combine';
      readonly op: Op;
      readonly a: Expression;
      readonly b: Expression;
      readonly dtype: DType;
    }
  | { readonly kind: 'horizontal'; readonly op: Op; readonly of: Expression; readonly dtype: DType }
  /** An instruction, such as `f32x4.add`. */
  | { readonly kind: 'instruction'; readonly name: string; readonly args: readonly Expression[] }
  /** A function of assembly/. */
  | { readonly kind: 'library'; readonly name: LibraryFunction; readonly args: readonly Expression[] };

export type BinaryOp = '-' | '*' | '/' | '%' | '&' | '>>' | '<' | '<=' | '==' | '!=';
export type Scalar = 'usize' | 'i32';
export type LoadAs = 'vector' | 'splat' | 'i32' | 'u8';

export type Statement =
  /** A value that does not change, or, with `mutable`, one that does. */
  | {
      readonly kind: 'let';
      readonly name: Name;
      readonly value: Expression;
      readonly type?: Scalar;
      readonly mutable?: true;
    }
  | { readonly kind: 'set'; readonly name: Name; readonly value: Expression }
  /** Adds to a variable. */
  | { readonly kind: 'advance'; readonly name: Name; readonly by: number }
  /** Takes a value into an accumulator of a reduction. */
  | {
      readonly kind: 'accumulate';
      readonly into: Name;
      readonly op: Op;
      readonly value: Expression;
      readonly dtype: DType;
    }
  /** Writes all lanes of a vector. */
  | { readonly kind: 'store'; readonly to: Expression; readonly value: Expression; readonly offset: number }
  /** Writes one lane. */
  | { readonly kind: 'storeLane'; readonly to: Expression; readonly value: Expression; readonly lane: number }
  | Loop
  /** The body first, then, as long as the condition holds, again. */
  | { readonly kind: 'repeat'; readonly body: readonly Statement[]; readonly while: Expression }
  | { readonly kind: 'block'; readonly body: readonly Statement[] }
  | {
      readonly kind: 'if';
      readonly test: Expression;
      readonly body: readonly Statement[];
      readonly otherwise?: readonly Statement[];
    }
  /** Calls a function of the program: a tile. */
  | { readonly kind: 'tile'; readonly name: string; readonly args: readonly Expression[] }
  /** Calls an instruction or a function of assembly/ for what it does to memory. */
  | { readonly kind: 'do'; readonly call: Expression };

/** For all steps of an index, which counts units or bytes. */
export interface Loop {
  readonly kind: 'loop';
  readonly index: string;
  /** Null: the index is declared already, and goes on from where it is. */
  readonly from: Expression | null;
  readonly test: Expression;
  readonly step: number;
  /** What else goes along. */
  readonly along?: { readonly name: string; readonly from: Expression | null; readonly by: number };
  readonly body: readonly Statement[];
}

/** A part of a program that it calls by name, on a tile; `buffers`: which of the program's it works on. */
export interface TileFunction {
  readonly name: string;
  /** All of type usize. */
  readonly parameters: readonly string[];
  readonly buffers: readonly number[];
  readonly body: readonly Statement[];
}

/** A place in memory that a program reads from or writes to: from so many elements of a node on. */
export interface Place {
  readonly node: Node;
  readonly element: number;
}

export interface LoopProgram {
  /** In the order in which it asks for them. */
  readonly buffers: readonly Place[];
  readonly functions: readonly TileFunction[];
  readonly body: readonly Statement[];
  /** Equal parts in which threads may do the work, from `begin` to `end`; 1: it is one piece. */
  readonly units: number;
}

/** What programs call of assembly/, by file; what ops call is told by them. */
const LIBRARY = {
  lanes: [
    ...(['addToTotals', 'firstLanes', 'gatherLanes', 'loadStrided', 'lostIn'] as const),
    ...(['rowIndex', 'storeLanes', 'takeTotals'] as const),
  ],
  madd: ['multiplyAdd'],
  pack: [
    ...(['packColumns', 'packFour', 'packPaneled', 'packPanels2', 'packPanels3', 'packPanels4'] as const),
    ...(['packSquare', 'packStep', 'packStrided', 'packVector', 'packVectors2'] as const),
  ],
  rows: ['chainEqual', 'chainRows', 'sumChain', 'zeroRow'],
} as const;

export type LibraryFunction = (typeof LIBRARY)[keyof typeof LIBRARY][number];

/** The file of assembly/ that has a function. */
export const FILES: ReadonlyMap<string, string> = new Map(
  Object.entries(LIBRARY).flatMap(([file, names]) => names.map((name) => [name as string, file])),
);

/** How a reduction's op is lowered. */
export function reduction(op: Op): Extract<Lowering, { kind: 'reduce' }> {
  if (op.lower.kind !== 'reduce') throw new Error(`${op.name} is no reduction`);
  return op.lower;
}

/** How an elementwise op is lowered. */
export function elementwise(op: Op): Extract<Lowering, { kind: 'elementwise' }> {
  if (op.lower.kind !== 'elementwise') throw new Error(`${op.name} is not elementwise`);
  return op.lower;
}

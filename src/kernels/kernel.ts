import type { Node } from '../graph/graph.js';
import type { Shape } from '../shape.js';
import type { Region } from './regions.js';
import type { Tiling } from './tiling.js';

/** One read of a node's elements from inside a kernel: strides are over the kernel's domain. */
export interface Access {
  readonly source: Node;
  readonly strides: readonly number[];
  readonly offset: number;
}

/**
 * Where in a kernel's loops a value lives:
 * `element` has one for each point of the domain, `row` one for each point of the axes that are not reduced,
 * `reduce` takes elements to a row value.
 */
export type Level = 'element' | 'row' | 'reduce';

export interface Member {
  readonly node: Node;
  readonly level: Level;
  /** In the order of the node's inputs; a gather's first read walks the rest of a table's row. */
  readonly reads: readonly Access[];
}

/**
 * A loop nest over `domain`. Axes marked in `reduced` are folded by reductions; the loops over them may run
 * several times (stages) for each point of the others, as softmax and normalization need.
 */
export interface NestKernel {
  readonly kind: 'nest';
  readonly domain: readonly number[];
  readonly reduced: readonly boolean[];
  readonly members: readonly Member[];
}

/** A part of an axis: so many elements, and how far apart they lie. */
export interface Digit {
  readonly size: number;
  readonly stride: number;
}

/** How a product reads an operand: an index map of several strides an axis, as of merged heads or of an image's patches. */
export interface Operand extends Access {
  /**
   * Where one stride for each axis does not do: the axes taken apart, from the outside in; `strides` has those of the innermost
   * parts. The k of a product that is made in parts counts through all of them then, and their axis has no stride.
   */
  readonly digits?: readonly (readonly Digit[])[];
  /** Where the elements are in no memory, but made as they are packed; all else then tells how they would be read. */
  readonly prologue?: Prologue;
}

/** How the elements of an operand are made. */
export interface Prologue {
  /**
   * Sizes of the operand's axes, [batch..., m, k] or [batch..., k, n], each taken apart, from the outside in, so that all
   * reads pass the parts by strides; as in index maps parts of k count as one.
   */
  readonly axes: readonly Shape[];
  /** Elementwise, in order; the last makes the operand. Their reads from memory are over all parts of all axes. */
  readonly members: readonly Member[];
}

/** C = A B for each matrix of the batch, then the other members on each element of C while it is at hand. */
export interface GemmKernel {
  readonly kind: 'gemm';
  /** [batch..., m, n] */
  readonly domain: readonly number[];
  readonly k: number;
  /** Where the matrices of the batch are parts of one product, cut along k: the k of the last of them. */
  readonly lastK?: number;
  /** Strides over [batch..., m, k] and [batch..., k, n]. */
  readonly a: Operand;
  readonly b: Operand;
  /** The product first, then its epilogue. */
  readonly members: readonly Member[];
  readonly tiling: Tiling;
}

/**
 * target[ids[i]] += updates[i], row by row; the target starts as `base`. Either that is zeros, or no index has more than
 * one row that is not zeros.
 */
export interface ScatterKernel {
  readonly kind: 'scatter';
  readonly node: Node;
  readonly base: Access;
  readonly ids: Access;
  readonly updates: Access;
}

/** The sum of the rows of an index in place of its first row, zeros in place of the others. */
export interface FoldKernel {
  readonly kind: 'fold';
  readonly node: Node;
  readonly ids: Access;
  readonly updates: Access;
}

/** A block of a tensor: where it starts, and its sizes. */
export interface Box {
  readonly starts: readonly number[];
  readonly shape: readonly number[];
}

/** Writes reads of equal rank into blocks of one buffer, after it has filled others with one number each. */
export interface CopyKernel {
  readonly kind: 'copy';
  readonly node: Node;
  readonly parts: readonly (Box & { readonly read: Access })[];
  readonly fills: readonly (Box & { readonly value: number })[];
}

/** Where a step of a loop finds or leaves something: from an element of a value on, and so many further with each step. */
export interface StepPlace {
  readonly source: Node;
  readonly offset: number;
  readonly step: number;
}

/** A schedule of its own that runs so many times, one step after the other. */
export interface LoopBody {
  readonly kind: 'loop';
  readonly node: Node;
  /** What it makes, all of it in memory. */
  readonly results: readonly Node[];
  /** All that it reads, wherever steps look there. */
  readonly reads: readonly Access[];
  readonly length: number;
  readonly body: Schedule;
  /** Where the inputs, outputs and variables of the body lie, by `placeKey`. */
  readonly places: ReadonlyMap<string, StepPlace>;
  /** Bring what the first step is given to where it looks for it. */
  readonly before: readonly PlainKernel[];
  /** Stands for the memory in which steps keep what no other step needs. */
  readonly work: Node;
}

export const placeKey = ({ kind, name }: { readonly kind: string; readonly name: string }) =>
  `${kind} ${name}`;

export type KernelBody = LoopBody | NestKernel | GemmKernel | ScatterKernel | FoldKernel | CopyKernel;

/** Where a stored node's elements lie. */
export type Storage =
  | { readonly kind: 'input'; readonly name: string }
  /** `panels`: in panels of so many columns, rather than row by row. */
  | { readonly kind: 'variable'; readonly name: string; readonly panels?: number }
  | { readonly kind: 'output'; readonly name: string }
  | { readonly kind: 'constant' }
  | { readonly kind: 'arena' }
  /** In the memory of another value, of which it is a part. */
  | { readonly kind: 'part'; readonly region: Region };

export interface Named {
  /** Says what the kernel is: `gemm_nn_32x200x30_add_tanh`. */
  readonly name: string;
  /** Nodes whose elements the kernel writes to memory; of what is made in parts by several kernels, its own part. */
  readonly stores: readonly Node[];
  /** Nodes whose elements it reads from memory; in place of what is made in parts these stand. */
  readonly loads: readonly Node[];
}

export type Kernel = KernelBody & Named;
export type LoopKernel = LoopBody & Named;
export type PlainKernel = Exclude<KernelBody, LoopBody> & Named;

/** A value in the arena. */
export interface Life {
  readonly node: Node;
  /** Places of the kernel that writes it and of the last that reads it. */
  readonly from: number;
  readonly to: number;
  /** The value whose memory it takes over, which dies in the kernel that writes this one. */
  readonly over: Node | null;
}

/** The node in whose memory a value lies: its own, but for parts. */
export function memoryOf(storage: ReadonlyMap<Node, Storage>, node: Node): Node {
  return regionIn(storage, node)?.whole ?? node;
}

/** Where a value lies that is stored as a part of another. */
export function regionIn(storage: ReadonlyMap<Node, Storage>, node: Node): Region | undefined {
  const at = storage.get(node);
  return at?.kind === 'part' ? at.region : undefined;
}

/** Columns of the panels in which a variable lies. */
export function panelsIn(storage: ReadonlyMap<Node, Storage>, node: Node): number | undefined {
  const at = storage.get(node);
  return at?.kind === 'variable' ? at.panels : undefined;
}

/** Kernels that run tile by tile along an axis that they share, in their order on each tile. */
export interface Group {
  /** Places of the first and of the last. */
  readonly from: number;
  readonly to: number;
  /** Lengths of the axis and of a tile, of which the last may be shorter. */
  readonly size: number;
  readonly tile: number;
}

/** Which kernels a group has, and how it runs them. */
export function shownGroup({ from, to, size, tile }: Group): string {
  const tiles = Math.ceil(size / tile);
  return `kernels ${from} to ${to} are a group: each tile by tile, ${tiles} tiles of ${tile} along ${size}`;
}

/** What a kernel makes again, later in the step, instead of what was kept meanwhile. */
export interface Remade {
  /** The values, as they were made first. */
  readonly values: readonly Node[];
  /** What they are made from. */
  readonly from: readonly Node[];
  /** Bytes that are free meanwhile. */
  readonly bytes: number;
  readonly flops: number;
  /** On one thread, as the cost model has it. */
  readonly nanoseconds: number;
}

/** A graph as kernels in the order in which they run. */
export interface Schedule {
  readonly name: string;
  readonly kernels: readonly Kernel[];
  readonly groups: readonly Group[];
  readonly storage: ReadonlyMap<Node, Storage>;
  /** The values in the arena, as they are written. */
  readonly lives: readonly Life[];
  /** Reads that go through memory, and why they were not fused. */
  readonly unfused: readonly { readonly from: Node; readonly to: Node; readonly why: string }[];
  /** What is made again so that the step keeps to its memory; missing where nothing is. */
  readonly remade?: readonly Remade[];
}

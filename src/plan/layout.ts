import type { IndexBound } from '../indices.js';
import { isInJson, numberText } from '../number-text.js';
import type { DType, Shape } from '../shape.js';

/** Every region and buffer starts at a multiple of this many bytes: a cache line. */
export const ALIGNMENT = 64;

/** Fixed cells at the start of the memory, in bytes. Those up to `generation` are known to assembly/team.ts. */
export const CONTROL = {
  order: 0,
  arrived: 64,
  generation: 128,
  /** Arguments of a training job: steps to take, number of the first step, seed, rows of the dataset. */
  steps: 192,
  first: 196,
  seed: 200,
  rows: 204,
  /** Steps that were taken. */
  taken: 208,
  /** How often a job is done before its threads go back; 1 unless the host asks for more. */
  times: 212,
  /** Not 0: steps take the rows of the dataset as they lie, and draw none. */
  inOrder: 216,
  /** Not 0 once a thread has fallen. */
  lost: 248,
  /** Address of each column of the dataset, in the order of the batch. */
  columns: 256,
} as const;

export const MAX_COLUMNS = 64;
/** Cells that count the parts of long kernels as threads take them. */
export const PARTS = 512;
export const MAX_PART_CELLS = 128;
export const CONTROL_BYTES = PARTS + 4 * MAX_PART_CELLS;
/** Where asc may put data of its own. */
export const STATIC_BASE = 1024;
export const STATIC_END = 4096;
/** Learning rates and losses of the steps of one job. */
export const MAX_STEPS = 4096;
export const RATES = STATIC_END;
export const LOSSES = RATES + 4 * MAX_STEPS;
export const MAX_THREADS = 64;
export const FIRST_REGION = LOSSES + 4 * MAX_STEPS;
/** Vectors may be read past the last element of a buffer, never written. */
export const SLACK = 64;

/** All that 32 bits address. */
export const MAX_MEMORY = 2 ** 32;

export function align(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

export interface Buffer {
  readonly name: string;
  readonly address: number;
  readonly bytes: number;
  readonly shape: Shape;
  readonly dtype: DType;
  /** Columns of the panels in which its elements lie (plan/panels.ts); missing: they lie row by row. */
  readonly panels?: number;
}

/** An index that a step looks at: two cells say which of them is outside of its table, if one is. */
export interface Guard extends IndexBound {
  /** The user's file and line. */
  readonly where: string;
  /** Number of indices. */
  readonly count: number;
  /** Address of 0, or of `count` less the position of the first index that is outside. */
  readonly fault: number;
  /** Address of that index. */
  readonly value: number;
}

export interface EntryLayout {
  readonly inputs: readonly Buffer[];
  readonly outputs: readonly Buffer[];
  /** In the order of the user's code; missing where every index is proven or checked as data. */
  readonly guards?: readonly Guard[];
}

/** Two entries of one program, where it has both: outputs of the first lie where inputs of the second do that have their names. */
export const HANDED_ON = { from: 'shard', to: 'update' } as const;

/** What an entry makes again to keep to a budget of memory, and what that costs. */
export interface RemadeFigures {
  /** Kernels that run again. */
  readonly kernels: number;
  /** Of the values that are not kept meanwhile. */
  readonly bytes: number;
  readonly flops: number;
  /** Time of these kernels, as the cost model has it, in that of all others. */
  readonly share: number;
}

/** What runs a module has to know of its memory; the dataset goes behind `end`. Plain data, which a file can hold. */
export interface MemoryLayout {
  readonly variables: readonly Buffer[];
  readonly constants: readonly (Buffer & { readonly values: readonly number[] })[];
  readonly entries: Readonly<Record<string, EntryLayout>>;
  readonly end: number;
  /** Bytes of scratch that each thread needs; they lie behind `end`, one thread after the other. */
  readonly threadScratch: number;
  /** By entry; missing where all is kept. */
  readonly remade?: Readonly<Record<string, RemadeFigures>>;
}

/** The layout alone, of a plan that knows more. */
export function layoutOf(plan: MemoryLayout): MemoryLayout {
  const { variables, constants, entries, end, threadScratch, remade } = plan;
  const outside = Object.entries(entries).map(([entry, { inputs, outputs, guards }]) => {
    const cells = new Set(guards?.flatMap((guard) => [guard.fault, guard.value]));
    const own = outputs.filter((output) => !cells.has(output.address));
    return [entry, guards ? { inputs, outputs: own, guards } : { inputs, outputs }];
  });
  const layout = { variables, constants, entries: Object.fromEntries(outside), end, threadScratch };
  return remade ? { ...layout, remade } : layout;
}

/** As JSON; numbers that JSON does not have (NaN, infinities, -0) become strings. */
export function printLayout(layout: MemoryLayout): string {
  return jsonOf(layout);
}

/** Any plain data in the same way. */
export function jsonOf(data: unknown): string {
  return JSON.stringify(data, (_, value) =>
    typeof value === 'number' && !isInJson(value) ? numberText(value) : value,
  );
}

/** Reads what `printLayout` wrote; throws a SyntaxError if it is not JSON. */
export function parseLayout(text: string): MemoryLayout {
  const layout: MemoryLayout = JSON.parse(text);
  return { ...layout, constants: layout.constants.map((c) => ({ ...c, values: c.values.map(Number) })) };
}

/** Memory that a session takes beside its dataset. */
export function sessionBytes({ end, threadScratch }: MemoryLayout, threads: number): number {
  return align(end + threads * threadScratch + SLACK);
}

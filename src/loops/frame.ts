import type { Node } from '../graph/graph.js';
import type { Member } from '../kernels/kernel.js';
import type { Region } from '../kernels/regions.js';
import type { LoopAccess, Loops } from './axes.js';
import type { Buffers } from './buffers.js';
import { sum, times } from './make.js';
import type { Expression, Name, Statement } from './program.js';

/** Statements of one level of the loops, and what has been computed in it. */
export class Scope {
  readonly body: Statement[] = [];
  readonly memo = new Map<string, Value>();
}

/** Whether the vectors of a block differ in a value: those of a row, or those of several rows. */
export interface Varies {
  readonly vectors: boolean;
  readonly rows: boolean;
}

/** A vector in a variable (or a literal), and at which level of the loops it is known. */
export interface Value extends Varies {
  readonly of: Expression;
  readonly level: number;
}

export const SAME: Varies = { vectors: false, rows: false };

/** Where a kernel's values are computed: the loops around, by level from the outside in. */
export interface Place {
  readonly loops: Loops;
  /** For each axis the level at which its index is known, and the index's name; the vector axis counts in bytes. */
  readonly levels: readonly number[];
  readonly indices: readonly string[];
  readonly vectorAxis: number;
  /** Where a block is several rows of this axis, of so many vectors each: vector u is u % vectors of row u / vectors. */
  readonly block?: { readonly rowAxis: number; readonly vectors: number };
  readonly members: ReadonlyMap<Node, Member>;
  /** Reads even what could be made on the spot from where it is stored. */
  readonly fromMemory?: boolean;
  readonly buffers: Pick<Buffers, 'of'>;
  /** Where a value lies that is stored as a part of another. */
  regionOf(node: Node): Region | undefined;
}

/** What a variable is called after: an op, or the buffer that it comes from. */
type Stem = string | { readonly buffer: number; readonly what?: string };

/** The loops around the values of a kernel: what is known at which level, and by what names. */
export class Frame {
  readonly scopes: Scope[] = [new Scope()];
  private count = 0;

  constructor(protected readonly place: Place) {}

  /** A fresh variable name. */
  name(stem: string): string {
    return `${stem}_${++this.count}`;
  }

  /** The row of a vector of the block, and its place in that row. */
  protected at(u: number): { row: number; vector: number } {
    const { block } = this.place;
    return block ? { row: Math.floor(u / block.vectors), vector: u % block.vectors } : { row: 0, vector: u };
  }

  /** What tells the vectors of a block apart for a value. */
  protected which(u: number, { vectors, rows }: Varies): string {
    const { row, vector } = this.at(u);
    return `${rows ? row : '-'},${vectors ? vector : '-'}`;
  }

  /** How the vectors of a block differ that read with these strides. */
  protected variation(strides: readonly number[]): Varies {
    const { vectorAxis, block } = this.place;
    return {
      vectors: strides[vectorAxis] !== 0,
      rows: block !== undefined && strides[block.rowAxis] !== 0,
    };
  }

  /** Elements from a block's first row to the row of vector u. */
  protected toRow(u: number, strides: readonly number[]): number {
    const { block } = this.place;
    return block ? this.at(u).row * strides[block.rowAxis] : 0;
  }

  /** The address of an access at the current point, all but the vector axis; in panels, from the one at hand on. */
  protected pointer({ source, strides, offset, apart }: LoopAccess): Expression {
    const buffer = this.place.buffers.of(source, offset);
    const level = this.levelOf(strides, true);
    const moving = strides.map((stride, axis) => (axis === this.place.vectorAxis ? 0 : stride));
    const start: Expression = { kind: 'buffer', buffer };
    const base = apart ? this.panel(start, buffer, apart) : start;
    if (moving.every((stride) => stride === 0)) return base;
    const terms = moving.map((stride, axis) =>
      stride === 0 ? 0 : times(this.place.indices[axis], 4 * stride),
    );
    const key = `pointer:${this.key(source)}:${moving}:${offset}`;
    return this.bind({ buffer, what: 'at' }, key, sum(base, ...terms), level, SAME).of;
  }

  /** Where the panel at hand starts, known before all loops over its rows. */
  private panel(start: Expression, buffer: number, apart: number): Expression {
    const made = sum(start, times(this.index(), apart));
    return this.bind({ buffer, what: 'panel' }, `panel:${buffer}`, made, 0, SAME).of;
  }

  protected levelOf(strides: readonly number[], withoutVector: boolean): number {
    return Math.max(
      0,
      ...strides.map((s, axis) =>
        s === 0 || (withoutVector && axis === this.place.vectorAxis) ? 0 : this.place.levels[axis],
      ),
    );
  }

  protected index(): Expression {
    return this.place.indices[this.place.vectorAxis];
  }

  protected lookup(key: string): Value | undefined {
    for (let i = this.scopes.length - 1; i >= 0; i--) {
      const value = this.scopes[i].memo.get(key);
      if (value) return value;
    }
    return undefined;
  }

  protected bind(stem: Stem, key: string, made: Expression, level: number, varies: Varies): Value {
    const known = this.lookup(key);
    if (known) return known;
    const scope = this.scopes[level];
    const name = this.nameOf(stem);
    const value = { of: name, level, ...varies };
    scope.body.push({ kind: 'let', name, value: made });
    scope.memo.set(key, value);
    return value;
  }

  private nameOf(stem: Stem): Name {
    if (typeof stem === 'string') return this.name(stem);
    return { kind: 'local', buffer: stem.buffer, stem: this.name(stem.what ? `_${stem.what}` : '') };
  }

  private readonly keys = new Map<Node, number>();
  protected key(node: Node): string {
    if (!this.keys.has(node)) this.keys.set(node, this.keys.size);
    return `n${this.keys.get(node)}`;
  }
}

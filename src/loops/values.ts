import { constantValue, type Node } from '../graph/graph.js';
import { numberText } from '../number-text.js';
import { isInline } from '../schedule/inline.js';
import type { Access, Member } from '../schedule/kernel.js';
import { viewOf } from '../schedule/view.js';
import { type DType, numel } from '../shape.js';
import type { LoopAccess, Loops } from './axes.js';
import type { Buffers } from './buffers.js';
import { act, binary, cast, float, instruction, library, load, sum, times } from './make.js';
import type { Expression, Name, Statement } from './program.js';

/** Statements of one level of the loops, and what has been computed in it. */
export class Scope {
  readonly body: Statement[] = [];
  readonly memo = new Map<string, Value>();
}

/** Whether the vectors of a block differ in a value: those of a row, or those of several rows. */
interface Varies {
  readonly vectors: boolean;
  readonly rows: boolean;
}

/** A vector in a variable (or a literal), and at which level of the loops it is known. */
interface Value extends Varies {
  readonly of: Expression;
  readonly level: number;
}

const SAME: Varies = { vectors: false, rows: false };
const ACROSS: Varies = { vectors: true, rows: false };

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
}

/**
 * Writes the expressions of one kernel. Each value is computed once, at the outermost level where its
 * operands are known, so what does not change in a loop stands before it.
 */
export class Values {
  readonly scopes: Scope[] = [new Scope()];
  /** Members whose elements an earlier stage has stored. */
  readonly stored = new Set<Node>();
  private count = 0;

  constructor(
    private readonly place: Place,
    private readonly domain: readonly number[],
  ) {}

  /** The vector of a read at vector `u` of the block, of which `lanes` lanes count. */
  read(access: Access, u: number, lanes: number): Expression {
    return this.readValue(access, u, lanes).of;
  }

  /** Makes a member's value known from outside of the expressions: a finished reduction, an element of a tile. */
  define(node: Node, u: number, of: Expression, level: number, perVector: boolean): void {
    const varies = { vectors: perVector, rows: perVector && this.place.block !== undefined };
    this.scopes[level].memo.set(`${this.key(node)}:${u}`, { of, level, ...varies });
  }

  /** The row of a vector of the block, and its place in that row. */
  private at(u: number): { row: number; vector: number } {
    const { block } = this.place;
    return block ? { row: Math.floor(u / block.vectors), vector: u % block.vectors } : { row: 0, vector: u };
  }

  /** What tells the vectors of a block apart for a value. */
  private which(u: number, { vectors, rows }: Varies): string {
    const { row, vector } = this.at(u);
    return `${rows ? row : '-'},${vectors ? vector : '-'}`;
  }

  /** How the vectors of a block differ that read with these strides. */
  private variation(strides: readonly number[]): Varies {
    const { vectorAxis, block } = this.place;
    return {
      vectors: strides[vectorAxis] !== 0,
      rows: block !== undefined && strides[block.rowAxis] !== 0,
    };
  }

  /** Elements from a block's first row to the row of vector u. */
  private toRow(u: number, strides: readonly number[]): number {
    const { block } = this.place;
    return block ? this.at(u).row * strides[block.rowAxis] : 0;
  }

  /** Writes a member's vector to the place that `target` gives. */
  store(node: Node, target: Access, u: number, lanes: number, level: number): void {
    const { source, strides } = this.place.loops.over(target);
    const made = this.memberValue(node, u, lanes).of;
    const value =
      source.dtype === 'bool' ? instruction('v128.and', made, instruction('i32x4.splat', 1)) : made;
    const to = this.pointer(this.place.loops.over(target));
    const along = strides[this.place.vectorAxis];
    const { body } = this.scopes[level];
    const { vector } = this.at(u);
    const row = 4 * this.toRow(u, strides);
    if (along === 1) {
      const at = sum(to, this.index());
      const offset = 16 * vector + row;
      if (lanes === 4) body.push({ kind: 'store', to: at, value, offset });
      else body.push(act(library('storeLanes', sum(at, offset), value, lanes)));
    } else {
      for (let lane = 0; lane < (along === 0 ? 1 : lanes); lane++) {
        const at =
          along === 0
            ? sum(to, row)
            : sum(to, binary(this.index(), '*', along), (4 * vector + lane) * 4 * along + row);
        body.push({ kind: 'storeLane', to: at, value, lane });
      }
    }
  }

  /** A fresh variable name. */
  name(stem: string): string {
    return `${stem}_${++this.count}`;
  }

  private readValue(access: Access, u: number, lanes: number): Value {
    const { source } = access;
    if (this.place.members.has(source)) return this.memberValue(source, u, lanes);
    if (this.place.fromMemory) return this.load(this.place.loops.over(access), u, lanes);
    const fill = constantValue(source);
    if (fill !== undefined) return this.constant(fill, source.dtype);
    if (source.op.lower.kind === 'iota') return this.iota(this.place.loops.over(access), u);
    if (isInline(source)) return this.inline(source, u, lanes);
    return this.load(this.place.loops.over(access), u, lanes);
  }

  private memberValue(node: Node, u: number, lanes: number): Value {
    const known = this.lookup(`${this.key(node)}:${u}`);
    if (known) return known;
    const member = this.place.members.get(node)!;
    let value: Value;
    const fill = constantValue(node);
    if (fill !== undefined) {
      value = this.constant(fill, node.dtype);
    } else if (node.op.lower.kind === 'iota') {
      value = this.iota(this.own(node), u);
    } else if (this.stored.has(node)) {
      value = this.load(this.own(node), u, lanes);
    } else if (node.op.lower.kind === 'gather') {
      value = this.gather(member, u, lanes);
    } else {
      value = this.compute(
        node,
        member.reads.map((read) => this.readValue(read, u, lanes)),
        u,
      );
    }
    this.scopes.at(-1)!.memo.set(`${this.key(node)}:${u}`, value);
    return value;
  }

  /** A stored element member read back from its own buffer. */
  private own(node: Node): LoopAccess {
    return this.place.loops.over(ownElements(node, this.domain));
  }

  private inline(node: Node, u: number, lanes: number): Value {
    // Scalars that several others share are walked once, not along every path.
    const key = `${this.key(node)}:${u}`;
    const known = this.lookup(key);
    if (known) return known;
    const reads = node.inputs.map((input) => {
      const { source, offset } = viewOf(input);
      return this.readValue({ source, offset, strides: this.domain.map(() => 0) }, u, lanes);
    });
    const value = this.compute(node, reads, u);
    this.scopes.at(-1)!.memo.set(key, value);
    return value;
  }

  private compute(node: Node, values: Value[], u: number): Value {
    const { lower } = node.op;
    if (lower.kind !== 'elementwise') {
      if (values.length === 1) return values[0];
      throw new Error(`no expression for ${node.op.name}`);
    }
    const varies = { vectors: values.some((a) => a.vectors), rows: values.some((a) => a.rows) };
    const level = Math.max(0, ...values.map((a) => a.level));
    const from = node.inputs.at(-1)!.dtype;
    const args = values.map((a) => a.of);
    const made: Expression = { kind: 'apply', op: node.op, args, from, to: node.dtype };
    return this.bind(node.op.name, `${this.key(node)}:${this.which(u, varies)}`, made, level, varies);
  }

  private constant(value: number, dtype: DType): Value {
    if (dtype === 'bool') return { of: instruction('i32x4.splat', value ? -1 : 0), level: 0, ...SAME };
    const literal =
      dtype === 'i32' ? instruction('i32x4.splat', value) : instruction('f32x4.splat', float(value));
    return this.bind('c', `constant:${dtype}:${numberText(Math.fround(value))}`, literal, 0, SAME);
  }

  private iota({ strides, offset }: LoopAccess, u: number): Value {
    const { vectorAxis, levels, indices } = this.place;
    const terms = strides.map((stride, axis) =>
      axis === vectorAxis || stride === 0 ? 0 : times(cast('i32', indices[axis]), stride),
    );
    const along = strides[vectorAxis];
    const level = Math.max(this.levelOf(strides, true), along ? levels[vectorAxis] : 0);
    const varies = this.variation(strides);
    const key = `iota:${strides}:${offset}:${this.which(u, varies)}`;
    const start = offset + this.toRow(u, strides);
    if (!along)
      return this.bind('index', key, instruction('i32x4.splat', sum(start, ...terms)), level, varies);
    const first = sum(
      start + 4 * this.at(u).vector * along,
      ...terms,
      times(binary(cast('i32', this.index()), '>>', 2), along),
    );
    const steps = instruction('i32x4', 0, along, 2 * along, 3 * along);
    const made = instruction('i32x4.add', instruction('i32x4.splat', first), steps);
    return this.bind('index', key, made, level, varies);
  }

  private load(access: LoopAccess, u: number, lanes: number): Value {
    const { vectorAxis, levels, buffers } = this.place;
    const { source, strides, offset } = access;
    const along = strides[vectorAxis];
    const base = this.levelOf(strides, true);
    const pointer = this.pointer(access);
    const buffer = buffers.of(source, offset);
    const varies = this.variation(strides);
    const key = `load:${this.key(source)}:${strides}:${offset}:${this.which(u, varies)}`;
    const row = 4 * this.toRow(u, strides);
    if (along === 0)
      return this.bind({ buffer }, key, asMask(source, load('splat', pointer, row)), base, varies);
    const level = Math.max(base, levels[vectorAxis]);
    const { vector } = this.at(u);
    const made =
      along === 1
        ? load('vector', sum(pointer, this.index()), 16 * vector + row)
        : library(
            'loadStrided',
            sum(pointer, binary(this.index(), '*', along), 16 * vector * along + row),
            4 * along,
            lanes,
          );
    return this.bind({ buffer }, key, asMask(source, made), level, varies);
  }

  private gather({ node, reads: [rest, ids] }: Member, u: number, lanes: number): Value {
    const { vectorAxis, levels } = this.place;
    const [table, index] = [rest, ids].map((access) => this.place.loops.over(access));
    const view = viewOf(node.inputs[0]);
    const width = 4 * view.strides[0];
    const rows = node.inputs[0].shape[0];
    const level = Math.max(this.levelOf(table.strides, true), this.levelOf(index.strides, true));
    const along = levels[vectorAxis];
    const [from, at] = [this.pointer(table), this.pointer(index)];
    const key = `${this.key(node)}:${u}`;
    if (index.strides[vectorAxis] !== 0) {
      const stride = 4 * index.strides[vectorAxis];
      const first = sum(at, times(this.index(), index.strides[vectorAxis]), 4 * u * stride);
      const made = library('gatherLanes', from, width, rows, first, stride, lanes);
      return this.bind('gather', key, asMask(node, made), Math.max(level, along), ACROSS);
    }
    const row = this.bind(
      'row',
      `row:${this.key(node)}`,
      sum(from, binary(library('rowIndex', at, rows), '*', width)),
      level,
      SAME,
    ).of;
    const step = table.strides[vectorAxis];
    if (step === 0)
      return this.bind('gather', `${this.key(node)}:all`, asMask(node, load('splat', row)), level, SAME);
    const made =
      step === 1
        ? load('vector', sum(row, this.index()), 16 * u)
        : library('loadStrided', sum(row, binary(this.index(), '*', step), 16 * u * step), 4 * step, lanes);
    return this.bind('gather', key, asMask(node, made), Math.max(level, along), ACROSS);
  }

  /** The address of an access at the current point, all but the vector axis. */
  private pointer({ source, strides, offset }: LoopAccess): Expression {
    const buffer = this.place.buffers.of(source, offset);
    const level = this.levelOf(strides, true);
    const moving = strides.map((stride, axis) => (axis === this.place.vectorAxis ? 0 : stride));
    const base: Expression = { kind: 'buffer', buffer };
    if (moving.every((stride) => stride === 0)) return base;
    const terms = moving.map((stride, axis) =>
      stride === 0 ? 0 : times(this.place.indices[axis], 4 * stride),
    );
    const key = `pointer:${this.key(source)}:${moving}:${offset}`;
    return this.bind({ buffer, what: 'at' }, key, sum(base, ...terms), level, SAME).of;
  }

  private levelOf(strides: readonly number[], withoutVector: boolean): number {
    return Math.max(
      0,
      ...strides.map((s, axis) =>
        s === 0 || (withoutVector && axis === this.place.vectorAxis) ? 0 : this.place.levels[axis],
      ),
    );
  }

  private index(): Expression {
    return this.place.indices[this.place.vectorAxis];
  }

  private lookup(key: string): Value | undefined {
    for (let i = this.scopes.length - 1; i >= 0; i--) {
      const value = this.scopes[i].memo.get(key);
      if (value) return value;
    }
    return undefined;
  }

  private bind(stem: Stem, key: string, made: Expression, level: number, varies: Varies): Value {
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
  private key(node: Node): string {
    if (!this.keys.has(node)) this.keys.set(node, this.keys.size);
    return `n${this.keys.get(node)}`;
  }
}

/** A member's own elements over its kernel's domain, row by row. */
export function ownElements(node: Node, domain: readonly number[]): Access {
  let stride = numel(domain);
  return {
    source: node,
    offset: 0,
    strides: domain.map((size) => {
      stride /= size || 1;
      return size === 1 ? 0 : stride;
    }),
  };
}

/** What a variable is called after: an op, or the buffer that it comes from. */
type Stem = string | { readonly buffer: number; readonly what?: string };

/** Truth values are 0 or 1 in memory and all zeros or ones in a lane. */
function asMask(source: Node, of: Expression): Expression {
  return source.dtype === 'bool' ? instruction('i32x4.ne', of, instruction('i32x4.splat', 0)) : of;
}

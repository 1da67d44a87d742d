import { constantValue, type Node } from '../graph/graph.js';
import { isInline } from '../kernels/inline.js';
import type { Access, Member } from '../kernels/kernel.js';
import { viewOf } from '../kernels/view.js';
import { numberText } from '../number-text.js';
import type { DType } from '../shape.js';
import { type LoopAccess, ownElements, storedElements } from './axes.js';
import { Frame, type Place, SAME, type Value } from './frame.js';
import { act, binary, cast, float, instruction, library, load, sum, times } from './make.js';
import type { Expression } from './program.js';

/** Functions of assembly/ that give a vector and stay calls, since they are long. */
export const CALLED: ReadonlySet<string> = new Set(['cos4', 'erf4', 'pow4', 'random4', 'sin4']);

/**
 * Writes the expressions of one kernel. Each value is computed once, at the outermost level where its
 * operands are known, so what does not change in a loop stands before it.
 */
export class Values extends Frame {
  /** Members whose elements an earlier stage has stored. */
  readonly stored = new Set<Node>();

  constructor(
    place: Place,
    private readonly domain: readonly number[],
  ) {
    super(place);
  }

  /** The vector of a read at vector `u` of the block, of which `lanes` lanes count. */
  read(access: Access, u: number, lanes: number): Expression {
    return this.readValue(access, u, lanes).of;
  }

  /** Makes a member's value known from outside of the expressions: a finished reduction, an element of a tile. */
  define(node: Node, u: number, of: Expression, level: number, perVector: boolean): void {
    const varies = { vectors: perVector, rows: perVector && this.place.block !== undefined };
    this.scopes[level].memo.set(`${this.key(node)}:${u}`, { of, level, ...varies });
  }

  /**
   * Writes vectors `from` to `to` of members, two neighbours at a time: both are made before either is written, so that V8
   * can join them to one vector of twice the width. Not where the index of the vectors is a constant: V8 13 joins loads from
   * constant addresses wrongly unless they come in the order of these. `targets` has where each member goes.
   */
  storeAll(
    targets: readonly (readonly [Node, Access])[],
    [from, to]: readonly [number, number],
    lanes: (u: number) => number,
    level: number,
    inPairs: boolean,
  ): void {
    for (let u = from; u < to; ) {
      const paired = inPairs && !this.calls && u + 1 < to && this.at(u).row === this.at(u + 1).row;
      const vectors = paired ? [u, u + 1] : [u];
      for (const [node] of targets) for (const v of vectors) this.memberValue(node, v, lanes(v));
      for (const [node, target] of targets)
        for (const v of vectors) this.store(node, target, v, lanes(v), level);
      u += vectors.length;
    }
  }

  /** Whether a member is computed by calling a function. */
  private get calls(): boolean {
    return [...this.place.members.keys()].some(({ op: { lower } }) => {
      return (
        lower.kind === 'elementwise' && Object.keys(lower.library ?? {}).some((name) => CALLED.has(name))
      );
    });
  }

  /** Writes a member's vector to the place that `target` gives. */
  store(node: Node, target: Access, u: number, lanes: number, level: number): void {
    const access = this.place.loops.over(target);
    const { source, strides } = access;
    const made = this.memberValue(node, u, lanes).of;
    const value =
      source.dtype === 'bool' ? instruction('v128.and', made, instruction('i32x4.splat', 1)) : made;
    const to = this.pointer(access);
    const along = strides[this.place.vectorAxis];
    const { body } = this.scopes[level];
    const { vector } = this.at(u);
    const row = 4 * this.toRow(u, strides);
    if (along === 1) {
      const at = sum(to, this.along(access));
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

  /** The way from an access at the current point to the vectors at hand, in bytes. */
  private along({ apart }: LoopAccess): Expression {
    // The pointer leads to the panel.
    return apart ? 0 : this.index();
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
      value = this.load(
        this.place.loops.over(storedElements(node, this.domain, this.place.regionOf(node))),
        u,
        lanes,
      );
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

  /** A member's own elements, in order. */
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
        ? load('vector', sum(pointer, this.along(access)), 16 * vector + row, lanes)
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
    const [from, at] = [table, index].map((access) =>
      sum(this.pointer(access), 4 * this.toRow(u, access.strides)),
    );
    const { vector } = this.at(u);
    const varies = { vectors: true, rows: this.place.block !== undefined };
    const key = `${this.key(node)}:${u}`;
    if (index.strides[vectorAxis] !== 0) {
      const stride = 4 * index.strides[vectorAxis];
      const first = sum(at, times(this.index(), index.strides[vectorAxis]), 4 * vector * stride);
      const made = library('gatherLanes', from, width, rows, first, stride, lanes);
      return this.bind('gather', key, asMask(node, made), Math.max(level, along), varies);
    }
    const alike = { ...varies, vectors: false };
    const which = this.which(u, alike);
    const row = this.bind(
      'row',
      `row:${this.key(node)}:${which}`,
      sum(from, binary(library('rowIndex', at, rows), '*', width)),
      level,
      alike,
    ).of;
    const step = table.strides[vectorAxis];
    if (step === 0) {
      const made = asMask(node, load('splat', row));
      return this.bind('gather', `${this.key(node)}:all:${which}`, made, level, alike);
    }
    const made =
      step === 1
        ? load('vector', sum(row, this.index()), 16 * vector, lanes)
        : library(
            'loadStrided',
            sum(row, binary(this.index(), '*', step), 16 * vector * step),
            4 * step,
            lanes,
          );
    return this.bind('gather', key, asMask(node, made), Math.max(level, along), varies);
  }
}

/** Truth values are 0 or 1 in memory and all zeros or ones in a lane. */
function asMask(source: Node, of: Expression): Expression {
  return source.dtype === 'bool' ? instruction('i32x4.ne', of, instruction('i32x4.splat', 0)) : of;
}

import type { Node } from '../graph/graph.js';
import type { Access, Member, NestKernel } from '../kernels/kernel.js';
import type { Region } from '../kernels/regions.js';
import { stagesOf } from '../kernels/stages.js';
import { ACCUMULATORS, stepsOf } from '../kernels/sum-order.js';
import { numel } from '../shape.js';
import { type Range, StageSums } from './accumulators.js';
import type { LoopAxis } from './axes.js';
import type { Buffers } from './buffers.js';
import { Scope } from './frame.js';
import { binary, block, define, instruction, library, loop, min, range, sum, times, when } from './make.js';
import { type NestCut, shapeOf } from './nest-shape.js';
import type { Expression, Statement } from './program.js';
import { mentions } from './query.js';
import { Values } from './values.js';

/** A piece of a program, and into how many equal units threads may split it (1: not at all). */
export interface Part {
  readonly body: readonly Statement[];
  readonly units: number;
}

export interface NestOptions {
  readonly buffers: Buffers;
  readonly stored: ReadonlySet<Node>;
  /** Stored nodes that replace what the kernel reads: they are written when all reads are done. */
  overwrites(node: Node): boolean;
  /** Where a stored node lies that is a part of another. */
  regionOf(node: Node): Region | undefined;
  /** Where an element goes, if not into a buffer of its own. */
  target?: Access;
}

/** Loops over a nest: the innermost axis runs in vectors, and those in blocks that keep the pipeline full. */
export function nestLoops(kernel: NestKernel, options: NestOptions): Part {
  return new NestBuilder(kernel, options).build();
}

/** The index of the part that is at hand. */
const PART = 'i0';

interface PartOfLoop {
  readonly before: readonly Statement[];
  readonly bounds: Range;
  isLast(body: Statement[]): Statement[];
}

/** Levels of the loops: before all, per row, per point of the outer reduced axes, per block of vectors. */
const ROW = 1;
const OUTER = 2;
const BLOCK = 3;

class NestBuilder {
  private readonly axes: readonly LoopAxis[];
  private readonly vectorAxis: number;
  private readonly alongRow: boolean;
  private readonly unroll: number;
  private readonly targets: ReadonlyMap<Node, Access>;
  private readonly cut: NestCut | null;
  private readonly values: Values;
  private readonly stages: ReturnType<typeof stagesOf>;
  /** Whether the index of the vectors is that of a loop, and no constant. */
  private turns = false;

  constructor(
    private readonly kernel: NestKernel,
    private readonly options: NestOptions,
  ) {
    const { loops, axes, vectorAxis, alongRow, unroll, targets, cut } = shapeOf(kernel, options);
    this.axes = axes;
    this.vectorAxis = vectorAxis;
    this.alongRow = alongRow;
    this.unroll = unroll;
    this.targets = targets;
    this.cut = cut;
    this.stages = stagesOf(kernel);
    const inRow = alongRow ? BLOCK : ROW;
    this.values = new Values(
      {
        loops,
        levels: axes.map((axis, i) => (i === vectorAxis ? inRow : axis.reduced ? OUTER : ROW)),
        indices: axes.map((_, i) => (i === vectorAxis ? 'j' : `i${i}`)),
        vectorAxis,
        members: new Map(kernel.members.map((m) => [m.node, m])),
        buffers: options.buffers,
        regionOf: options.regionOf,
        fromMemory: options.target !== undefined,
      },
      kernel.domain,
    );
  }

  build(): Part {
    // Nothing to write: an axis that every result has is empty.
    if (numel(this.kernel.domain.filter((_, i) => !this.kernel.reduced[i])) === 0) {
      return { body: [], units: 1 };
    }
    const outer = this.axes.flatMap((axis, i) => (!axis.reduced && i !== this.vectorAxis ? [i] : []));
    const reducing = this.kernel.reduced.includes(true);
    let body: readonly Statement[];
    let units: number;
    if (outer.length > 0) {
      units = this.axes[outer[0]].size;
      body = this.alongRow ? this.row() : this.columns(null);
      for (const axis of [...outer].reverse()) {
        if (axis === outer[0]) body = [range(`i${axis}`, 'begin', 'end', 1, body)];
        else body = loop(`i${axis}`, this.axes[axis].size, 1, body);
      }
    } else if (this.alongRow && reducing) {
      units = 1;
      body = this.row();
    } else {
      units = Math.max(1, Math.ceil(this.axes[this.vectorAxis].size / this.width));
      body = this.alongRow ? this.row(units) : this.columns(units);
    }
    return { body: [...this.values.scopes[0].body, ...(units === 1 ? whole(body, 1) : body)], units };
  }

  /** Elements in a full block. */
  private get width(): number {
    return 4 * this.unroll;
  }

  /** One row whose elements lie side by side: each stage runs over it in steps, then over what is left. */
  private row(units?: number): Statement[] {
    const row = this.enter(ROW);
    for (let stage = 0; stage < this.stages.count; stage++) {
      const { size } = this.axes[this.vectorAxis];
      const reductions = this.reductions(stage);
      const vectors = reductions.length > 0 ? ACCUMULATORS : this.unroll;
      const [full, rest] = [Math.floor(size / (4 * vectors)), size % (4 * vectors)];
      const left = Math.ceil(rest / 4);
      const sums = this.sums(reductions, Math.max(1, full > 0 ? vectors : left), 'parts');
      const bytes = 16 * vectors;
      const end = full * bytes;
      this.enter(OUTER);
      this.turns = units !== undefined || full > 1;
      const main = full > 0 ? this.step(stage, sums, vectors, 4) : [];
      this.turns = false;
      const tail =
        rest > 0 ? [define('j', end, 'usize'), ...this.step(stage, sums, left, rest % 4 || 4)] : [];
      const body: Statement[] = [];
      if (units !== undefined) {
        if (full > 0) {
          body.push(unitLoop(full, rest, bytes, main));
        }
        if (rest > 0) body.push(when(binary('end', '==', units), ...tail));
      } else {
        const { before, bounds, isLast } = this.partOf(this.vectorAxis, full, bytes);
        body.push(...before);
        if (full > 0) body.push(...sums.loop('j', bounds, bytes, sums.step(main)));
        const first = this.cut?.axis === this.vectorAxis ? (this.cut.parts - 1) * this.cut.length : 0;
        if (rest > 0) body.push(...isLast(sums.lastStep(full - first, tail)));
      }
      const loops = this.outerLoops([...this.values.scopes[OUTER].body, ...body]);
      this.leave(OUTER);
      row.body.push(...sums.around(loops));
      for (const { node } of reductions) {
        const name = this.values.name(node.op.name);
        const of = sums.results(node)[0];
        row.body.push(define(name, { kind: 'horizontal', op: node.op, of, dtype: node.dtype }));
        for (let u = 0; u < ACCUMULATORS; u++) this.values.define(node, u, name, ROW, false);
      }
      this.remember(stage);
    }
    this.storeRows(1, 1);
    this.leave(ROW);
    return row.body;
  }

  /** Rows side by side in the lanes of a block of vectors; `units`: blocks are what threads share. */
  private columns(units: number | null): Statement[] {
    const { size } = this.axes[this.vectorAxis];
    const full = Math.floor(size / this.width);
    const rest = size - full * this.width;
    const bytes = 4 * this.width;
    this.turns = units !== null || full > 1;
    const main = full > 0 ? this.columnBlock(this.unroll, 4) : [];
    this.turns = false;
    const tail = rest > 0 ? this.columnBlock(Math.ceil(rest / 4), rest % 4 || 4) : [];
    const last = [define('j', full * bytes, 'usize'), ...tail];
    if (units === null) {
      return [
        ...(full ? [block(...loop('j', full * bytes, bytes, main))] : []),
        ...(rest ? [block(...last)] : []),
      ];
    }
    return [
      ...(full ? [unitLoop(full, rest, bytes, main)] : []),
      ...(rest ? [when(binary('end', '==', units), ...last)] : []),
    ];
  }

  private columnBlock(vectors: number, lastLanes: number): Statement[] {
    this.values.stored.clear();
    const row = this.enter(ROW);
    for (let stage = 0; stage < this.stages.count; stage++) {
      const reductions = this.reductions(stage);
      const sums = this.sums(reductions, vectors, 'sums');
      this.enter(OUTER);
      const made = this.block(stage, sums, 0, vectors, lastLanes);
      const loops = this.outerLoops(sums.step([...this.values.scopes[OUTER].body, ...made]), sums);
      this.leave(OUTER);
      row.body.push(...sums.around(loops));
      for (const { node } of reductions) {
        for (const [u, sum] of sums.results(node).entries()) {
          const name = this.values.name(node.op.name);
          row.body.push(define(name, sum));
          this.values.define(node, u, name, ROW, true);
        }
      }
      this.remember(stage);
    }
    this.storeRows(vectors, lastLanes);
    this.leave(ROW);
    return row.body;
  }

  /**
   * The steps of the loop over an axis that the part at hand takes, in units of the loop: all of them, where it is not
   * that which is cut. `isLast`: what the last part alone does.
   */
  private partOf(axis: number, steps: number, unit: number): PartOfLoop {
    const { cut } = this;
    if (cut?.axis !== axis) return { before: [], bounds: [0, steps * unit], isLast: (body) => body };
    const next = sum('first', cut.length * unit);
    return {
      before: [define('first', times(PART, cut.length * unit)), define('stop', min(next, steps * unit))],
      bounds: ['first', 'stop'],
      isLast: (body) => [when(binary(PART, '==', cut.parts - 1), ...body)],
    };
  }

  private sums(reductions: readonly Member[], count: number, kind: 'parts' | 'sums'): StageSums {
    const index = (member: Member) => this.kernel.members.indexOf(member);
    const loops = this.outerReduced().length + (kind === 'parts' ? 1 : 0);
    return new StageSums(reductions, stepsOf(this.kernel), { count, kind, index }, loops === 1);
  }

  /** A step of a row, in as many vectors at a time as suit the registers. */
  private step(stage: number, sums: StageSums, vectors: number, lastLanes: number): Statement[] {
    if (vectors <= this.unroll) return this.block(stage, sums, 0, vectors, lastLanes);
    const body: Statement[] = [];
    for (let from = 0; from < vectors; from += this.unroll) {
      const to = Math.min(from + this.unroll, vectors);
      body.push(block(...this.block(stage, sums, from, to, to === vectors ? lastLanes : 4)));
    }
    return body;
  }

  /** Everything that the vectors `from` to `to` of a stage compute. */
  private block(stage: number, sums: StageSums, from: number, to: number, lastLanes: number): Statement[] {
    const scope = this.enter(BLOCK);
    const lanes = (u: number) => (u === to - 1 ? lastLanes : 4);
    for (const { node, reads } of this.reductions(stage)) {
      for (let u = from; u < to; u++) {
        const value = this.values.read(reads[0], u, lanes(u));
        // Lanes past the end hold what lies behind the row.
        const used =
          this.alongRow && lanes(u) < 4
            ? instruction('v128.bitselect', value, identityOf(node), library('firstLanes', lanes(u)))
            : value;
        scope.body.push(sums.take(node, u, used));
      }
    }
    for (const { node } of this.elementStores(stage))
      this.values.storeAll([[node, this.targets.get(node)!]], [from, to], lanes, BLOCK, this.turns);
    this.leave(BLOCK);
    return scope.body;
  }

  private storeRows(vectors: number, lastLanes: number): void {
    for (const { node, level } of this.kernel.members) {
      if (level === 'element' || !this.targets.has(node)) continue;
      const lanes = (u: number) => (u === vectors - 1 ? lastLanes : 4);
      this.values.storeAll([[node, this.targets.get(node)!]], [0, vectors], lanes, ROW, this.turns);
    }
  }

  private reductions(stage: number): Member[] {
    return this.kernel.members.filter((m) => m.level === 'reduce' && this.stages.of.get(m.node) === stage);
  }

  /** A new value of what the kernel itself reads is written in the last stage, when no stage reads it again. */
  private elementStores(stage: number): Member[] {
    return this.kernel.members.filter(({ node, level }) => {
      if (level !== 'element' || !this.targets.has(node)) return false;
      return stage === (this.options.overwrites(node) ? this.stages.count - 1 : this.stages.of.get(node));
    });
  }

  private remember(stage: number): void {
    if (this.options.target) return;
    for (const { node } of this.elementStores(stage)) this.values.stored.add(node);
  }

  /** Reduced axes but the vector axis, from the outside in. */
  private outerReduced(): number[] {
    return this.axes.flatMap((axis, i) => (axis.reduced && i !== this.vectorAxis ? [i] : []));
  }

  /** Loops over the reduced axes but the vector axis; the innermost may be that over the steps of `sums`. */
  private outerLoops(inner: readonly Statement[], sums?: StageSums): Statement[] {
    const axes = this.outerReduced();
    let body = [...inner];
    for (const i of axes.reverse()) {
      const { before, bounds } = this.partOf(i, this.axes[i].size, 1);
      const [from, to] = bounds;
      if (sums) body = [...before, ...sums.loop(`i${i}`, bounds, 1, body)];
      else if (from === 0) body = [block(...loop(`i${i}`, to, 1, body))];
      else body = [block(...before, range(`i${i}`, from, to, 1, body))];
    }
    return axes.length === 0 && !this.alongRow ? [block(...body)] : body;
  }

  private enter(level: number): Scope {
    const scope = new Scope();
    this.values.scopes[level] = scope;
    this.values.scopes.length = level + 1;
    return scope;
  }

  private leave(level: number): void {
    this.values.scopes.length = level;
  }
}

/** The loop over full blocks of vectors among those from `begin` to `end`, which may include a rest behind them. */
function unitLoop(full: number, rest: number, bytes: number, body: readonly Statement[]): Statement {
  const last = rest > 0 ? min('end', full) : 'end';
  return range('j', times('begin', bytes), times(last, bytes), bytes, body);
}

/** Work on all units at once, as far as it asks for their range. */
function whole(body: readonly Statement[], units: number): readonly Statement[] {
  if (!mentions(body, 'begin') && !mentions(body, 'end')) return body;
  return [define('begin', 0, 'usize'), define('end', units, 'usize'), ...body];
}

function identityOf({ op, dtype }: Node): Expression {
  return { kind: 'identity', op, dtype };
}

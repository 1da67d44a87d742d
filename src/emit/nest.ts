import type { Node } from '../graph/graph.js';
import type { Lowering } from '../ops/op.js';
import type { Access, Member, NestKernel } from '../schedule/kernel.js';
import { stagesOf } from '../schedule/stages.js';
import { ACCUMULATORS, stepsOf } from '../schedule/sum-order.js';
import { StageSums } from './accumulators.js';
import { loop } from './code.js';
import type { Addresses } from './functions.js';
import { collapse, type LoopAxis, type Loops, readsOf } from './loops.js';
import { ownElements, Scope, Values } from './values.js';

/** The body of a kernel's function, and into how many equal units threads may split it (1: not at all). */
export interface Body {
  readonly lines: readonly string[];
  readonly units: number;
  /** Functions that the body calls. */
  readonly functions?: readonly (readonly string[])[];
}

export interface NestOptions {
  readonly addresses: Addresses;
  stored: ReadonlySet<Node>;
  /** Stored nodes that replace what the kernel reads: they are written when all reads are done. */
  overwrites(node: Node): boolean;
  /** Where an element goes, if not into a buffer of its own. */
  target?: Access;
}

/** Loops over a nest: the innermost axis runs in vectors, and those in blocks that keep the pipeline full. */
export function emitNest(kernel: NestKernel, options: NestOptions): Body {
  return new NestEmitter(kernel, options).emit();
}

/** Elements of a row whose blocks are kept long, whatever they compute. */
const SHORT_ROW = 32;

/** Levels of the loops: before all, per row, per point of the outer reduced axes, per block of vectors. */
const ROW = 1;
const OUTER = 2;
const BLOCK = 3;

class NestEmitter {
  private readonly loops: Loops;
  private readonly axes: readonly LoopAxis[];
  private readonly vectorAxis: number;
  /** Whether the vectors run over elements of a row (else over rows side by side). */
  private readonly alongRow: boolean;
  private readonly unroll: number;
  private readonly values: Values;
  private readonly stages: ReturnType<typeof stagesOf>;
  private readonly targets: ReadonlyMap<Node, Access>;

  constructor(
    private readonly kernel: NestKernel,
    private readonly options: NestOptions,
  ) {
    this.stages = stagesOf(kernel);
    this.targets = new Map(
      kernel.members
        .filter((m) => options.stored.has(m.node))
        .map((m) => [m.node, options.target ?? this.ownAccess(m)]),
    );
    this.loops = collapse(kernel.domain, kernel.reduced, [
      ...readsOf(kernel.members),
      ...this.targets.values(),
    ]);
    const hasReduced = this.loops.axes.some((axis) => axis.reduced);
    const last = this.loops.axes.length - 1;
    // Without a reduction the innermost axis plays the part of the row.
    this.axes = hasReduced
      ? this.loops.axes
      : this.loops.axes.map((axis, i) => ({ ...axis, reduced: i === last }));
    this.vectorAxis = last;
    this.alongRow = this.axes[last].reduced;
    const heavy = kernel.members.some(
      (m) => m.node.op.lower.kind === 'elementwise' && m.node.op.lower.cost > 8,
    );
    // A short row has little else to do while it waits for the sums of the stage before.
    const short = this.alongRow && this.axes[last].size <= SHORT_ROW;
    const large = heavy || kernel.members.length > 10;
    this.unroll = kernel.members.length > 24 ? 1 : large && !short ? 2 : 4;
    const inRow = this.alongRow ? BLOCK : ROW;
    this.values = new Values(
      {
        loops: this.loops,
        levels: this.axes.map((axis, i) => (i === last ? inRow : axis.reduced ? OUTER : ROW)),
        indices: this.axes.map((_, i) => (i === last ? 'j' : `i${i}`)),
        vectorAxis: last,
        members: new Map(kernel.members.map((m) => [m.node, m])),
        addresses: options.addresses,
        fromMemory: options.target !== undefined,
      },
      kernel.domain,
    );
  }

  emit(): Body {
    // Nothing to write: an axis that every result has is empty.
    if (this.loops.axes.some((axis) => axis.size === 0 && !axis.reduced)) {
      return { lines: [], units: 1 };
    }
    const outer = this.axes.flatMap((axis, i) => (!axis.reduced && i !== this.vectorAxis ? [i] : []));
    const reducing = this.kernel.reduced.includes(true);
    let body: string[];
    let units: number;
    if (outer.length > 0) {
      units = this.axes[outer[0]].size;
      body = this.alongRow ? this.row() : this.columns(null);
      for (const axis of [...outer].reverse()) {
        if (axis === outer[0])
          body = [`for (let i${axis}: usize = begin; i${axis} < end; i${axis}++) {`, ...body, '}'];
        else body = loop(`i${axis}`, 'usize', this.axes[axis].size, 1, body);
      }
    } else if (this.alongRow && reducing) {
      units = 1;
      body = this.row();
    } else {
      units = Math.max(1, Math.ceil(this.axes[this.vectorAxis].size / this.width));
      body = this.alongRow ? this.row(units) : this.columns(units);
    }
    return { lines: [...this.values.scopes[0].lines, ...(units === 1 ? bind(body) : body)], units };
  }

  /** Elements in a full block. */
  private get width(): number {
    return 4 * this.unroll;
  }

  private ownAccess({ node, level }: Member): Access {
    const { domain, reduced } = this.kernel;
    if (level === 'element') return ownElements(node, domain);
    const rows = ownElements(
      node,
      domain.filter((_, i) => !reduced[i]),
    ).strides;
    let next = 0;
    return { source: node, offset: 0, strides: domain.map((_, i) => (reduced[i] ? 0 : rows[next++])) };
  }

  /** One row whose elements lie side by side: each stage runs over it in steps, then over what is left. */
  private row(units?: number): string[] {
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
      const main = full > 0 ? this.step(stage, sums, vectors, 4) : [];
      const tail =
        rest > 0 ? [`const j: usize = ${end};`, ...this.step(stage, sums, left, rest % 4 || 4)] : [];
      const lines: string[] = [];
      if (units !== undefined) {
        if (full > 0) {
          const last = rest > 0 ? `min<usize>(end, ${full})` : 'end';
          lines.push(
            `for (let j: usize = begin * ${bytes}; j < ${last} * ${bytes}; j += ${bytes}) {`,
            ...main,
            '}',
          );
        }
        if (rest > 0) lines.push(`if (end == ${units}) {`, ...tail, '}');
      } else {
        if (full > 0) lines.push(...sums.loop('j', end, bytes, sums.step(main)));
        if (rest > 0) lines.push(...sums.lastStep(full, tail));
      }
      const loops = this.outerLoops([...this.values.scopes[OUTER].lines, ...lines]);
      this.leave(OUTER);
      row.lines.push(...sums.around(loops));
      for (const { node } of reductions) {
        const name = this.values.name(node.op.name);
        row.lines.push(`const ${name} = ${this.rule(node).horizontal(sums.results(node)[0], node.dtype)};`);
        for (let u = 0; u < ACCUMULATORS; u++) this.values.define(node, u, name, ROW, false);
      }
      this.remember(stage);
    }
    this.storeRows(1, 1);
    this.leave(ROW);
    return row.lines;
  }

  /** Rows side by side in the lanes of a block of vectors; `units`: blocks are what threads share. */
  private columns(units: number | null): string[] {
    const { size } = this.axes[this.vectorAxis];
    const full = Math.floor(size / this.width);
    const rest = size - full * this.width;
    const bytes = 4 * this.width;
    const main = full > 0 ? this.columnBlock(this.unroll, 4) : [];
    const tail = rest > 0 ? this.columnBlock(Math.ceil(rest / 4), rest % 4 || 4) : [];
    const tailLines = [`const j: usize = ${full * bytes};`, ...tail];
    if (units === null) {
      return [
        ...(full ? ['{', ...loop('j', 'usize', full * bytes, bytes, main), '}'] : []),
        ...(rest ? ['{', ...tailLines, '}'] : []),
      ];
    }
    const last = rest > 0 ? `min<usize>(end, ${full})` : 'end';
    return [
      ...(full
        ? [`for (let j: usize = begin * ${bytes}; j < ${last} * ${bytes}; j += ${bytes}) {`, ...main, '}']
        : []),
      ...(rest ? [`if (end == ${units}) {`, ...tailLines, '}'] : []),
    ];
  }

  private columnBlock(vectors: number, lastLanes: number): string[] {
    this.values.stored.clear();
    const row = this.enter(ROW);
    for (let stage = 0; stage < this.stages.count; stage++) {
      const reductions = this.reductions(stage);
      const sums = this.sums(reductions, vectors, 'sums');
      this.enter(OUTER);
      const block = this.block(stage, sums, 0, vectors, lastLanes);
      const loops = this.outerLoops(sums.step([...this.values.scopes[OUTER].lines, ...block]), sums);
      this.leave(OUTER);
      row.lines.push(...sums.around(loops));
      for (const { node } of reductions) {
        for (const [u, sum] of sums.results(node).entries()) {
          const name = this.values.name(node.op.name);
          row.lines.push(`const ${name} = ${sum};`);
          this.values.define(node, u, name, ROW, true);
        }
      }
      this.remember(stage);
    }
    this.storeRows(vectors, lastLanes);
    this.leave(ROW);
    return row.lines;
  }

  private sums(reductions: readonly Member[], count: number, kind: 'parts' | 'sums'): StageSums {
    const index = (member: Member) => this.kernel.members.indexOf(member);
    const loops = this.outerReduced().length + (kind === 'parts' ? 1 : 0);
    return new StageSums(reductions, stepsOf(this.kernel), { count, kind, index }, loops === 1);
  }

  /** A step of a row, in as many vectors at a time as suit the registers. */
  private step(stage: number, sums: StageSums, vectors: number, lastLanes: number): string[] {
    if (vectors <= this.unroll) return this.block(stage, sums, 0, vectors, lastLanes);
    const lines: string[] = [];
    for (let from = 0; from < vectors; from += this.unroll) {
      const to = Math.min(from + this.unroll, vectors);
      lines.push('{', ...this.block(stage, sums, from, to, to === vectors ? lastLanes : 4), '}');
    }
    return lines;
  }

  /** Everything that the vectors `from` to `to` of a stage compute. */
  private block(stage: number, sums: StageSums, from: number, to: number, lastLanes: number): string[] {
    const scope = this.enter(BLOCK);
    const lanes = (u: number) => (u === to - 1 ? lastLanes : 4);
    for (const { node, reads } of this.reductions(stage)) {
      for (let u = from; u < to; u++) {
        const value = this.values.read(reads[0], u, lanes(u));
        // Lanes past the end hold what lies behind the row.
        const used =
          this.alongRow && lanes(u) < 4
            ? `v128.bitselect(${value}, ${this.rule(node).identity(node.dtype)}, firstLanes(${lanes(u)}))`
            : value;
        scope.lines.push(sums.take(node, u, used));
      }
    }
    for (const { node } of this.elementStores(stage)) {
      for (let u = from; u < to; u++) this.values.store(node, this.targets.get(node)!, u, lanes(u), BLOCK);
    }
    this.leave(BLOCK);
    return scope.lines;
  }

  private storeRows(vectors: number, lastLanes: number): void {
    for (const { node, level } of this.kernel.members) {
      if (level === 'element' || !this.targets.has(node)) continue;
      const lanes = (u: number) => (u === vectors - 1 ? lastLanes : 4);
      for (let u = 0; u < vectors; u++) this.values.store(node, this.targets.get(node)!, u, lanes(u), ROW);
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

  private rule(node: Node): Extract<Lowering, { kind: 'reduce' }> {
    return node.op.lower as Extract<Lowering, { kind: 'reduce' }>;
  }

  /** Reduced axes but the vector axis, from the outside in. */
  private outerReduced(): number[] {
    return this.axes.flatMap((axis, i) => (axis.reduced && i !== this.vectorAxis ? [i] : []));
  }

  /** Loops over the reduced axes but the vector axis; the innermost may be that over the steps of `sums`. */
  private outerLoops(lines: readonly string[], sums?: StageSums): string[] {
    const axes = this.outerReduced();
    let body = [...lines];
    for (const i of axes.reverse()) {
      const { size } = this.axes[i];
      body = sums ? sums.loop(`i${i}`, size, 1, body) : ['{', ...loop(`i${i}`, 'usize', size, 1, body), '}'];
    }
    return axes.length === 0 && !this.alongRow ? ['{', ...body, '}'] : body;
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

/** A kernel that is not split runs its one unit. */
function bind(lines: readonly string[]): string[] {
  const used = lines.some((line) => /\b(begin|end)\b/.test(line));
  return used ? ['const begin: usize = 0;', 'const end: usize = 1;', ...lines] : [...lines];
}

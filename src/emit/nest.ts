import type { Node } from '../graph/graph.js';
import type { Lowering } from '../ops/op.js';
import type { Access, Member, NestKernel } from '../schedule/kernel.js';
import { stagesOf } from '../schedule/stages.js';
import { loop } from './code.js';
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
  address(node: Node): string;
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
        address: options.address,
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

  /** One row whose elements lie side by side: each stage runs over it in blocks, then over what is left. */
  private row(units?: number): string[] {
    const row = this.enter(ROW);
    for (let stage = 0; stage < this.stages.count; stage++) {
      const { size } = this.axes[this.vectorAxis];
      const full = Math.floor(size / this.width);
      const rest = size - full * this.width;
      const accumulators = full > 0 ? this.unroll : Math.ceil(rest / 4);
      this.enter(OUTER);
      const main = full > 0 ? this.block(stage, this.unroll, 4) : [];
      const tail = rest > 0 ? this.block(stage, Math.ceil(rest / 4), rest % 4 || 4) : [];
      const bytes = 4 * this.width;
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
        if (rest > 0) lines.push(`if (end == ${units}) {`, `const j: usize = ${full * bytes};`, ...tail, '}');
      } else {
        if (full > 0) lines.push('{', ...loop('j', 'usize', full * bytes, bytes, main), '}');
        if (rest > 0) lines.push('{', `const j: usize = ${full * bytes};`, ...tail, '}');
      }
      const around = this.outerLoops([...this.values.scopes[OUTER].lines, ...lines]);
      this.leave(OUTER);
      for (const { node } of this.reductions(stage)) {
        for (let u = 0; u < Math.max(1, accumulators); u++)
          row.lines.push(`let ${this.accumulator(node, u)} = ${this.rule(node).identity(node.dtype)};`);
      }
      row.lines.push(...around);
      for (const { node } of this.reductions(stage)) {
        const rule = this.rule(node);
        let parts = Array.from({ length: Math.max(1, accumulators) }, (_, u) => this.accumulator(node, u));
        while (parts.length > 1) {
          parts = parts.flatMap((part, i) =>
            i % 2 ? [] : [i + 1 < parts.length ? rule.combine(part, parts[i + 1], node.dtype) : part],
          );
        }
        const name = this.values.name(node.op.name);
        row.lines.push(`const ${name} = ${rule.horizontal(parts[0], node.dtype)};`);
        for (let u = 0; u < Math.max(4, accumulators); u++) this.values.define(node, u, name, ROW, false);
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
      this.enter(OUTER);
      const block = this.block(stage, vectors, lastLanes);
      const around = this.outerLoops([...this.values.scopes[OUTER].lines, ...block]);
      this.leave(OUTER);
      for (const { node } of this.reductions(stage)) {
        for (let u = 0; u < vectors; u++)
          row.lines.push(`let ${this.accumulator(node, u)} = ${this.rule(node).identity(node.dtype)};`);
      }
      row.lines.push(...around);
      for (const { node } of this.reductions(stage)) {
        for (let u = 0; u < vectors; u++) {
          const name = this.values.name(node.op.name);
          row.lines.push(`const ${name} = ${this.accumulator(node, u)};`);
          this.values.define(node, u, name, ROW, true);
        }
      }
      this.remember(stage);
    }
    this.storeRows(vectors, lastLanes);
    this.leave(ROW);
    return row.lines;
  }

  /** Everything that one block of a stage computes. */
  private block(stage: number, vectors: number, lastLanes: number): string[] {
    const scope = this.enter(BLOCK);
    const lanes = (u: number) => (u === vectors - 1 ? lastLanes : 4);
    for (const { node, reads } of this.reductions(stage)) {
      const rule = this.rule(node);
      for (let u = 0; u < vectors; u++) {
        const value = this.values.read(reads[0], u, lanes(u));
        // Lanes past the end hold what lies behind the row.
        const used =
          this.alongRow && lanes(u) < 4
            ? `v128.bitselect(${value}, ${rule.identity(node.dtype)}, firstLanes(${lanes(u)}))`
            : value;
        scope.lines.push(
          `${this.accumulator(node, u)} = ${rule.combine(this.accumulator(node, u), used, node.dtype)};`,
        );
      }
    }
    for (const { node } of this.elementStores(stage)) {
      for (let u = 0; u < vectors; u++) this.values.store(node, this.targets.get(node)!, u, lanes(u), BLOCK);
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

  private readonly accumulatorNames = new Map<string, string>();
  private accumulator(node: Node, u: number): string {
    const index = this.kernel.members.findIndex((m) => m.node === node);
    const key = `${index}:${u}`;
    if (!this.accumulatorNames.has(key)) this.accumulatorNames.set(key, `${node.op.name}${index}_${u}`);
    return this.accumulatorNames.get(key)!;
  }

  /** Loops over the reduced axes but the vector axis. */
  private outerLoops(lines: readonly string[]): string[] {
    const order = this.axes.flatMap((axis, i) => (axis.reduced && i !== this.vectorAxis ? [i] : []));
    let body = [...lines];
    for (const i of order.reverse()) body = ['{', ...loop(`i${i}`, 'usize', this.axes[i].size, 1, body), '}'];
    return order.length === 0 && !this.alongRow ? ['{', ...body, '}'] : body;
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

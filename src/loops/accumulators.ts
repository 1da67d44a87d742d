import type { Node } from '../graph/graph.js';
import type { Member } from '../kernels/kernel.js';
import { BLOCK, orderOf } from '../kernels/sum-order.js';
import { binary, block, define, library, loop, min, range, sum, when } from './make.js';
import type { Expression, Statement } from './program.js';

/** From where to where a loop runs. */
export type Range = readonly [from: Expression, to: Expression];

/** How the accumulators of a reduction belong together: as parts of one sum, or each as sums of its own. */
type Kind = 'parts' | 'sums';

/** The accumulators of one reduction in its kernel, in the order that `kernels/sum-order.ts` tells. */
class Accumulators {
  private readonly names: readonly string[];
  private readonly groups: readonly (readonly string[])[];

  constructor(
    private readonly node: Node,
    stem: string,
    count: number,
    kind: Kind,
    /** Whether the elements come in several blocks. */
    private readonly blocked: boolean,
  ) {
    this.names = Array.from({ length: count }, (_, u) => `${stem}_${u}`);
    this.groups = kind === 'parts' ? [this.names] : this.names.map((name) => [name]);
  }

  declare(): Statement[] {
    const names = [...this.names, ...(this.blocked ? this.groups.flatMap((g) => [total(g), lost(g)]) : [])];
    return names.map((name) => ({ kind: 'let', name, value: this.identity, mutable: true }));
  }

  /** Takes vector `u` of the elements in. */
  take(u: number, value: Expression): Statement {
    const { op, dtype } = this.node;
    return { kind: 'accumulate', into: this.names[u], op, value, dtype };
  }

  /** The end of a block: what it has gathered goes to the total, and the next one begins. */
  fold(): Statement[] {
    if (!this.blocked) return [];
    return [
      ...this.groups.map((group) => this.addToTotal(group)),
      ...this.names.map((name): Statement => ({ kind: 'set', name, value: this.identity })),
    ];
  }

  /** After the last element. */
  finish(): Statement[] {
    return this.blocked ? this.groups.map((group) => this.addToTotal(group)) : [];
  }

  /** The finished lanes of each group. */
  results(): Expression[] {
    return this.groups.map((group) =>
      this.blocked ? this.combine(total(group), lost(group)) : this.joined(group),
    );
  }

  private get identity(): Expression {
    return { kind: 'identity', op: this.node.op, dtype: this.node.dtype };
  }

  private addToTotal(group: readonly string[]): Statement {
    const [before, rest] = [total(group), lost(group)];
    return block(
      define('block', this.combine(this.joined(group), rest)),
      define('total', this.combine(before, 'block')),
      { kind: 'set', name: rest, value: library('lostIn', before, 'block', 'total') },
      { kind: 'set', name: before, value: 'total' },
    );
  }

  /** Neighbours first. */
  private joined(group: readonly string[]): Expression {
    let parts: readonly Expression[] = group;
    while (parts.length > 1) {
      parts = parts.flatMap((part, i) =>
        i % 2 ? [] : [i + 1 < parts.length ? this.combine(part, parts[i + 1]) : part],
      );
    }
    return parts[0];
  }

  private combine(a: Expression, b: Expression): Expression {
    return { kind: 'combine', op: this.node.op, a, b, dtype: this.node.dtype };
  }
}

function total([first]: readonly string[]): string {
  return `${first}_total`;
}

function lost([first]: readonly string[]): string {
  return `${first}_lost`;
}

/** The reductions of one stage of a nest: what stands before, in and after its loops. */
export class StageSums {
  private readonly all: ReadonlyMap<Node, Accumulators>;
  /** What stands between two blocks of long sums. */
  private readonly fold: readonly Statement[];

  constructor(
    reductions: readonly Member[],
    steps: number,
    { count, kind, index }: { count: number; kind: Kind; index(member: Member): number },
    /** Whether one loop runs over all that is reduced, so that blocks are turns of a loop around it. */
    private readonly oneLoop: boolean,
  ) {
    const long = steps > BLOCK;
    this.all = new Map(
      reductions.map((member) => {
        const { node } = member;
        const blocked = long && orderOf(member) === 'blocks';
        return [node, new Accumulators(node, `${node.op.name}${index(member)}`, count, kind, blocked)];
      }),
    );
    this.fold = [...this.all.values()].flatMap((accumulators) => accumulators.fold());
  }

  /** Takes vector `u` of the elements in. */
  take(node: Node, u: number, value: Expression): Statement {
    return this.all.get(node)!.take(u, value);
  }

  private get counts(): boolean {
    return this.fold.length > 0 && !this.oneLoop;
  }

  /** A step of the sums; where blocks do not end with a loop they are counted. */
  step(body: readonly Statement[]): Statement[] {
    if (!this.counts) return [...body];
    const full: Statement = { kind: 'set', name: 'steps', value: BLOCK };
    return [
      when(binary('steps', '==', 0), ...this.fold, full),
      { kind: 'advance', name: 'steps', by: -1 },
      ...body,
    ];
  }

  /** The loop over steps of `size` units, in blocks where one loop runs over all that is reduced. */
  loop(index: string, [start, end]: Range, size: number, body: readonly Statement[]): Statement[] {
    if (this.fold.length === 0 || this.counts)
      return start === 0 ? [block(...loop(index, end, size, body))] : [range(index, start, end, size, body)];
    const length = BLOCK * size;
    const next = sum('from', length);
    const even = start === 0 && typeof end === 'number' && end % length === 0;
    return [
      range('from', start, end, length, [
        // Before the first block this finds nothing to do.
        ...this.fold,
        define('until', even ? next : min(next, end)),
        range(index, 'from', 'until', size, body),
      ]),
    ];
  }

  /** The step behind so many in the loop. */
  lastStep(before: number, body: readonly Statement[]): Statement[] {
    const fold = !this.counts && before > 0 && before % BLOCK === 0 ? this.fold : [];
    return [...fold, block(...this.step(body))];
  }

  /** All loops, with the sums declared before and finished behind them. */
  around(loops: readonly Statement[]): Statement[] {
    const all = [...this.all.values()];
    const steps: Statement = { kind: 'let', name: 'steps', value: BLOCK, mutable: true };
    return [
      ...all.flatMap((accumulators) => accumulators.declare()),
      ...(this.counts ? [block(steps, ...loops)] : loops),
      ...all.flatMap((accumulators) => accumulators.finish()),
    ];
  }

  /** The vectors that hold the result; one if all accumulators are parts of one sum. */
  results(node: Node): Expression[] {
    return this.all.get(node)!.results();
  }
}

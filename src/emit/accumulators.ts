import type { Node } from '../graph/graph.js';
import type { Lowering } from '../ops/op.js';
import type { Member } from '../schedule/kernel.js';
import { BLOCK, orderOf } from '../schedule/sum-order.js';
import { loop } from './code.js';

type Rule = Extract<Lowering, { kind: 'reduce' }>;

/** How the accumulators of a reduction belong together: as parts of one sum, or each as sums of its own. */
type Kind = 'parts' | 'sums';

/** The accumulators of one reduction in the text of its kernel, in the order that `schedule/sum-order.ts` tells. */
class Accumulators {
  private readonly rule: Rule;
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
    this.rule = node.op.lower as Rule;
    this.names = Array.from({ length: count }, (_, u) => `${stem}_${u}`);
    this.groups = kind === 'parts' ? [this.names] : this.names.map((name) => [name]);
  }

  declare(): string[] {
    const names = [...this.names, ...(this.blocked ? this.groups.flatMap((g) => [total(g), lost(g)]) : [])];
    return names.map((name) => `let ${name} = ${this.rule.identity(this.node.dtype)};`);
  }

  /** Takes vector `u` of the elements in. */
  take(u: number, value: string): string {
    return `${this.names[u]} = ${this.combine(this.names[u], value)};`;
  }

  /** The end of a block: what it has gathered goes to the total, and the next one begins. */
  fold(): string[] {
    if (!this.blocked) return [];
    return [
      ...this.groups.flatMap((group) => this.addToTotal(group)),
      ...this.names.map((n) => this.clear(n)),
    ];
  }

  /** After the last element. */
  finish(): string[] {
    return this.blocked ? this.groups.flatMap((group) => this.addToTotal(group)) : [];
  }

  /** The finished lanes of each group. */
  results(): string[] {
    return this.groups.map((group) =>
      this.blocked ? this.combine(total(group), lost(group)) : this.joined(group),
    );
  }

  private addToTotal(group: readonly string[]): string[] {
    const [sum, rest] = [total(group), lost(group)];
    return [
      '{',
      `const block = ${this.combine(this.joined(group), rest)};`,
      `const total = ${this.combine(sum, 'block')};`,
      `${rest} = lostIn(${sum}, block, total);`,
      `${sum} = total;`,
      '}',
    ];
  }

  private clear(name: string): string {
    return `${name} = ${this.rule.identity(this.node.dtype)};`;
  }

  /** Neighbours first. */
  private joined(group: readonly string[]): string {
    let parts = group;
    while (parts.length > 1) {
      parts = parts.flatMap((part, i) =>
        i % 2 ? [] : [i + 1 < parts.length ? this.combine(part, parts[i + 1]) : part],
      );
    }
    return parts[0];
  }

  private combine(a: string, b: string): string {
    return this.rule.combine(a, b, this.node.dtype);
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
  /** Lines between two blocks of long sums. */
  private readonly fold: readonly string[];

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
  take(node: Node, u: number, value: string): string {
    return this.all.get(node)!.take(u, value);
  }

  private get counts(): boolean {
    return this.fold.length > 0 && !this.oneLoop;
  }

  /** A step of the sums; where blocks do not end with a loop they are counted. */
  step(lines: readonly string[]): string[] {
    if (!this.counts) return [...lines];
    return ['if (steps == 0) {', ...this.fold, `steps = ${BLOCK};`, '}', 'steps--;', ...lines];
  }

  /** The loop over steps of `size` units up to `end`, in blocks where one loop runs over all that is reduced. */
  loop(index: string, end: number, size: number, lines: readonly string[]): string[] {
    if (this.fold.length === 0 || this.counts) return ['{', ...loop(index, 'usize', end, size, lines), '}'];
    const length = BLOCK * size;
    return [
      `for (let from: usize = 0; from < ${end}; from += ${length}) {`,
      // Before the first block this finds nothing to do.
      ...this.fold,
      `const until = ${end % length === 0 ? `from + ${length}` : `min<usize>(from + ${length}, ${end})`};`,
      `for (let ${index} = from; ${index} < until; ${index} += ${size}) {`,
      ...lines,
      '}',
      '}',
    ];
  }

  /** The step behind so many in the loop. */
  lastStep(before: number, lines: readonly string[]): string[] {
    const fold = !this.counts && before > 0 && before % BLOCK === 0 ? this.fold : [];
    return [...fold, '{', ...this.step(lines), '}'];
  }

  /** All loops, with the sums declared before and finished behind them. */
  around(loops: readonly string[]): string[] {
    const all = [...this.all.values()];
    return [
      ...all.flatMap((accumulators) => accumulators.declare()),
      ...(this.counts ? ['{', `let steps = ${BLOCK};`, ...loops, '}'] : loops),
      ...all.flatMap((accumulators) => accumulators.finish()),
    ];
  }

  /** The vectors that hold the result; one if all accumulators are parts of one sum. */
  results(node: Node): string[] {
    return this.all.get(node)!.results();
  }
}

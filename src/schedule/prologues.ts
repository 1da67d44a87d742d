import { constantValue, type Node } from '../graph/graph.js';
import { isInline, sourcesOf } from '../kernels/inline.js';
import type { Member, NestKernel } from '../kernels/kernel.js';
import { storedMembers } from '../kernels/stages.js';
import { numel } from '../shape.js';
import { emptyList, known } from './known.js';
import { madeOperand, readOtherwise } from './prologue.js';
import { spares } from './prologue-cost.js';
import { type Draft, left, partsIn } from './strided-stores.js';

interface Rules {
  /** Whether products may read what lies in memory here, which another kernel has read so far. */
  may(source: Node, products: readonly Draft[]): boolean;
  /** What has to be in memory, whoever reads it here. */
  keep(node: Node): boolean;
  /** For tests: also where it takes more time. */
  readonly always?: boolean;
}

/**
 * Spares values that nests make elementwise and that products alone read: these make the elements of such an operand as they
 * pack it, from what the nest has made them of. Null in place of a nest of which nothing is left.
 */
export function makeOperands(drafts: readonly Draft[], rules: Rules): (Draft | null)[] {
  const operands = new Operands(drafts, rules);
  for (let i = drafts.length - 1; i >= 0; i--) operands.spare(i);
  return operands.drafts;
}

/** What a nest makes a value of. */
interface Chain {
  readonly members: readonly Member[];
  /** What is read from memory. */
  readonly loads: readonly Node[];
  /** Values of rows among these, which the nest has to store for that. */
  readonly rows: readonly Node[];
}

class Operands {
  readonly drafts: (Draft | null)[];
  private readonly readers = new Map<Node, number[]>();
  private readonly makers = new Map<Node, number>();

  constructor(
    drafts: readonly Draft[],
    private readonly rules: Rules,
  ) {
    this.drafts = [...drafts];
    drafts.forEach(({ loads, stores }, i) => {
      for (const node of loads) known(this.readers, node, emptyList<number>).push(i);
      for (const node of stores) this.makers.set(node, i);
    });
  }

  /** Leaves to products what they can make of what a nest stores. */
  spare(at: number): void {
    for (const value of this.drafts[at]!.stores) this.spareValue(at, value);
  }

  private spareValue(at: number, value: Node): void {
    const draft = this.drafts[at];
    const readers = this.readersOf(value);
    if (draft?.body.kind !== 'nest' || value.dtype !== 'f32' || this.rules.keep(value)) return;
    if (readers.length === 0 || numel(draft.body.domain) === 0) return;
    const chain = this.chainOf(draft.body, draft, value);
    const reading = readers.map((reader) => this.drafts[reader]!);
    if (!chain?.loads.every((source) => this.rules.may(source, reading))) return;
    const made = { domain: draft.body.domain, members: chain.members };
    const products = reading.map((reader) => withMade(reader, value, made, chain.loads));
    if (products.includes(null)) return;
    const rest = this.without(draft, draft.body, value, chain.rows);
    if (!this.rules.always && !spares(value, [draft, ...reading], [rest, ...(products as Draft[])])) return;
    readers.forEach((reader, i) => {
      this.drafts[reader] = products[i];
      for (const node of chain.loads) known(this.readers, node, emptyList<number>).push(reader);
    });
    for (const node of chain.rows) this.makers.set(node, at);
    this.drafts[at] = rest;
  }

  /** The members that make a value elementwise, or null if there are others. */
  private chainOf(nest: NestKernel, draft: Draft, value: Node): Chain | null {
    const { stores, loads: read } = draft;
    const members = new Map(nest.members.map((member) => [member.node, member]));
    if (members.get(value)?.level !== 'element') return null;
    const chain = new Set<Node>();
    const loads = new Set<Node>();
    const rows = new Set<Node>();
    const load = (source: Node): boolean => {
      const member = members.get(source);
      if (member && !stores.includes(source)) {
        if (member.level === 'element' || this.makers.has(source)) return false;
        rows.add(source);
      }
      loads.add(source);
      return true;
    };
    const visit = (node: Node): boolean => {
      if (chain.has(node)) return true;
      const member = members.get(node)!;
      if (!canBeMade(member)) return false;
      const found = member.reads.every(({ source }) => {
        const from = members.get(source);
        const inMemory = stores.includes(source) && this.isNeeded(source);
        // What kernels make on the spot they do not read, even where it lies in memory.
        const onTheSpot = isInline(source);
        if (from?.level === 'element' && (onTheSpot || !inMemory)) return visit(source);
        if (onTheSpot) return sourcesOf(source).every(load);
        return load(source);
      });
      chain.add(node);
      return found;
    };
    if (!visit(value) || ![...chain].some((node) => node.op.lower.kind !== 'movement')) return null;
    const made = nest.members.filter(({ node }) => chain.has(node));
    // What lies as a part in another value's memory is known to kernels as what it is.
    const isKnown = [...loads].every((node) => read.includes(node) || members.has(node));
    if (!isKnown && made.length < nest.members.length) return null;
    // Where a value lies in parts beside what is left of it, its name alone is not all of it.
    const all = new Set([...loads, ...partsIn(draft)]);
    return { members: made, loads: isKnown ? [...all] : read, rows: [...rows] };
  }

  /** Those that still read a value: nests may be gone, or lack the members that did. */
  private readersOf(node: Node): number[] {
    return [...new Set(this.readers.get(node))].filter((at) => this.drafts[at]?.loads.includes(node));
  }

  /** Whether anybody beside its nest needs a value in memory. */
  private isNeeded(node: Node): boolean {
    return this.rules.keep(node) || this.readersOf(node).length > 0;
  }

  /** The nest without a value, but with values of rows that others have to read; null if nothing is left. */
  private without(draft: Draft, nest: NestKernel, value: Node, rows: readonly Node[]): Draft | null {
    const stores = new Set([...draft.stores, ...rows].filter((node) => node !== value));
    const needed = new Set<Node>();
    const members = new Map(nest.members.map((member) => [member.node, member]));
    const need = (node: Node) => {
      if (!members.has(node) || needed.has(node)) return;
      needed.add(node);
      for (const { source } of members.get(node)!.reads)
        for (const from of members.has(source) ? [source] : isInline(source) ? sourcesOf(source) : [])
          need(from);
    };
    const isRead = (node: Node) => rows.includes(node) || this.isNeeded(node);
    for (const node of stores) if (isRead(node)) need(node);
    if (needed.size === 0) return null;
    const body = { ...nest, members: nest.members.filter(({ node }) => needed.has(node)) };
    // What a stage has left in memory for another of the same nest may be made again, or not at all.
    const own = storedMembers(body, (node) => stores.has(node), isRead);
    return { body, ...left({ ...draft, stores: own }, body) };
  }
}

/** Whether a member can be made at any point of any loops. */
function canBeMade({ node, reads }: Member): boolean {
  const { kind } = node.op.lower;
  if (kind === 'movement') return reads.length === 1;
  return kind === 'elementwise' || kind === 'gather' || constantValue(node) !== undefined;
}

/** A product that makes a value as it packs it, or null if it cannot, or is no product. */
function withMade(
  draft: Draft,
  value: Node,
  made: Parameters<typeof madeOperand>[2],
  needs: readonly Node[],
): Draft | null {
  const { body } = draft;
  if (body.kind !== 'gemm') return null;
  const behind = body.members.slice(1).flatMap(({ node }) => sourcesOf(node));
  if (behind.includes(value)) return null;
  return readOtherwise(draft, value, needs, (kernel, which) => madeOperand(kernel, which, made));
}

import type { Node } from '../graph/graph.js';
import { isInline, sourcesOf } from './inline.js';
import type { Access, GemmKernel, Member, NestKernel } from './kernel.js';

/** A value cheaper than this (in the unit of an op's cost) is computed again rather than written and read. */
const RECOMPUTE_BELOW = 4;

/**
 * When the members of a nest are computed. Stage s is the s-th run of the loops over the reduced axes: a
 * reduction done in stage s is known to rows, and to elements of stage s + 1.
 */
export interface Stages {
  readonly count: number;
  /** The stage of an element or reduction; for a row value, the first stage that can use it. */
  readonly of: ReadonlyMap<Node, number>;
}

/** By the list of members, which never changes and which a kernel keeps when it gets its name. */
const known = new WeakMap<readonly Member[], Stages>();

export function stagesOf({ members }: NestKernel | GemmKernel): Stages {
  let stages = known.get(members);
  if (!stages) {
    stages = findStages(members);
    known.set(members, stages);
  }
  return stages;
}

function findStages(list: readonly Member[]): Stages {
  const of = new Map<Node, number>();
  const members = new Map(list.map((m) => [m.node, m]));
  let count = 1;
  for (const { node, level, reads } of list) {
    let stage = 0;
    for (const made of membersRead(reads, members)) {
      stage = Math.max(stage, of.get(made.node)! + (made.level === 'reduce' ? 1 : 0));
    }
    of.set(node, stage);
    if (level !== 'row') count = Math.max(count, stage + 1);
  }
  return { count, of };
}

/** Members that some reads lead to, directly or through values that are made on the spot. */
function membersRead(reads: readonly Access[], members: ReadonlyMap<Node, Member>): Member[] {
  const sources = reads.flatMap(({ source }) =>
    members.has(source) || !isInline(source) ? [source] : sourcesOf(source),
  );
  return sources.flatMap((source) => members.get(source) ?? []);
}

/** Element members that the targets of each stage (reductions, stored elements) need, by stage. */
export function demands(kernel: NestKernel | GemmKernel, stored: ReadonlySet<Node>): Set<Node>[] {
  const stages = stagesOf(kernel);
  const members = new Map(kernel.members.map((m) => [m.node, m]));
  const sets = Array.from({ length: stages.count }, () => new Set<Node>());
  const need = (node: Node, stage: number) => {
    const member = members.get(node);
    if (member?.level !== 'element' || sets[stage].has(node)) return;
    sets[stage].add(node);
    for (const { source } of member.reads) need(source, stage);
  };
  for (const { node, level, reads } of kernel.members) {
    if (level === 'reduce') need(reads[0].source, stages.of.get(node)!);
    else if (level === 'element' && stored.has(node)) need(node, stages.of.get(node)!);
  }
  return sets;
}

/**
 * Members that must be written to memory: those that others need, and elements of an earlier stage that are
 * needed again in a later one and cost too much to compute twice. What another kernel makes too is `own` to one of
 * them alone, which stores it.
 */
export function storedMembers(
  kernel: NestKernel | GemmKernel,
  own: (node: Node) => boolean,
  needed: (node: Node) => boolean,
): Node[] {
  const stored = new Set(kernel.members.map((m) => m.node).filter((node) => own(node) && needed(node)));
  const members = new Map(kernel.members.map((m) => [m.node, m]));
  let sets = demands(kernel, stored);
  for (const { node, level } of sets.length > 1 ? kernel.members : []) {
    if (level !== 'element' || stored.has(node) || !own(node)) continue;
    const uses = sets.filter((set) => set.has(node)).length;
    if (uses <= 1 || cost(node, members, stored) < RECOMPUTE_BELOW) continue;
    stored.add(node);
    sets = demands(kernel, stored);
  }
  return kernel.members.map((m) => m.node).filter((node) => stored.has(node));
}

function cost(node: Node, members: ReadonlyMap<Node, Member>, stored: ReadonlySet<Node>): number {
  const { lower } = node.op;
  const own = lower.kind === 'elementwise' ? lower.cost : RECOMPUTE_BELOW;
  const inputs = members.get(node)!.reads.map((read) => read.source);
  return inputs.reduce((total, input) => {
    const made = members.get(input);
    return total + (made?.level === 'element' && !stored.has(input) ? cost(input, members, stored) : 0);
  }, own);
}

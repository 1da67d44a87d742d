import type { Node } from '../graph/graph.js';
import { numel } from '../shape.js';
import { isInline, sourcesOf } from './inline.js';
import type { GemmKernel, KernelBody, Member, NestKernel } from './kernel.js';
import { makesOperandOf } from './prologue.js';
import { stagesOf } from './stages.js';
import { isOfParts } from './sum-order.js';
import { identityStrides, viewOf } from './view.js';

/** What is known of the stores of a kernel when one of them is to lie where the kernel reads. */
export interface Stores {
  readonly stored: ReadonlySet<Node>;
  /** Whether an element is written in the last stage of its nest, as new values of variables are, or may yet be. */
  isLate(node: Node): boolean;
}

/**
 * Whether a kernel may write `value` over `old`, which no later kernel reads: every element of `old` must be
 * read at the point of the loops that writes the element of `value` in its place, and before it is written.
 *
 * The order within a point is that of the loop programs, on which `loops/in-place.ts` proves what was decided here: stage by stage, in a stage the reductions and then the
 * stores; then the stores of rows. In a stage each element is loaded once. So if `value` itself or a reduction
 * of its stage reads `old`, nobody loads it after the store in that stage; reads in later stages are too late.
 *
 * Threads: they share a kernel by rows or columns, and a point belongs to one of them through all stages, so
 * no thread reads an element that another writes. Vectors at the end of a row do load elements of the
 * next row, perhaps while their thread writes them, but those lanes are never used; stores write no lane too many.
 *
 * A matrix product reads its operands at many points, so they are never overwritten; a scatter adds to its
 * base in place, since it reads nothing else of it.
 */
export function mayOverwrite(kernel: KernelBody, value: Node, old: Node, stores: Stores): boolean {
  switch (kernel.kind) {
    case 'copy':
    case 'loop':
      return false;
    case 'scatter':
      return kernel.base.source === old && kernel.ids.source !== old && kernel.updates.source !== old;
    case 'fold':
      // A row is read before it is written: sums are made from the first row of an index on.
      return kernel.updates.source === old && kernel.ids.source !== old;
    case 'gemm':
      if (kernel.a.source === old || kernel.b.source === old) return false;
      if (makesOperandOf(kernel, old)) return false;
      return readsInPlace(kernel, value, old) && readsInTime(kernel, value, old, stores);
    case 'nest':
      return readsInPlace(kernel, value, old) && readsInTime(kernel, value, old, stores);
  }
}

type Loops = NestKernel | GemmKernel;

/** Whether every read of `old` is at the element that `value` has at the same point. */
function readsInPlace(kernel: Loops, value: Node, old: Node): boolean {
  if (isOfParts(value)) return false;
  const made = kernel.members.find((m) => m.node === value)!;
  const kept = (axis: number) => made.level === 'element' || kernel.kind === 'gemm' || !kernel.reduced[axis];
  const points = kernel.domain.filter((_, axis) => kept(axis));
  const own = identityStrides(points);
  let next = 0;
  const strides = kernel.domain.map((_, axis) => (kept(axis) ? own[next++] : 0));
  return readersOf(kernel, old).every(({ node, reads }) => {
    // A gather reads other rows than its own.
    if (node.op.lower.kind === 'gather' && node.inputs.some((input) => viewOf(input).source === old))
      return false;
    // A scalar that is read through an expression has no strides: it is in place for scalars alone.
    return (
      reads.every((r) =>
        r.source === old ? r.offset === 0 && r.strides.every((s, i) => s === strides[i]) : true,
      ) &&
      (numel(points) === 1 || !reads.some((r) => readsThrough(r.source, old)))
    );
  });
}

/** Whether every read of `old` from memory comes before `value` is written. */
function readsInTime(kernel: Loops, value: Node, old: Node, { stored, isLate }: Stores): boolean {
  const members = new Map(kernel.members.map((m) => [m.node, m]));
  const stages = stagesOf(kernel);
  const last = stages.count - 1;
  const readers = new Set(readersOf(kernel, old).map((m) => m.node));
  const { level } = members.get(value)!;
  const at = level === 'element' ? (isLate(value) ? last : stages.of.get(value)!) : last;
  const made = members.get(old);
  // What this kernel itself makes must have been written in an earlier stage.
  if (made && !(made.level === 'element' && level === 'element' && stages.of.get(old)! < at)) return false;

  /** Members computed for a target in a stage; `few` leaves out, else takes in, what is perhaps read back instead. */
  const computed = (target: Member, stage: number, few: boolean): Set<Node> => {
    const seen = new Set<Node>();
    const visit = (member: Member) => {
      if (seen.has(member.node)) return;
      seen.add(member.node);
      for (const { source } of member.reads) {
        const from = members.get(source);
        if (!from || from.level === 'reduce') continue;
        const kept = from.level === 'element' && stored.has(source) && stages.of.get(source)! < stage;
        if (!kept || (isLate(source) && !few)) visit(from);
      }
    };
    visit(target);
    return seen;
  };

  const inTime = computed(members.get(value)!, at, true);
  for (const m of kernel.members) {
    if (level === 'element' && m.level === 'reduce' && stages.of.get(m.node) === at)
      for (const node of computed(m, at, true)) inTime.add(node);
  }
  const loaded = [...inTime].some((node) => readers.has(node));
  const late = (target: Member, stage: number) =>
    !(stage === at && loaded) && [...computed(target, stage, false)].some((node) => readers.has(node));
  return kernel.members.every((m) => {
    if (m.node === value) return true;
    const stage = stages.of.get(m.node)!;
    if (m.level === 'reduce') return level !== 'element' || stage <= at || !late(m, stage);
    if (!stored.has(m.node)) return true;
    // Rows are written when all stages are done.
    if (m.level === 'row') return level === 'element' ? !late(m, stages.count) : !late(m, at);
    if (level !== 'element') return true;
    const when = isLate(m.node) ? [stage, last] : [stage];
    return when.every((s) => s < at || !late(m, s));
  });
}

/** Members that read `old` from memory, be it through an expression that is made on the spot. */
function readersOf(kernel: Loops, old: Node): Member[] {
  return kernel.members.filter((m) =>
    m.reads.some(({ source }) => source === old || readsThrough(source, old)),
  );
}

function readsThrough(source: Node, old: Node): boolean {
  return source !== old && isInline(source) && sourcesOf(source).includes(old);
}

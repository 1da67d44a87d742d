import type { Lowering } from '../ops/op.js';
import type { Access, Member, NestKernel } from './kernel.js';

// The order in which a reduction takes its elements follows from the op's own shape and axes alone, so that its bits
// do not depend on what shares the kernel, on layouts, or on threads.
//
// Neighbouring axes that are reduced count as one, axes of size 1 not at all. Where the innermost axis is reduced,
// its elements come in steps of 16: element i of a run goes to lane i % 4 of accumulator (i / 4) % 4, and each run
// begins a step of its own. Elsewhere every lane has a sum of its own, and an element is a step. After a block of steps
// the accumulators are joined, (0 + 1) + (2 + 3), and added to a total, and what rounding takes there comes in again with
// the next block (Kahan, Communications of the ACM 8, 1965), so that the error of a long sum is that of a block. At the
// end come the lanes, (0 + 2) + (1 + 3). What is no longer than a block is one.

/** Accumulators of a run, each of four lanes. */
export const ACCUMULATORS = 4;
/** Elements of a step along a run. */
export const STEP = 4 * ACCUMULATORS;

/** Steps of a block: equal terms then add up to within half a millionth, and the total costs little. */
export const BLOCK = 32;

type Loops = Pick<NestKernel, 'domain' | 'reduced'>;

/** How many steps a reduction over these loops takes. */
export function stepsOf(loops: Loops): number {
  const { domain, reduced } = loops;
  const all = domain.reduce((n, size, axis) => (reduced[axis] ? n * size : n), 1);
  const run = innerRun(loops).reduce((n, axis) => n * domain[axis], 1);
  if (run === 1 || all === 0) return all;
  return (all / run) * Math.ceil(run / STEP);
}

/**
 * Whether loops over these members can keep the order: the axes of the innermost run pass as one for every read, or
 * those that do are whole steps.
 */
export function keepsOrder(loops: Loops, members: Iterable<Member>, ...more: readonly Member[]): boolean {
  if (innerRun(loops).length < 2) return true;
  const list = [...members, ...more];
  if (list.every((member) => orderOf(member) === 'free')) return true;
  return passes(
    loops,
    list.flatMap((member) => member.reads),
  );
}

/** The same for the reads of a reduction alone. */
export function passes(loops: Loops, reads: readonly Access[]): boolean {
  const run = innerRun(loops);
  let size = 1;
  for (const [i, axis] of run.entries()) {
    const inner = run[i - 1];
    const joins =
      i === 0 || reads.every(({ strides }) => strides[axis] === strides[inner] * loops.domain[inner]);
    if (!joins) return size % STEP === 0;
    size *= loops.domain[axis];
  }
  return true;
}

export function orderOf({ node, level }: Member): ReturnType<Reduce['order']> {
  return level === 'reduce' ? (node.op.lower as Reduce).order(node.dtype) : 'free';
}

type Reduce = Extract<Lowering, { kind: 'reduce' }>;

/** The innermost axes that are reduced, from the inside out, without those of size 1. */
function innerRun({ domain, reduced }: Loops): number[] {
  const run: number[] = [];
  for (let axis = domain.length - 1; axis >= 0; axis--) {
    if (domain[axis] === 1) continue;
    if (!reduced[axis]) break;
    run.push(axis);
  }
  return run;
}

import type { Lowering } from '../ops/op.js';
import type { Access, Member, NestKernel } from './kernel.js';

// The order in which a reduction takes its elements follows from the op's own shape and axes alone, so that its bits
// do not depend on what shares the kernel, on layouts, or on threads.
//
// Neighbouring axes that are reduced count as one, axes of size 1 not at all. Where the innermost axis is reduced,
// its elements come in steps of 16: element i of a run goes to lane i % 4 of accumulator (i / 4) % 4, and each run
// begins a step of its own. Elsewhere every lane has a sum of its own, and an element is a step. After a block of steps
// the accumulators are joined, (0 + 1) + (2 + 3), and added to a total which keeps what rounding loses (Knuth, The
// Art of Computer Programming, vol. 2, 4.2.2: two-sum), so that the error of a long sum is that of a block. At the end come
// the lanes, (0 + 2) + (1 + 3). What is no longer than a block is one.

/** Accumulators of a run, each of four lanes. */
export const ACCUMULATORS = 4;
/** Elements of a step along a run. */
export const STEP = 4 * ACCUMULATORS;

/** Steps of a block along a run, and where each lane has its own sum: an error below a millionth for equal terms. */
const RUN_BLOCK = 32;
const LANE_BLOCK = 64;

export interface SumOrder {
  /** Steps in all, and those of a block. */
  readonly steps: number;
  readonly block: number;
}

type Loops = Pick<NestKernel, 'domain' | 'reduced'>;

export function sumOrder(loops: Loops): SumOrder {
  const { domain, reduced } = loops;
  const all = domain.reduce((n, size, axis) => (reduced[axis] ? n * size : n), 1);
  const run = innerRun(loops).reduce((n, axis) => n * domain[axis], 1);
  if (run === 1) return { steps: all, block: LANE_BLOCK };
  return { steps: all === 0 ? 0 : (all / run) * Math.ceil(run / STEP), block: RUN_BLOCK };
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

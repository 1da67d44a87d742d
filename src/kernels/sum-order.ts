import type { Node } from '../graph/graph.js';
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
//
// A long reduction to few results is made in parts, each a reduction of its own, whose results are then reduced in the
// order of a row of so many elements, which is in pairs. Parts are what threads share; how many there are follows from
// the shape alone (`cutOf`). A kernel has to walk the axes that are cut as one.

/** Accumulators of a run, each of four lanes. */
export const ACCUMULATORS = 4;
/** Elements of a step along a run. */
export const STEP = 4 * ACCUMULATORS;

/** Steps of a block: equal terms then add up to within half a millionth, and the total costs little. */
export const BLOCK = 32;

type Loops = Pick<NestKernel, 'domain' | 'reduced'>;

/** How many steps a reduction over these loops takes, or a part of it. */
export function stepsOf(loops: Loops): number {
  const { domain, reduced } = loops;
  const all = domain.reduce((n, size, axis) => (reduced[axis] ? n * size : n), 1);
  const run = innerRun(loops).reduce((n, axis) => n * domain[axis], 1);
  const steps = run === 1 || all === 0 ? all : (all / run) * Math.ceil(run / STEP);
  const cut = cutOf(loops);
  return cut ? (steps / cut.steps) * cut.length : steps;
}

/** How a reduction is made in parts: along neighbouring axes of the domain, which count as one. */
export interface Cut {
  readonly axes: readonly number[];
  /** Steps along them, and in each part; the last may have fewer. */
  readonly steps: number;
  readonly length: number;
  readonly parts: number;
}

/** Results side by side, or blocks of them, from which on threads share these. */
const FEW = 8;
/** Elements of a part at least, and parts at most: as many as a step along a row has elements. */
const PART = 16_384;
const MOST_PARTS = STEP;

/** How a reduction over these loops is made in parts, or null if it is made in one piece. */
export function cutOf(loops: Loops): Cut | null {
  const { domain } = loops;
  const all = domain.reduce((n, size) => n * size, 1);
  if (all < 2 * PART) return null;
  const groups = groupsOf(loops);
  const inner = groups.at(-1);
  const kept = groups.find(({ reduced }) => !reduced);
  const pieces = kept === undefined ? 1 : kept === inner ? Math.ceil(kept.size / STEP) : kept.size;
  // The more pieces there are, the less is gained, and reductions that are read in the same loops come apart.
  if (pieces >= FEW) return null;
  const steps = (group: Group) => (group === inner ? Math.ceil(group.size / STEP) : group.size);
  const folded = groups.filter(({ reduced }) => reduced);
  if (folded.length === 0) return null;
  const longest = folded.reduce((a, b) => (steps(b) > steps(a) ? b : a));
  const parts = partsOf(steps(longest), all / (PART * pieces * pieces));
  return parts && { axes: longest.axes, steps: steps(longest), ...parts };
}

/** Multiply-adds of a part of a product at least. */
const PRODUCTS = 200_000;

/** Bytes of the operands of a part that stay in the second-level cache, and how much less the results of all parts take. */
const OPERANDS = 1024 * 1024;
const LESS = 16;
/** Columns that are whole panels of every width from two vectors on. */
const PANELS = 48;
/** How many times longer than wide operands are from which on their parts lie apart in memory. */
const LONG = 32;

/**
 * How the k of a product of m by n is cut into parts, each a product of its own whose results are then added in pairs;
 * null if it is made in one piece, because it is large enough to be shared otherwise, or too small.
 */
export function productCut(m: number, n: number, k: number): Pick<Cut, 'length' | 'parts'> | null {
  const pieces = Math.max(Math.ceil(m / 4), Math.ceil(n / STEP));
  if (pieces >= FEW) return cutOfLong(m, n, k);
  return partsOf(k, (m * n * k) / (PRODUCTS * pieces));
}

/**
 * Parts of a product whose operands are far longer than what the caches keep, so that a part of them can serve other kernels
 * while it is at hand (`groups.ts`), in whole panels of those.
 */
function cutOfLong(m: number, n: number, k: number): Pick<Cut, 'length' | 'parts'> | null {
  const bytes = 4 * (m + n) * k;
  const wanted = Math.min(MOST_PARTS, Math.ceil(bytes / OPERANDS));
  if (bytes < 4 * OPERANDS || bytes > 2 * wanted * OPERANDS || k < LONG * Math.max(m, n)) return null;
  if (4 * m * n * wanted * LESS > bytes) return null;
  // A power of two of panels, so that products with other m and n have parts that end at the same places.
  const length = PANELS * 2 ** Math.round(Math.log2(k / wanted / PANELS));
  return { length, parts: Math.ceil(k / length) };
}

/** So many steps in a power of two of parts, or nearly so: of parts that are large enough, and no more than there may be. */
function partsOf(steps: number, possible: number): Pick<Cut, 'length' | 'parts'> | null {
  if (!(possible >= 2)) return null;
  const length = Math.ceil(steps / 2 ** Math.floor(Math.log2(Math.min(MOST_PARTS, possible))));
  const parts = Math.ceil(steps / length);
  return parts < 2 ? null : { length, parts };
}

/** Whether a node is a reduction that gives a result for each part, along a last axis, rather than one. */
export function isOfParts({ attrs }: Node): boolean {
  return attrs.parts !== undefined;
}

/** Neighbouring axes that are reduced, or that are not. */
interface Group {
  readonly axes: number[];
  readonly reduced: boolean;
  size: number;
}

/** From the outside in, without axes of size 1. */
function groupsOf({ domain, reduced }: Loops): Group[] {
  const groups: Group[] = [];
  domain.forEach((size, axis) => {
    if (size === 1) return;
    const last = groups.at(-1);
    if (last && last.reduced === reduced[axis]) {
      last.axes.push(axis);
      last.size *= size;
    } else groups.push({ axes: [axis], reduced: reduced[axis], size });
  });
  return groups;
}

/**
 * Whether loops over these members can keep the order: the axes of the innermost run pass as one for every read, or
 * those that do are whole steps.
 */
export function keepsOrder(loops: Loops, members: Iterable<Member>, ...more: readonly Member[]): boolean {
  const cut = cutOf(loops);
  if (innerRun(loops).length < 2 && !cut) return true;
  const list = [...members, ...more];
  const reads = list.flatMap((member) => member.reads);
  if (cut && !passAsOne(loops, cut, reads)) return false;
  return list.every((member) => orderOf(member) === 'free') || passes(loops, reads);
}

/** Whether all reads pass the axes of a cut as one. */
export function passAsOne({ domain }: Loops, { axes }: Cut, reads: readonly Access[]): boolean {
  return reads.every(({ strides }) =>
    axes.every((axis, i) => i === 0 || strides[axes[i - 1]] === strides[axis] * domain[axis]),
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

import type { Node } from '../graph/graph.js';
import { numel } from '../shape.js';
import type { GemmKernel, Kernel, LoopKernel } from './kernel.js';

/** Work of a kernel: floating-point operations, and bytes that cross between memory and registers at least once. */
export interface Cost {
  readonly flops: number;
  readonly bytes: number;
  /** Time on one thread. */
  readonly nanoseconds: number;
}

/**
 * Per nanosecond on one core: fitted to the times of kernels (`npm run bench -- --callgraph`) on a server core around
 * 3 GHz. The unit of an op's cost is a third of a nanosecond for a vector of four.
 */
const PRODUCT_FLOPS = 40;
const VECTOR_OPS = 3;
const BYTES = 16;
/** Adding a row to a table or to another row, for each vector. */
const ROW_VECTORS = 0.5;

export function costOf(kernel: Kernel): Cost {
  if (kernel.kind === 'loop') return costOfLoop(kernel);
  const bytes = 4 * [...kernel.stores, ...kernel.loads].reduce((n, node) => n + numel(node.shape), 0);
  if (kernel.kind === 'scatter' || kernel.kind === 'fold') {
    const n = numel(kernel.updates.source.shape);
    return { flops: n, bytes: 12 * n, nanoseconds: n / 4 / ROW_VECTORS };
  }
  if (kernel.kind === 'copy') return { flops: 0, bytes, nanoseconds: bytes / BYTES };
  const points = numel(kernel.domain);
  const rows = kernel.kind === 'nest' ? numel(kernel.domain.filter((_, i) => !kernel.reduced[i])) : points;
  const around = kernel.members.reduce(
    (sum, member) => sum + opCost(member.node) * (member.level === 'row' ? rows : points),
    0,
  );
  const [products, made] = kernel.kind === 'gemm' ? [productsOf(kernel), madeBy(kernel)] : [0, 0];
  const work = products / PRODUCT_FLOPS + (around + made) / 4 / VECTOR_OPS;
  return { flops: products + around + made, bytes, nanoseconds: Math.max(work, bytes / BYTES) };
}

/** Work on the operands that a product makes as it packs them. */
function madeBy(kernel: GemmKernel): number {
  return (['a', 'b'] as const).reduce((sum, which) => {
    const members = kernel[which].prologue?.members ?? [];
    return sum + members.reduce((cost, { node }) => cost + opCost(node), 0) * packed(kernel, which);
  }, 0);
}

/** Elements of an operand that are packed, if it is: those of A for each block of panels, those of B for each of rows. */
export function packed({ domain, k, tiling }: GemmKernel, which: 'a' | 'b'): number {
  const [m, n] = domain.slice(-2);
  const { kBlocks, segments, panelBlock, rowBlock } = tiling;
  const panels = segments.reduce((sum, { count }) => sum + count, 0);
  const times = which === 'b' ? Math.ceil(m / rowBlock) : kBlocks > 1 ? Math.ceil(panels / panelBlock) : 1;
  return times * (which === 'b' ? n : m) * k * numel(domain.slice(0, -2));
}

function costOfLoop({ before, body, length }: LoopKernel): Cost {
  const costs = [
    ...before.map((kernel): [Cost, number] => [costOf(kernel), 1]),
    ...body.kernels.map((kernel): [Cost, number] => [costOf(kernel), length]),
  ];
  const sum = (of: keyof Cost) => costs.reduce((all, [cost, times]) => all + times * cost[of], 0);
  return { flops: sum('flops'), bytes: sum('bytes'), nanoseconds: sum('nanoseconds') };
}

/** Where the matrices are parts of one product, the last may have a shorter k. */
function productsOf({ domain, k, lastK = k }: GemmKernel): number {
  const [m, n] = domain.slice(-2);
  return 2 * m * n * (k * numel(domain.slice(0, -2)) + lastK - k);
}

/** Of one vector, in the unit of `Lowering`. */
export function opCost({ op: { lower } }: Node): number {
  return lower.kind === 'elementwise' ? Math.max(1, lower.cost) : 1;
}

/** Nanoseconds of work that each thread of a shared kernel should have at least: waiting for each other costs some. */
export const THREAD_SHARE = 800;

/** Nanoseconds from which a kernel is shared in parts that threads take as they get free, so that none waits long. */
const PARTS_FROM = 200_000;
const MOST_PARTS = 16;
const FEW_PARTS = 6;
/** Bytes of an operand that the second-level cache keeps. */
const AGAIN_BYTES = 512 * 1024;

/** In how many parts a kernel of so many units is shared, or 0 if each thread has one share. */
export function partsOf(kernel: Kernel, units: number): number {
  if (costOf(kernel).nanoseconds < PARTS_FROM) return 0;
  // Each goes through all indices.
  if (kernel.kind === 'scatter' || kernel.kind === 'fold') return 0;
  if (kernel.kind !== 'gemm') return Math.min(units, MOST_PARTS);
  const { packA, packB, kBlocks, split } = kernel.tiling;
  const [m, n] = kernel.domain.slice(-2);
  // Each part reads one operand again, which must not come from far, and may have to pack it again.
  const [again, packs] = split === 'rows' ? [n, packB !== 'no' && packB !== 'lies'] : [m, packA];
  if (kBlocks > 1 && 4 * again * kernel.k > AGAIN_BYTES) return 0;
  return Math.min(units, packs || kBlocks > 1 ? FEW_PARTS : MOST_PARTS);
}

/** The same for kernels that are shared together. */
export function partsOfGroup(kernels: readonly Kernel[], units: number): number {
  return timeOf(kernels) < PARTS_FROM ? 0 : Math.min(units, MOST_PARTS);
}

/** How many threads kernels of so many units are worth that are shared together, however many there are. */
export function usefulThreads(kernels: readonly Kernel[], units: number, share: number): number {
  if (share <= 0) return units;
  return Math.max(1, Math.min(units, Math.floor(timeOf(kernels) / share)));
}

/** Time on one thread, in nanoseconds. */
export function timeOf(kernels: readonly Kernel[]): number {
  return kernels.reduce((sum, kernel) => sum + costOf(kernel).nanoseconds, 0);
}

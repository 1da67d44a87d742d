import { numel } from '../shape.js';
import type { Kernel } from './kernel.js';

/** Work of a kernel: floating-point operations, and bytes that cross between memory and registers at least once. */
export interface Cost {
  readonly flops: number;
  readonly bytes: number;
  /** Rough time on one thread. */
  readonly nanoseconds: number;
}

/** Per nanosecond on one core, as measured on server cores around 2 to 4 GHz; only the order of magnitude matters. */
const GEMM_FLOPS = 30;
const VECTOR_OPS = 1.5;

export function costOf(kernel: Kernel): Cost {
  const bytes = 4 * [...kernel.stores, ...kernel.loads].reduce((n, node) => n + numel(node.shape), 0);
  if (kernel.kind === 'scatter') {
    const n = numel(kernel.updates.source.shape);
    return { flops: n, bytes: 12 * n, nanoseconds: n };
  }
  if (kernel.kind === 'copy') return { flops: 0, bytes, nanoseconds: bytes / 8 };
  const points = numel(kernel.domain);
  const perPoint = kernel.members.reduce(
    (n, { node }) => n + (node.op.lower.kind === 'elementwise' ? Math.max(1, node.op.lower.cost) : 1),
    0,
  );
  const products = kernel.kind === 'gemm' ? 2 * points * kernel.k : 0;
  return {
    flops: products + points * perPoint,
    bytes,
    nanoseconds: products / GEMM_FLOPS + (points / 4) * (perPoint / VECTOR_OPS),
  };
}

/** A kernel shorter than this, in nanoseconds, is not worth a barrier. */
export const SPLIT_FROM = 4000;

/** Whether the threads share a kernel of so many units. */
export function isSplit(kernel: Kernel, units: number, from: number): boolean {
  return units > 1 && costOf(kernel).nanoseconds >= from;
}

import type { KernelBody } from '../kernels/kernel.js';

/** A name that says what a kernel does: kind, sizes, and the ops that are fused, in order. */
export function kernelName(kernel: KernelBody): string {
  switch (kernel.kind) {
    case 'gemm': {
      const [m, n] = kernel.domain.slice(-2);
      const batch = kernel.domain.slice(0, -2).map((size) => `${size}x`);
      const [aRow, aCol] = kernel.a.strides.slice(-2);
      const [, bCol] = kernel.b.strides.slice(-2);
      const flags = `${aCol === 1 || kernel.k === 1 || aRow !== 1 ? 'n' : 't'}${bCol === 1 || n === 1 ? 'n' : 't'}`;
      return join(
        `gemm_${flags}_${batch.join('')}${m}x${n}x${kernel.k}`,
        kernel.members.slice(1).map((x) => x.node.op.name),
      );
    }
    case 'loop':
      return `loop_${kernel.length}`;
    case 'scatter':
    case 'fold':
      return `${kernel.node.op.name}_${kernel.node.shape.join('x')}`;
    case 'copy':
      return `${kernel.node.op.lower.kind === 'copy' ? kernel.node.op.name : 'copy'}_${kernel.node.shape.join('x') || 'scalar'}`;
    case 'nest': {
      const kind = kernel.reduced.includes(true) ? 'reduce' : 'map';
      return join(
        `${kind}_${kernel.domain.join('x') || 'scalar'}`,
        kernel.members.map((x) => x.node.op.name),
      );
    }
  }
}

/** Long chains keep their first and last ops. */
function join(head: string, ops: string[]): string {
  const shown = ops.length > 5 ? [...ops.slice(0, 2), `${ops.length - 4}more`, ...ops.slice(-2)] : ops;
  return [head, ...shown].join('_');
}

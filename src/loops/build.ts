import type { Node } from '../graph/graph.js';
import type { PlainKernel } from '../kernels/kernel.js';
import type { Region } from '../kernels/regions.js';
import { Buffers } from './buffers.js';
import { gemmLoops } from './gemm.js';
import { nestLoops } from './nest.js';
import type { LoopProgram } from './program.js';
import { copyLoops, foldLoops, scatterLoops } from './scatter.js';

/** What a program has to know of where its kernel's results lie. */
export interface Placement {
  /** Whether a result takes the place of a variable, whose old value the kernel may read. */
  isVariable(node: Node): boolean;
  /** Whether the kernel's result lies where this node does. */
  liesOn(node: Node): boolean;
  /** Where a value lies that is stored as a part of another. */
  regionOf(node: Node): Region | undefined;
  /** Columns of the panels in which a variable lies. */
  panelsOf(node: Node): number | undefined;
}

/** The loop program of a kernel; a loop of kernels has none itself. */
export function loopsOf(
  kernel: PlainKernel,
  { isVariable, liesOn, regionOf, panelsOf }: Placement,
): LoopProgram {
  const buffers = new Buffers();
  const options = { buffers, stored: new Set(kernel.stores), overwrites: isVariable, regionOf };
  const { places } = buffers;
  switch (kernel.kind) {
    case 'nest':
      return { buffers: places, functions: [], ...nestLoops(kernel, options) };
    case 'gemm':
      return { buffers: places, ...gemmLoops(kernel, { ...options, panelsOf }) };
    case 'scatter': {
      const overwrites = () => liesOn(kernel.base.source);
      return { buffers: places, functions: [], ...scatterLoops(kernel, { ...options, overwrites }) };
    }
    case 'fold': {
      const overwrites = () => liesOn(kernel.updates.source);
      return { buffers: places, functions: [], ...foldLoops(kernel, { ...options, overwrites }) };
    }
    case 'copy':
      return { buffers: places, functions: [], ...copyLoops(kernel, options) };
  }
}

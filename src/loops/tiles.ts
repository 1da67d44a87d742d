import type { Kernel } from '../kernels/kernel.js';
import { isOfParts } from '../kernels/sum-order.js';
import { shapeOf } from './nest-shape.js';

/** How many units of a kernel's program a tile of the axis is along which they follow each other (`schedule/along.ts`). */
export function unitsOfTile(kernel: Kernel, tile: number): number {
  const units = tile / elementsOfUnit(kernel);
  if (!Number.isInteger(units)) throw new Error(`${kernel.name} has no tiles of ${tile}`);
  return units;
}

function elementsOfUnit(kernel: Kernel): number {
  if (kernel.kind === 'gemm')
    return isOfParts(kernel.members[0].node) ? kernel.k : 4 * kernel.tiling.segments[0].vectors;
  if (kernel.kind !== 'nest') throw new Error(`${kernel.name} is in a group`);
  const { alongRow, unroll } = shapeOf(kernel, {
    stored: new Set(kernel.stores),
    // None of a group makes a part of another value (schedule/groups.ts).
    regionOf: () => undefined,
  });
  return alongRow ? 1 : 4 * unroll;
}
